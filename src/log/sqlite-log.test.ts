import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import { conformance, event } from "./conformance.ts";
import { openLog } from "./open.ts";

async function openFresh() {
  const home = await mkdtemp(join(tmpdir(), "hearth-log-"));
  let log = await openLog({ home });
  return {
    home,
    log,
    reopen: async () => {
      await log[Symbol.asyncDispose]();
      log = await openLog({ home });
      return log;
    },
    dispose: async () => {
      await log[Symbol.asyncDispose]();
      await rm(home, { recursive: true });
    },
  };
}

conformance("the embedded engine", openFresh);

describe("the embedded engine", () => {
  it("takes no more than it can keep in memory, says so, and goes on afterwards", async () => {
    const { log, dispose } = await openFresh();
    const results = await Promise.allSettled(
      Array.from({ length: 100_010 }, (_, i) => log.append("a", [event(String(i).padStart(6, "0"))])),
    );
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason.reason] : []));
    assert.deepEqual(refused, Array(10).fill("too_many"));
    assert.equal((await log.append("a", [event("next")]))[0]?.seq, 100_001);
    await dispose();
  });

  it("refuses a second opening of the same database while the first is open", async () => {
    const { log, home, dispose } = await openFresh();
    await assert.rejects(openLog({ home }), { reason: "storage_failed", message: /hearth\.db is in use by another/ });
    await log.append("a", [event("1")]);
    await dispose();
  });

  it("refuses everything once its thread has died, and what was under way too", async () => {
    const created = once(process, "worker");
    const { log, dispose } = await openFresh();
    const [thread] = (await created) as [Worker];
    await log.append("a", [event("1")]);
    const follower = log.follow("a", 1, new AbortController().signal).next();
    const underWay = [log.append("a", [event("2")]), follower];
    for (const one of underWay) one.catch(() => "looked at below");
    await thread.terminate();
    for (const one of underWay)
      await assert.rejects(one, { reason: "storage_failed", message: /has ended.*start Hearth/ });
    await assert.rejects(log.append("a", [event("3")]), { reason: "storage_failed" });
    await assert.rejects(log.read("a", 0, 1), { reason: "storage_failed" });
    await dispose();
  });

  it("keeps a listener's failure from those who append", async () => {
    const home = await mkdtemp(join(tmpdir(), "hearth-log-"));
    const warnings: string[] = [];
    const log = await openLog({ home, onWarning: (text) => warnings.push(text) });
    log.tap(() => {
      throw new Error("listener trouble");
    });
    assert.equal((await log.append("a", [event("1")])).length, 1);
    assert.match(warnings.join(), /listener trouble/);
    await log[Symbol.asyncDispose]();
    await rm(home, { recursive: true });
  });
});
