import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { watchTestRunner } from "../../setup/watchdog.mjs";

const hangs = `import { it } from "node:test";
it("never ends", () => new Promise(() => setInterval(() => undefined, 1000)));`;
const leavesOneBehind = `import { it } from "node:test";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
it("leaves one behind with its output", () => {
  const stray = spawn("sleep", ["600"], { stdio: "inherit", detached: true });
  writeFileSync(new URL("stray", import.meta.url), String(stray.pid));
  stray.unref();
});`;

describe("the watch over the test runner", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-watchdog-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function watched(source: string, limits: { fileMs: number; allMs: number }, begun = () => Promise.resolve()) {
    const file = join(folder, "some.test.mjs");
    await writeFile(file, source);
    // A test runner inside a test runner's child would report to that one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const runner = spawn(process.execPath, ["--test", file], { env, stdio: "ignore" });
    const ended = once(runner, "exit");
    await begun();
    const said: string[] = [];
    const unwatch = watchTestRunner(runner, { ...limits, everyMs: 100, say: (text) => said.push(text) });
    const [code, signal] = await ended;
    unwatch();
    return { code, signal, said: said.join("\n") };
  }

  it("ends a file that never ends, by its name, and the run fails", async () => {
    const { code, said } = await watched(hangs, { fileMs: 1_000, allMs: 600_000 });
    assert.equal(code, 1);
    assert.match(said, /some\.test\.mjs has not ended after 1 s: killed/);
  });

  it("ends a run that waits for somebody whom an ended file left behind", async () => {
    let stray = 0;
    const left = async () => {
      while (stray === 0) {
        await delay(20);
        stray = Number(await readFile(join(folder, "stray"), "utf8").catch(() => 0));
      }
    };
    const { signal, said } = await watched(leavesOneBehind, { fileMs: 600_000, allMs: 1_000 }, left);
    process.kill(stray, "SIGKILL");
    assert.equal(signal, "SIGKILL");
    assert.match(said, /not ended after 1 s: killed/);
  });
});
