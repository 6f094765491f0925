import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcomeOf } from "./outcome.ts";

const exited = (o: { code?: number; signal?: number; endedAt?: number; endedBy?: "itself" | "signal" | "kill" }) => ({
  kind: "exited" as const,
  code: o.code ?? null,
  signal: o.signal ?? null,
  core: false,
  endedAt: o.endedAt ?? 100,
  bytesAtExit: 7,
  ...(o.endedBy === undefined ? {} : { endedBy: o.endedBy }),
});

describe("how an end is told", () => {
  it("P20: a code is a code, a signal is its negative number and its name", () => {
    const normal = outcomeOf(exited({ code: 3 }), null, 0);
    assert.deepEqual(
      [normal.status, normal.exit_code, normal.signal, normal.termination_source],
      ["exited", 3, null, null],
    );
    const signalled = outcomeOf(exited({ signal: 9 }), null, 0);
    assert.deepEqual([signalled.status, signalled.exit_code, signalled.signal], ["exited", -9, "SIGKILL"]);
  });
  it("P20: a kill says who asked, and keeps the code of a program that traps TERM and exits 0", () => {
    const asked = { source: "process.kill", at: 50 };
    const trapped = outcomeOf(exited({ code: 0 }), asked, 0);
    assert.deepEqual([trapped.status, trapped.exit_code, trapped.termination_source], ["killed", 0, "process.kill"]);
    assert.equal(outcomeOf(exited({ signal: 15 }), asked, 0).exit_code, -15);
  });
  it("P23: a process that had ended before the kill was asked for has ended by itself", () => {
    const natural = outcomeOf(exited({ code: 4, endedAt: 49 }), { source: "process.kill", at: 50 }, 0);
    assert.deepEqual([natural.status, natural.exit_code, natural.termination_source], ["exited", 4, null]);
  });
  it("P23: what the keeper saw counts, not the times: both may fall into one millisecond", () => {
    const asked = { source: "process.kill", at: 50 };
    for (const endedAt of [49, 50, 51]) {
      assert.equal(outcomeOf(exited({ code: 4, endedAt, endedBy: "itself" }), asked, 0).status, "exited");
      for (const endedBy of ["signal", "kill"] as const)
        assert.equal(outcomeOf(exited({ signal: 9, endedAt, endedBy }), asked, 0).status, "killed");
    }
    assert.equal(outcomeOf(exited({ signal: 15, endedBy: "signal" }), null, 0).status, "exited");
  });
  it("P6: a process whose sandbox disappeared is lost, with its last words", () => {
    const lost = outcomeOf({ kind: "lost", reason: "transport_gone", words: "connection reset" }, null, 500);
    assert.deepEqual([lost.status, lost.exit_code], ["lost", null]);
    assert.match(lost.reason ?? "", /sandbox is gone: connection reset/);
  });
  it("P32: a lost process has no exit code, and why is said in words", () => {
    const lost = outcomeOf({ kind: "lost", reason: "reboot" }, { source: "process.kill", at: 1 }, 500);
    assert.deepEqual([lost.status, lost.exit_code, lost.ended_at], ["lost", null, 500]);
    assert.match(lost.reason ?? "", /restarted/);
  });
});
