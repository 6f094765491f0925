// The set-up's lock and stamps, and the script that starts Hearth from anywhere.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { lock } from "../../setup/lock.mjs";
import { newEnough } from "../../setup/node.mjs";
import { fingerprint } from "../../setup/stamp.mjs";

const root = resolve(import.meta.dirname, "../..");
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hearth-set-up-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the set-up's lock", () => {
  it("lets one in at a time, and the next one in when it is free", async () => {
    const free = await lock(directory);
    const waited = Promise.withResolvers<string>();
    const second = lock(directory, { pollMs: 5, onWait: waited.resolve });
    assert.match(await waited.promise, new RegExp(` ${process.pid}$`));
    free();
    (await second)();
  });

  it("is taken from a holder that died", async () => {
    const holder = spawn(process.execPath, ["-e", ""]);
    await once(holder, "exit");
    writeFileSync(join(directory, "lock.7"), `${hostname()} ${holder.pid}\n`);
    (await lock(directory, { pollMs: 5, onWait: assert.fail }))();
  });

  it("is taken from a holder elsewhere that has shown no sign of life for long, and from no other", async () => {
    const file = join(directory, "lock.3");
    writeFileSync(file, "another-machine 1\n");
    const waited = Promise.withResolvers<string>();
    const mine = lock(directory, { pollMs: 5, onWait: waited.resolve });
    assert.equal(await waited.promise, "another-machine 1");
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, longAgo, longAgo);
    (await mine)();
  });

  it("never has two holders, however many want it and die with it", async () => {
    const inside = join(directory, "inside");
    const script = [
      `import { lock } from ${JSON.stringify(join(root, "setup/lock.mjs"))};`,
      `import { mkdirSync, rmdirSync } from "node:fs";`,
      `for (let i = 0; i < 20; i++) {`,
      `  const free = await lock(${JSON.stringify(join(directory, "locks"))}, { pollMs: 1 });`,
      `  mkdirSync(${JSON.stringify(inside)});`, // Fails if somebody else is inside.
      `  await new Promise((done) => setTimeout(done, 1));`,
      `  rmdirSync(${JSON.stringify(inside)});`,
      `  if (i === 10 && process.argv[1] === "dies") process.kill(process.pid, "SIGKILL");`,
      `  free();`,
      `}`,
    ].join("\n");
    const start = (how: string): ChildProcess =>
      spawn(process.execPath, ["--input-type=module", "-e", script, how], { stdio: ["ignore", "ignore", "inherit"] });
    const ends = ["lives", "dies", "lives", "dies", "lives"].map((how) => once(start(how), "exit"));
    assert.deepEqual(
      (await Promise.all(ends)).map(([code, signal]) => code ?? signal),
      [0, "SIGKILL", 0, "SIGKILL", 0],
    );
  });
});

describe("the set-up's stamps", () => {
  it("change with contents and names, and not with times, tests and documents", () => {
    mkdirSync(join(directory, "src/a"), { recursive: true });
    writeFileSync(join(directory, "src/a/one.ts"), "1");
    const of = (): string => fingerprint(directory, ["src", "missing", "file.json"]);
    const first = of();
    utimesSync(join(directory, "src/a/one.ts"), 1, 1);
    writeFileSync(join(directory, "src/a/one.test.ts"), "x");
    writeFileSync(join(directory, "src/README.md"), "x");
    assert.equal(of(), first);
    writeFileSync(join(directory, "src/a/one.ts"), "2");
    const second = of();
    writeFileSync(join(directory, "file.json"), "{}");
    assert.equal(new Set([first, second, of()]).size, 3);
  });

  it("know which Node is new enough", () => {
    const versions = ["v20.20.2", "v24.15.9", "v24.16.0", "v24.21.0", "v25.0.0"];
    assert.deepEqual(versions.map(newEnough), [false, false, true, true, true]);
  });

  it("cost nothing when there is nothing to do: not a word, and no lock", () => {
    const said = execFileSync(process.execPath, [join(root, "setup/setup.mjs")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    assert.equal(said, "");
  });
});

describe("bin/hearth", () => {
  /** A package that was installed, not cloned: nothing to set up, and a command line that tells what it was given. */
  function install(place: string): string {
    mkdirSync(join(place, "bin"), { recursive: true });
    mkdirSync(join(place, "src/cli"), { recursive: true });
    mkdirSync(join(place, "node_modules/.bin"), { recursive: true });
    symlinkSync(process.execPath, join(place, "node_modules/.bin/node"));
    copyFileSync(join(root, "bin/hearth"), join(place, "bin/hearth"));
    chmodSync(join(place, "bin/hearth"), 0o755);
    writeFileSync(
      join(place, "src/cli/start.mjs"),
      "const words = process.argv.slice(2);\nconsole.log(JSON.stringify([words, process.cwd(), process.ppid]));\n",
    );
    return join(place, "bin/hearth");
  }

  it("runs from anywhere, through links, with blanks in its path and in its arguments", () => {
    const place = join(directory, "a place with blanks");
    install(place);
    mkdirSync(join(directory, "links"));
    symlinkSync("../a place with blanks/bin", join(directory, "links/bin"));
    symlinkSync("bin/hearth", join(directory, "links/relative"));
    symlinkSync(join(directory, "links/relative"), join(directory, "absolute"));
    for (const path of ["absolute", "links/relative", "links/bin/hearth", "a place with blanks/bin/hearth"]) {
      const said = execFileSync(join(directory, path), ["run", "--", "a b", ""], { cwd: directory, encoding: "utf8" });
      const [words, cwd, parent] = JSON.parse(said) as [string[], string, number];
      assert.deepEqual(words, ["run", "--", "a b", ""]);
      assert.equal(cwd, directory);
      // `exec`: no shell stands between hearth and who called it, so signals and exit codes are its own.
      assert.equal(parent, process.pid);
    }
  });

  it("takes a Node of the PATH if it is new enough, and says what is missing if none is", () => {
    const place = join(directory, "package");
    const hearth = install(place);
    rmSync(join(place, "node_modules"), { recursive: true });
    const old = join(directory, "old");
    mkdirSync(old);
    writeFileSync(join(old, "node"), "#!/bin/sh\necho v20.11.0\n", { mode: 0o755 });
    const path = `${old}:/usr/bin:/bin`;
    const run = (env: NodeJS.ProcessEnv): string =>
      execFileSync(hearth, ["x"], { encoding: "utf8", env, stdio: "pipe" });
    assert.throws(
      () => run({ PATH: path }),
      (error: Error & { status?: number; stderr?: string }) => {
        assert.match(error.stderr ?? "", /Node 24\.16 or newer/);
        return error.status === 1;
      },
    );
    rmSync(join(old, "node"));
    symlinkSync(process.execPath, join(old, "node"));
    assert.match(run({ PATH: path }), /\["x"\]/);
  });

  it("does not start the set-up of a checkout that is ready", {
    skip: existsSync(join(root, ".setup/done")) ? false : "this checkout was set up by hand",
  }, () => {
    const before = readFileSync(join(root, ".setup/done"));
    const said = execFileSync(join(root, "bin/hearth"), ["--version"], { encoding: "utf8" });
    assert.match(said, /^\d+\.\d+\.\d+\n$/);
    assert.deepEqual(readFileSync(join(root, ".setup/done")), before);
  });
});
