import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
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
