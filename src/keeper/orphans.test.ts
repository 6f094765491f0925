import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, it } from "node:test";
import { currentBootId, endOrphans, provenAmong } from "./orphans.ts";
import type { Live } from "./types.ts";

describe("what a dead keeper left behind", { skip: process.platform !== "linux" }, () => {
  it("F03: a session's number proves its members, but not the 0 of all whose session began outside this container", () => {
    const all = [
      { pid: 10, parent: 1, session: 10 },
      { pid: 11, parent: 1, session: 10 },
      { pid: 12, parent: 11, session: 12 },
      { pid: 20, parent: 0, session: 0 },
      { pid: 21, parent: 1, session: 0 },
    ];
    assert.deepEqual([...provenAmong(all, new Set([10]), 10)], [10, 11, 12]);
    assert.deepEqual([...provenAmong(all, new Set([20]), 0)], [20]);
  });

  it("F06: nobody is signalled for a child of before the machine's restart, whatever mark he bears", async (t) => {
    const mark = randomBytes(16).toString("hex");
    const left = spawn("sleep", ["60"], { env: { PATH: process.env.PATH, HEARTH_MARK: mark }, stdio: "ignore" });
    const gone = once(left, "exit");
    await once(left, "spawn");
    t.after(() => left.kill("SIGKILL"));
    const live = await ofThisBoot();
    assert.equal(await endOrphans({ ...live, bootId: "00000000-0000-0000-0000-000000000000" }, mark), 0);
    assert.equal(await endOrphans(live, mark), 1);
    assert.deepEqual(await gone, [null, "SIGTERM"]);
  });

  it("F03: one whom nothing ends, such as another user's, is told of by its pid and holds up nobody for ever", async (t) => {
    const mark = randomBytes(16).toString("hex");
    const left = spawn("sleep", ["60"], { env: { PATH: process.env.PATH, HEARTH_MARK: mark }, stdio: "ignore" });
    const gone = once(left, "exit");
    await once(left, "spawn");
    const live = await ofThisBoot();
    const warnings: string[] = [];
    // The system refuses, as it does for a process of another user.
    const refusing = t.mock.method(process, "kill", () => {
      throw Object.assign(new Error("not permitted"), { code: "EPERM" });
    });
    try {
      assert.equal(await endOrphans(live, mark, (text) => warnings.push(text)), 1);
      const signals = refusing.mock.calls
        .filter(({ arguments: [pid] }) => pid === left.pid)
        .map((call) => call.arguments[1]);
      assert.deepEqual([...new Set(signals)], ["SIGTERM", "SIGKILL"]);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", new RegExp(`could not be ended: ${left.pid}$`));
    } finally {
      refusing.mock.restore();
      left.kill("SIGKILL");
      await gone;
    }
  });

  it("F03: one look at very many processes may outlast every patience: nobody is given up on before his KILL", async (t) => {
    const mark = randomBytes(16).toString("hex");
    const left = spawn("sh", ["-c", "trap '' TERM; echo deaf; exec sleep 60"], {
      env: { PATH: process.env.PATH, HEARTH_MARK: mark },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const gone = once(left, "exit");
    await once(left.stdout, "data");
    const warnings: string[] = [];
    const now = performance.now.bind(performance);
    let readings = 0;
    const late = t.mock.method(performance, "now", () => now() + (readings++ === 0 ? 0 : 10_000));
    try {
      assert.equal(await endOrphans(await ofThisBoot(), mark, (text) => warnings.push(text)), 1);
      assert.deepEqual(warnings, []);
      assert.deepEqual(await gone, [null, "SIGKILL"]);
    } finally {
      late.mock.restore();
      left.kill("SIGKILL");
      await gone;
    }
  });
});

async function ofThisBoot(): Promise<Live> {
  return {
    ...{ keeperPid: 0, pid: 0, pidInside: null, startTick: "", bootId: (await currentBootId()) ?? "" },
    ...{ mode: "pipe", startedAt: 0, bestEffort: false, unlimited: null },
  };
}
