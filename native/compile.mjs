// Builds the keeper: with the machine's own compiler for this machine, with a cross compiler for the machines a package is for.
// Plain ESM for Node 20: it runs before Node 24 is there.
import { execFile } from "node:child_process";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);

/** Where `compile` puts the binary when nothing else is said. */
export const defaultOutFile = join(here, "build", "keeper");

/** The machines a package carries a ready-made keeper for. `machine` is the number of
 * the processor in an ELF file, `packages` what Debian calls the compiler on another machine. */
export const targets = {
  "linux-x64": { triple: "x86_64-linux-gnu", machine: 62, packages: "gcc-x86-64-linux-gnu libc6-dev-amd64-cross" },
  "linux-arm64": { triple: "aarch64-linux-gnu", machine: 183, packages: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" },
};

const howToGetACompiler = [
  "Hearth needs a C compiler once, to build its keeper. Install one and run the command again:",
  "  Debian, Ubuntu   sudo apt-get install gcc libc6-dev",
  "  Alpine           sudo apk add gcc musl-dev linux-headers",
  "  Fedora, RHEL     sudo dnf install gcc glibc-devel",
  "  macOS            xcode-select --install",
  "Or name another one in the variable CC.",
].join("\n");

const warnings = "-Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wwrite-strings -Wvla".split(" ");
/** The same source gives the same bytes, wherever it lies and whenever it is built. */
const reproducible = [`-ffile-prefix-map=${here}=native`, "-Wl,--build-id=none"];

async function sources() {
  const names = await readdir(here);
  return names.filter((name) => name.endsWith(".c") || name.endsWith(".h")).sort();
}

async function upToDate(outFile, files) {
  const built = await stat(outFile).catch(() => undefined);
  if (built === undefined) return false;
  const times = await Promise.all(files.map(async (file) => (await stat(join(here, file))).mtimeMs));
  return times.every((time) => time < built.mtimeMs);
}

/** Compilers to try, the best first: the first that is there decides. */
function compilersFor(target) {
  const own = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];
  if (target === undefined) return own;
  const cross = `${targets[target].triple}-gcc`;
  return target === `${process.platform}-${process.arch}` ? [...own, cross] : [cross];
}

/** Runs the first compiler that is there. Throws what it said, or an error with the code ENOENT if there is none. */
async function compileWith(compilers, args) {
  const [first, ...others] = compilers;
  try {
    return await run(first, args, { cwd: here });
  } catch (error) {
    if (error.code !== "ENOENT" || others.length === 0) throw error;
    return compileWith(others, args);
  }
}

/** What must not be packed: a keeper for another processor, or one that needs a loader and libraries to be there. */
async function assertStatic(file, machine) {
  const opened = await open(file, "r");
  try {
    const { buffer } = await opened.read(Buffer.alloc(4096), 0, 4096, 0);
    if (buffer.readUInt32BE(0) !== 0x7f454c46) throw new Error("The compiler made no ELF file.");
    if (buffer.readUInt16LE(18) !== machine) throw new Error("The compiler made a keeper for another processor.");
    const [at, size, count] = [Number(buffer.readBigUInt64LE(32)), buffer.readUInt16LE(54), buffer.readUInt16LE(56)];
    const INTERPRETER = 3;
    for (let i = 0; i < count; i++)
      if (buffer.readUInt32LE(at + i * size) === INTERPRETER) throw new Error("The keeper is not static.");
  } finally {
    await opened.close();
  }
}

/**
 * Compiles `native/*.c` into one binary and puts it in place by a rename, so that a running one is never overwritten.
 * `sanitize` adds the address and undefined-behaviour sanitizers; `testPoints` the crash points of the fault tests.
 * With a `target` ("linux-x64", "linux-arm64") the binary is static, for that machine, the same for the same source, and
 * its default place is `native/build/keeper-TARGET`.
 * Answers the binary's path. Throws an Error whose message says how to get a compiler, or what the compiler said.
 */
export async function compile({ target, outFile, sanitize = false, testPoints = false, force = false } = {}) {
  if (target !== undefined && targets[target] === undefined)
    throw new Error(`There is no target "${target}": take one of ${Object.keys(targets).join(", ")}.`);
  const out = outFile ?? (target === undefined ? defaultOutFile : `${defaultOutFile}-${target}`);
  const files = await sources();
  if (!force && (await upToDate(out, files))) return out;
  await mkdir(dirname(out), { recursive: true });
  const compilers = compilersFor(target);
  const draft = `${out}.${process.pid}.${Date.now()}`;
  const flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", ...warnings];
  if (sanitize) flags.push("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DHEARTH_SANITIZE");
  if (testPoints) flags.push("-DHEARTH_TEST_POINTS");
  const input = files.filter((file) => file.endsWith(".c"));
  const build = (extra) => compileWith(compilers, [...flags, ...extra, "-o", draft, ...input]);
  try {
    // A static binary maps fewer pages and runs wherever the package is unpacked; not every system can link one.
    const wantsStatic = !sanitize && process.platform === "linux";
    if (target !== undefined) {
      await build(["-static", "-s", ...reproducible]);
      await assertStatic(draft, targets[target].machine);
    } else if (wantsStatic)
      await build(["-static", "-s"]).catch((error) => (error.code === "ENOENT" ? Promise.reject(error) : build([])));
    else await build([]);
    await rename(draft, out);
  } catch (error) {
    await rm(draft, { force: true });
    throw new Error(trouble(error, target, compilers), { cause: error });
  }
  return out;
}

function trouble(error, target, compilers) {
  const missing = error.code === "ENOENT";
  const said = error.stderr || error.message;
  if (target !== undefined && target !== `${process.platform}-${process.arch}`) {
    const { packages } = targets[target];
    const what = missing ? `There is no ${compilers.join(", no ")}` : `The keeper for ${target} could not be compiled`;
    return `${what}. On Debian: sudo apt-get install ${packages}${missing ? "" : `\n${said}`}`;
  }
  if (missing) return `There is no C compiler "${compilers[0]}".\n${howToGetACompiler}`;
  // A compiler without its headers or libraries is one that has to be installed yet; any other trouble is the source's.
  const remedy = /No such file or directory|cannot find|not found/.test(said) ? `\n${howToGetACompiler}` : "";
  return `The keeper could not be compiled:\n${said}${remedy}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target] = process.argv.slice(2);
  try {
    console.log(await compile({ force: true, ...(target === undefined ? {} : { target }) }));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
