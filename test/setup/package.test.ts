// What `npm pack` makes, as a person gets it: installed into an empty folder, where there is no compiler, and run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, cpSync, realpathSync, statSync } from "node:fs";
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, relative, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { allText, Bed, processes } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Where a program is, by the PATH of this test. */
function find(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return realpathSync(join(folder, program));
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

const needed =
  process.arch === "arm64" ? ["npm", "x86_64-linux-gnu-gcc"] : ["npm", "aarch64-linux-gnu-gcc", "qemu-aarch64-static"];
const missing = process.platform === "linux" ? needed.filter((name) => find(name) === undefined) : ["Linux"];
const skip = missing.length > 0 && process.env.HEARTH_TEST_ALL !== "1" ? `needs ${missing.join(", ")}` : false;

/** All that an installed package may use of the system: a shell and a few small programs. No compiler, no make, no Node. */
const TOOLS = ["sh", "dirname", "readlink", "find", "head", "cat", "env", "sleep", "uname"];
const glibc = (process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime;

describe("the package", { skip }, () => {
  let folder: string;
  let installed: string;
  let packages: string[];
  let environment: Record<string, string>;

  before(async () => {
    folder = realpathSync(await mkdtemp(join(tmpdir(), "hearth-package-")));
    packages = await Promise.all([pack("one"), pack("another-place/two")]);
    await mkdir(join(folder, "bin"));
    for (const tool of [...TOOLS, ...(glibc === undefined ? ["node"] : [])])
      await symlink(find(tool) ?? `/no ${tool} here`, join(folder, "bin", tool));
    await mkdir(join(folder, "person"));
    await mkdir(join(folder, "empty"));
    environment = {
      ...{ PATH: join(folder, "bin"), HOME: join(folder, "person"), CI: "true", LANG: "C.UTF-8", SHELL: "/bin/sh" },
      ...{ HEARTH_HOME: join(folder, "state"), HEARTH_CONFIG: join(folder, "config.toml"), HEARTH_PORT: "0" },
    };
    // As a person would, with the registry that this machine is set up for.
    const words = "--prefer-offline --no-audit --no-fund --omit=dev --ignore-scripts --loglevel=error".split(" ");
    await npm(["install", packages[0] ?? "", ...words], join(folder, "empty"), { PATH: join(folder, "bin") });
    installed = join(folder, "empty/node_modules/hearth");
  });

  after(async () => {
    if (installed !== undefined) await hearth("down", "--all").catch(() => "it had stopped already");
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  /** A checkout of its own, without what was built in this one. Resolves with the packed file. */
  async function pack(name: string): Promise<string> {
    const checkout = join(folder, name);
    const left = new Set(["node_modules", ".git", ".setup", "build", "dist", "lib", "lib.new", "test", "bench"]);
    await mkdir(checkout, { recursive: true });
    cpSync(root, checkout, { recursive: true, filter: (path) => path === root || !left.has(basename(path)) });
    await symlink(join(root, "node_modules"), join(checkout, "node_modules"));
    await mkdir(join(checkout, "packed"));
    await npm(["pack", "--pack-destination", "packed", "--loglevel=error"], checkout);
    const [file = ""] = await readdir(join(checkout, "packed"));
    return join(checkout, "packed", file);
  }

  async function npm(words: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
    // Not what an outer `npm test` says of its own folder and its own options.
    const kept = Object.entries(process.env).filter(
      ([key]) =>
        !/^(npm_(lifecycle|package)_|npm_config_(omit|only|production|global|prefix|local_prefix|dry_run)$)/i.test(key),
    );
    const cli = find("npm") ?? "npm";
    const command = cli.endsWith(".js") ? [process.execPath, cli] : [cli];
    const [file = "", ...rest] = [...command, ...words, "--prefix", cwd];
    await run(file, rest, { cwd, env: { ...Object.fromEntries(kept), ...env }, timeout: 120_000 });
  }

  interface Said {
    out: string;
    err: string;
    code: number;
  }
  async function hearth(...words: string[]): Promise<Said> {
    const command = join(folder, "empty/node_modules/.bin/hearth");
    const options = { cwd: join(folder, "empty"), env: environment, timeout: 60_000 };
    return run(command, words, options).then(
      ({ stdout, stderr }) => ({ out: stdout, err: stderr, code: 0 }),
      (error: { stdout: string; stderr: string; code: number }) => ({
        ...{ out: error.stdout, err: error.stderr, code: error.code },
      }),
    );
  }
  /** Every file below a directory, with when it was written. */
  async function listing(directory: string): Promise<string[]> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
    return Promise.all(files.map(async (file) => `${relative(directory, file)} ${(await stat(file)).mtimeMs}`));
  }

  it("is the same, byte for byte, packed again in another place", async () => {
    const hashes = packages.map(async (file) =>
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    );
    const [first, second] = await Promise.all(hashes);
    assert.equal(first, second);
    const keepers = ["linux-x64", "linux-arm64"].flatMap((target) =>
      ["one", "another-place/two"].map(async (checkout) => {
        const file = await readFile(join(folder, checkout, "native/build", `keeper-${target}`));
        assert.ok(!file.includes(folder), "no path of who built it");
        return createHash("sha256").update(file).digest("hex");
      }),
    );
    const [x64, x64again, arm64, arm64again] = await Promise.all(keepers);
    assert.deepEqual([x64, arm64], [x64again, arm64again]);
  });

  it("carries what runs, and nothing else", async () => {
    const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(installed, join(entry.parentPath, entry.name)))
      .sort();
    const strange = files.filter((file) =>
      /\.tsx?$|\.test\.|(^|\/)(testing|fixtures|test|setup|src|bench)\//.test(file),
    );
    assert.deepEqual(strange, []);
    const expected = ["LICENSE", "README.md", "bin/hearth", "dist/web/index.html", "lib/cli/main.js", "package.json"];
    for (const file of expected) assert.ok(files.includes(file), file);
    const { size } = statSync(packages[0] ?? "");
    assert.ok(size < 3_000_000, `${size} bytes packed`);
    // Every module names only what is there: other modules by their files, packages that are installed with it.
    for (const file of files.filter((name) => /^lib\/.*\.m?js$/.test(name))) {
      const text = await readFile(join(installed, file), "utf8");
      for (const [, to = ""] of text.matchAll(/["'`](\.\.?\/[^"'`\n]+\.m?js)["'`]/g))
        await access(join(installed, dirname(file), to));
    }
  });

  it("carries static keepers for Linux on x64 and arm64", async () => {
    for (const [arch, machine] of [
      ["x64", 62],
      ["arm64", 183],
    ] as const) {
      const path = join(installed, `native/build/keeper-linux-${arch}`);
      assert.equal((await stat(path)).mode & 0o111, 0o111);
      const elf = await readFile(path);
      assert.deepEqual([elf.readUInt32BE(0), elf.readUInt16LE(18)], [0x7f454c46, machine]);
      const [at, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
      const kinds = Array.from({ length: count }, (_, i) => elf.readUInt32LE(at + i * size));
      assert.ok(!kinds.includes(3), "it asks for no loader");
    }
  });

  it("runs a process where there is no compiler, and writes nothing where it is installed", async () => {
    for (const compiler of ["cc", "gcc", "clang", "tcc", "make"])
      await assert.rejects(access(join(folder, "bin", compiler)), { code: "ENOENT" });
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    const untouched = await listing(join(folder, "empty"));

    assert.deepEqual(await hearth("--version"), { out: `${version}\n`, err: "", code: 0 });
    const up = await hearth("up", "--detach");
    assert.deepEqual([up.code, up.err], [0, ""]);
    const id = (await hearth("run", "--", "sh", "-c", "echo to one; echo to the other >&2; exit 7")).out.trim();
    assert.equal((await hearth("wait", id)).code, 7);
    assert.equal((await hearth("logs", id)).out, "to one\nto the other\n");
    const shell = (await hearth("run", "--pty", "--", "sh", "-c", "test -t 0 && echo a terminal; exec sleep 600")).out;
    await eventually("the terminal has said so", async () =>
      (await hearth("logs", shell.trim())).out.includes("a terminal"),
    );

    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(up.out)?.[0] ?? "";
    const page = await fetch(`${address}/`);
    assert.deepEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    const html = await page.text();
    const assets = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
    assert.ok(assets.some((path) => path.endsWith(".js")) && assets.some((path) => path.endsWith(".css")), html);
    for (const asset of assets) assert.equal((await fetch(`${address}/${asset}`)).status, 200, asset);

    const doctor = JSON.parse((await hearth("doctor", "--json")).out) as {
      findings: { what: string; found: string }[];
    };
    const found = (what: string) => doctor.findings.find((finding) => finding.what === what)?.found ?? "";
    assert.match(found("Keeper"), /keeper-linux-\w+ \(came with the package\)$/);
    if (glibc !== undefined) assert.ok(found("Node").includes(join(folder, "empty")), "the Node that came with it");

    assert.equal((await hearth("down", "--all")).code, 0);
    await eventually("nothing is left running", async () =>
      (await processes()).every(({ command }) => !command.includes(folder)),
    );
    assert.deepEqual(await listing(join(folder, "empty")), untouched);
    assert.ok((await readdir(join(folder, "person/.cache/hearth/compiled"))).length > 0, "compiled code is the user's");
  });

  it("says how to get a compiler where it carries no keeper for the machine, and makes one with it", async () => {
    const lacking = join(folder, "lacking");
    cpSync(join(folder, "empty"), lacking, {
      recursive: true,
      // The Node beside it is large, and nothing of it is lacking.
      filter: (path) => !/native\/build|node_modules\/node-linux-\w+$/.test(path),
    });
    const words = [join(lacking, "node_modules/hearth/lib/cli/start.mjs"), "up", "--detach"];
    const env = { ...environment, HEARTH_HOME: join(folder, "lacking-state") };
    const said = await run(process.execPath, words, { env }).then(
      () => assert.fail("it started"),
      (error: { stderr: string; code: number }) => error,
    );
    assert.equal(said.code, 1);
    assert.match(said.stderr, /no keeper for this machine.*install a C compiler.*native\/compile\.mjs/);
    await run(process.execPath, [join(lacking, "node_modules/hearth/native/compile.mjs")]);
    const doctor = await run(process.execPath, [words[0] ?? "", "doctor"], { env });
    assert.match(doctor.stdout, /Keeper: \S+native\/build\/keeper \(built here\)/);
  });

  it("is not needed for a checkout, which says how to get a compiler where there is none", async () => {
    const checkout = join(folder, "another-place/two");
    await rm(join(checkout, "native/build"), { recursive: true });
    const said = await run("/bin/sh", [join(checkout, "bin/hearth"), "up"], { env: environment }).then(
      () => assert.fail("it started"),
      (error: { stderr: string; code: number }) => error,
    );
    assert.equal(said.code, 1);
    assert.match(said.stderr, /There is no C compiler "cc".*apt-get install gcc/s);
  });

  it("runs a child under the keeper for arm64", async () => {
    const wrapper = await arm64Keeper();
    await using bed = await Bed.make(wrapper, { startDeadlineMs: 20_000 });
    const child = await bed.sh("proc_arm", "cat; echo done >&2; exit 3");
    const words = await readFile(`/proc/${child.live?.keeperPid ?? 0}/cmdline`, "utf8");
    assert.ok(words.includes("keeper-linux-arm64"), words);
    await child.write(Buffer.from("what was typed\n"));
    await child.eof();
    assert.equal(await allText(child), "what was typed\ndone\n");
    const end = await child.exited;
    assert.deepEqual(end.kind === "exited" ? [end.code, end.signal] : end, [3, null]);
  });

  it("keeps children on arm64 as the suite of every keeper demands", async () => {
    // Not the rows for which the emulator has no sub-reaper, or is seen on the command line.
    const rows = "P2 P3 P7 P8 P15 F16 F17 F18 F35 I3 T4 A50 A51".split(" ").join("|");
    const words = ["--disable-warning=ExperimentalWarning", "--test", "--test-reporter=tap"];
    const suite = [`--test-name-pattern=/^(${rows})\\b/`, join(import.meta.dirname, "fixtures/keeper-suite.ts")];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const said = await run(process.execPath, [...words, ...suite], {
      env: { ...env, KEEPER: await arm64Keeper() },
      timeout: 90_000,
      maxBuffer: 16 << 20,
    }).catch((error: { stdout: string }) => assert.fail(error.stdout));
    const passed = Number(/^# pass (\d+)$/m.exec(said.stdout)?.[1]);
    assert.ok(passed >= 20, `${passed} passed`);
  });

  /** A program that is the packed keeper for arm64, emulated unless this machine is one. */
  async function arm64Keeper(): Promise<string> {
    const path = join(folder, "arm64");
    const through = process.arch === "arm64" ? "" : `${find("qemu-aarch64-static")} `;
    const keeper = join(installed, "native/build/keeper-linux-arm64");
    await writeFile(path, `#!/bin/sh\nexec ${through}${keeper} "$@"\n`, { mode: 0o755 });
    return path;
  }
});
