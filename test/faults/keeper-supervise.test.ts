// Who runs the host in the background starts it again when it dies, but not for ever, and not when it meant to end.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { binaries, isAlive } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";

const run = promisify(execFile);

describe("the supervisor of a detached host", () => {
  let binary: string;
  let dir: string;
  const started: number[] = [];
  before(async () => {
    binary = await binaries.ordinary();
    dir = await mkdtemp(join(tmpdir(), "hearth-supervise-"));
  });
  after(async () => {
    for (const pid of started) if (await isAlive(pid)) process.kill(pid, "SIGTERM");
    for (const pid of started) await eventually("it has left", async () => !(await isAlive(pid)));
    await rm(dir, { recursive: true });
  });

  async function supervise(name: string, script: string): Promise<{ pid: number; log: string }> {
    const log = join(dir, `${name}.log`);
    const { stdout } = await run(binary, ["supervise", "--log", log, "--", "/bin/sh", "-c", script]);
    const pid = Number(stdout);
    started.push(pid);
    return { pid, log };
  }
  const hosts = async (log: string): Promise<number[]> =>
    [...(await readFile(log, "utf8")).matchAll(/^host (\d+)$/gm)].map((match) => Number(match[1]));
  const gone = (pid: number) => eventually("the supervisor has left", async () => !(await isAlive(pid)));
  const stay = "echo host $$; exec sleep 60";

  it("starts it again when it was killed, at most five times in a minute", async () => {
    const { pid, log } = await supervise("killed", stay);
    for (let count = 1; count <= 5; count++) {
      await eventually(`host ${count}`, async () => (await hosts(log)).length === count);
      const last = (await hosts(log)).at(-1) ?? 0;
      process.kill(last, "SIGKILL");
    }
    await gone(pid);
    assert.equal((await hosts(log)).length, 5);
    assert.match(await readFile(log, "utf8"), /giving up/);
  });

  for (const code of [0, 78])
    it(`leaves it ended when it ended with ${code}`, async () => {
      const { pid, log } = await supervise(`code-${code}`, `echo host $$; exit ${code}`);
      await gone(pid);
      assert.equal((await hosts(log)).length, 1);
    });

  it("passes TERM on, and does not start again what was asked to stop", async () => {
    const { pid, log } = await supervise(
      "term",
      "trap 'echo stopping; exit 3' TERM; echo host $$; while :; do sleep 0.05; done",
    );
    await eventually("it runs", async () => (await hosts(log)).length === 1);
    process.kill(pid, "SIGTERM");
    await gone(pid);
    assert.match(await readFile(log, "utf8"), /stopping/);
    assert.equal((await hosts(log)).length, 1);
  });

  it("A15: writes to no log through a link", async () => {
    const [link, victim] = [join(dir, "link.log"), join(dir, "victim")];
    await symlink(victim, link);
    await assert.rejects(run(binary, ["supervise", "--log", link, "--", "/bin/true"]), { code: 1 });
    await assert.rejects(readFile(victim), { code: "ENOENT" });
  });

  it("says at once when the log cannot be written, and how it is used", async () => {
    await assert.rejects(run(binary, ["supervise", "--log", join(dir, "no", "log"), "--", "true"]), { code: 1 });
    await assert.rejects(run(binary, ["supervise", "true"]), { code: 2 });
    await assert.rejects(run(binary, []), { code: 2 });
  });
});
