// Every step of a start is a point where something can die: started at most once, told truly, and nobody left behind.
import assert from "node:assert/strict";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { StartTimeout } from "../../src/keeper/keepers.ts";
import { encodeIntent } from "../../src/keeper/records.ts";
import { allText, isAlive, OtherHost } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";
import { exists, StartSteps } from "../support/start-steps.ts";

describe("a start that is interrupted", () => {
  const steps = new StartSteps(`303.${process.pid}`);
  after(() => steps[Symbol.asyncDispose]());

  it("F09: the host dies after step 1: the intent is there, and the next host starts it, once", async () => {
    const bed = await steps.fresh(5_000);
    const dir = join(bed.childrenDir, "f09");
    await mkdir(dir, { mode: 0o700 });
    const intent = { spec: steps.counting(), mark: "a".repeat(32), secret: "b".repeat(64), createdAt: Date.now() };
    await writeFile(join(dir, "spec"), encodeIntent(intent), { mode: 0o600 });
    const [adopted] = await bed.keepers.adopt();
    assert.equal(adopted?.state, "running");
    await eventually("it ran", async () => (await steps.executions()) === 1);
    const [again] = await (await bed.reopen()).adopt();
    assert.equal(again?.state, "running");
    assert.equal(await steps.executions(), 1);
  });

  it("F09: an intent that is older than the deadline is revoked, not started", async () => {
    const bed = await steps.fresh(5_000);
    const dir = join(bed.childrenDir, "f09");
    await mkdir(dir, { mode: 0o700 });
    const intent = {
      spec: steps.counting(),
      mark: "a".repeat(32),
      secret: "b".repeat(64),
      createdAt: Date.now() - 5_001,
    };
    await writeFile(join(dir, "spec"), encodeIntent(intent), { mode: 0o600 });
    for (let round = 0; round < 2; round++) {
      const [adopted] = await (await bed.reopen()).adopt();
      assert.equal(adopted?.state, "failed_start");
    }
    await access(join(dir, "revoked"));
    assert.equal(await steps.executions(), 0);
    await bed.keepers.forget("f09");
    assert.deepEqual(await bed.keepers.adopt(), []);
  });

  const points = [
    { step: 2, what: "before it claims", state: "running", ran: 1 },
    { step: 3, what: "after it claimed", state: "failed_start", ran: 0 },
    { step: 4, what: "with a child at its gate", state: "failed_start", ran: 0 },
    { step: 5, what: "with the child recorded", state: "ended", ran: 0 },
    { step: 6, what: "with the gate open", state: "ended", ran: 1 },
  ];
  for (const { step, what, state, ran } of points)
    it(`F09: keeper and host die ${what} (step ${step}): ${state}, executed ${ran === 0 ? "never" : "at most once"}`, async () => {
      const bed = await steps.fresh(10_000);
      await steps.stopAt(step, 9);
      const host = new OtherHost(bed, [steps.counting()]);
      await steps.reached();
      await host.kill();
      await steps.goOn();
      const [adopted] = await bed.keepers.adopt();
      assert.equal(adopted?.state, state);
      if (adopted?.state === "ended") assert.deepEqual(adopted.child.end, { kind: "lost", reason: "keeper_gone" });
      if (adopted?.state === "running") await eventually("it ran", async () => (await steps.executions()) === 1);
      else assert.deepEqual(await steps.sleepers(), []);
      assert.ok((await steps.executions()) <= ran);
      const [again] = await (await bed.reopen()).adopt();
      assert.equal(again?.state, state);
      assert.ok((await steps.executions()) <= ran);
    });

  it("F09: the launcher dies with the request: the next launcher is asked, and it starts once", async () => {
    const bed = await steps.fresh(10_000);
    process.kill(bed.keepers.launcherPid ?? 0, "SIGSTOP");
    const starting = bed.keepers.start(steps.counting());
    await eventually("the intent is written", () => exists(join(bed.childrenDir, "f09", "spec")));
    process.kill(bed.keepers.launcherPid ?? 0, "SIGKILL");
    const child = await starting;
    await eventually("it ran", async () => (await steps.executions()) === 1);
    await child.kill({ graceMs: 100 });
  });

  it("F19: a keeper that wakes up after the deadline loses the claim and leaves; the answer stays start_timeout", async () => {
    const bed = await steps.fresh(1_000);
    await steps.stopAt(2, 19);
    const starting = bed.keepers.start(steps.counting());
    const pid = await steps.reached();
    await assert.rejects(starting, (error) => error instanceof StartTimeout && error.status === 504);
    process.kill(pid, "SIGCONT");
    await eventually("the keeper has left", async () => !(await isAlive(pid)));
    assert.equal(await steps.executions(), 0);
    assert.equal((await bed.keepers.adopt())[0]?.state, "failed_start");
  });

  for (const step of [3, 4, 5])
    it(`P5: a keeper that stood still at step ${step} past the deadline never lets its child run`, async () => {
      const bed = await steps.fresh(1_000);
      await steps.stopAt(step, 19);
      const starting = bed.keepers.start(steps.counting());
      const pid = await steps.reached();
      await assert.rejects(starting, StartTimeout);
      process.kill(pid, "SIGCONT");
      await eventually("the keeper has left", async () => !(await isAlive(pid)));
      assert.equal(await steps.executions(), 0);
      assert.deepEqual(await steps.sleepers(), []);
    });

  it("P5: a child that did come up after the deadline is ended", async () => {
    const bed = await steps.fresh(1_000);
    await steps.stopAt(6, 19);
    const starting = bed.keepers.start(steps.counting());
    const pid = await steps.reached();
    await assert.rejects(starting, StartTimeout);
    process.kill(pid, "SIGCONT");
    await eventually("the keeper has left", async () => !(await isAlive(pid)));
    assert.deepEqual(await steps.sleepers(), []);
    assert.equal((await bed.keepers.adopt())[0]?.state, "failed_start");
  });

  it("P5: a burst of failing starts affects no later one", async () => {
    const bed = await steps.fresh(5_000);
    const bad = Array.from({ length: 100 }, (_, i) => bed.sh(`bad-${i}`, "", { argv: ["/no/such/file"] }));
    for (const result of await Promise.allSettled(bad)) assert.equal(result.status, "rejected");
    assert.equal(await allText(await bed.sh("good", "echo good")), "good\n");
    assert.deepEqual((await bed.keepers.adopt()).length, 1);
  });
});
