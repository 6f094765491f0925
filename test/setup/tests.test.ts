import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";

const runner = new URL("../../setup/tests.mjs", import.meta.url).href;
/** Notes each of its runs in a file, and passes from the run `from` on. */
const passesFrom = (runs: string, from: number) => `import { it } from "node:test";
import { appendFileSync, readFileSync } from "node:fs";
appendFileSync(${JSON.stringify(runs)}, "x");
it("is unsteady", () => { if (readFileSync(${JSON.stringify(runs)}).length < ${from}) throw new Error("not yet"); });`;

/** Kills the runner once that has told of a failure. */
const KILLS = `import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
while ((await readFile(process.env.HOME + ".failed", "utf8").catch(() => "")) === "") await delay(20);
process.kill(process.ppid, "SIGKILL");`;

describe("the run of all tests", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-runner-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Each number is a file that passes from that run on; one that is 0 kills the runner. */
  async function runOf(name: string, from: number[], again = true) {
    const cwd = join(folder, name);
    await mkdir(cwd);
    const files = from.map((_, index) => join(cwd, `${index}.test.mjs`));
    const textOf = (file: string, run = 1) => (run === 0 ? KILLS : passesFrom(`${file}.runs`, run));
    await Promise.all(files.map((file, index) => writeFile(file, textOf(file, from[index]))));
    const script = `import { runTests } from ${JSON.stringify(runner)};
const result = await runTests(${JSON.stringify(files)}, { cwd: ${JSON.stringify(cwd)}, reporter: "spec", again: ${again} });
process.stderr.write(JSON.stringify(result));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
    const [said, result] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const runs = await Promise.all(
      files.map(async (file) => (await readFile(`${file}.runs`, "utf8").catch(() => "")).length),
    );
    return { ...(JSON.parse(result) as { code: number; unsteady: string[] }), runs, said };
  }

  it("runs a file that failed once more by itself, and names it as unsteady if it passes then", async () => {
    const { code, unsteady, runs, said } = await runOf("unsteady", [1, 2]);
    assert.deepEqual({ code, unsteady, runs }, { code: 0, unsteady: ["1.test.mjs"], runs: [1, 2] });
    assert.match(said, /not yet/); // its failure is told, although it passed then
    assert.match(said, /Once more, one at a time: 1\.test\.mjs/);
  });

  it("fails on a file that fails twice", async () => {
    const { code, unsteady, runs } = await runOf("broken", [9, 2]);
    assert.deepEqual({ code, unsteady, runs }, { code: 1, unsteady: ["1.test.mjs"], runs: [2, 2] });
  });

  it("fails at once on more failures than an accident of the machine explains", async () => {
    const { code, unsteady, runs } = await runOf("many", [2, 2, 2, 1]);
    assert.deepEqual({ code, unsteady, runs }, { code: 1, unsteady: [], runs: [1, 1, 1, 1] });
  });

  it("fails where the runner was killed: what had failed by then was not all there was", async () => {
    const { code, unsteady, runs } = await runOf("killed", [2, 0]);
    assert.deepEqual({ code, unsteady, runs }, { code: 1, unsteady: [], runs: [1, 0] });
  });

  it("runs nothing twice for who chose the files", async () => {
    const { code, unsteady, runs } = await runOf("chosen", [2], false);
    assert.deepEqual({ code, unsteady, runs }, { code: 1, unsteady: [], runs: [1] });
  });
});
