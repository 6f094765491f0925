// Builds the keeper with the machine's own compiler. Plain ESM for Node 20: it runs before Node 24 is there.
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);

/** Where `compile` puts the binary when nothing else is said. */
export const defaultOutFile = join(here, "build", "keeper");

const howToGetACompiler = [
  "Hearth needs a C compiler once, to build its keeper. Install one and run the command again:",
  "  Debian, Ubuntu   sudo apt-get install gcc libc6-dev",
  "  Alpine           sudo apk add gcc musl-dev linux-headers",
  "  Fedora, RHEL     sudo dnf install gcc glibc-devel",
  "  macOS            xcode-select --install",
  "Or name another one in the variable CC.",
].join("\n");

const warnings = "-Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wwrite-strings -Wvla".split(" ");

async function sources() {
  const names = await readdir(here);
  return names.filter((name) => name.endsWith(".c") || name.endsWith(".h")).map((name) => join(here, name));
}

async function upToDate(outFile, files) {
  const built = await stat(outFile).catch(() => undefined);
  if (built === undefined) return false;
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
  return times.every((time) => time < built.mtimeMs);
}

/**
 * Compiles `native/*.c` into one binary and puts it in place by a rename, so that a running one is never overwritten.
 * `sanitize` adds the address and undefined-behaviour sanitizers; `testPoints` the crash points of the fault tests.
 * Answers the binary's path. Throws an Error whose message says how to get a compiler, or what the compiler said.
 */
export async function compile({ outFile = defaultOutFile, sanitize = false, testPoints = false, force = false } = {}) {
  const files = await sources();
  if (!force && (await upToDate(outFile, files))) return outFile;
  await mkdir(dirname(outFile), { recursive: true });
  const compiler = process.env.CC || "cc";
  const draft = `${outFile}.${process.pid}.${Date.now()}`;
  const flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", ...warnings];
  if (sanitize) flags.push("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DHEARTH_SANITIZE");
  if (testPoints) flags.push("-DHEARTH_TEST_POINTS");
  const input = files.filter((file) => file.endsWith(".c"));
  const build = (extra) => run(compiler, [...flags, ...extra, "-o", draft, ...input]);
  try {
    // A static binary maps fewer pages and runs wherever the package is unpacked; not every system can link one.
    const wantsStatic = !sanitize && process.platform === "linux";
    if (wantsStatic)
      await build(["-static", "-s"]).catch((error) => (error.code === "ENOENT" ? Promise.reject(error) : build([])));
    else await build([]);
    await rename(draft, outFile);
  } catch (error) {
    await rm(draft, { force: true });
    if (error.code === "ENOENT") throw new Error(`There is no C compiler "${compiler}".\n${howToGetACompiler}`);
    throw new Error(
      `The keeper could not be compiled with "${compiler}":\n${error.stderr || error.message}\n${howToGetACompiler}`,
    );
  }
  return outFile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await compile({ force: true }));
