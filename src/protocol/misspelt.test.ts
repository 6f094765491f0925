import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { methods } from "./methods.ts";
import { misspelt } from "./misspelt.ts";

describe("a field that is not known", () => {
  const known = new Set(Object.keys(methods["process.start"].params.shape));
  const meant = (given: object, names: ReadonlySet<string> = known) => misspelt({ ...given }, names)?.meant;

  it("P17: is told where it only misses the spelling of one that is", () => {
    assert.equal(meant({ notify_on_complet: true }), "notify_on_complete");
    assert.equal(meant({ notifyOnComplete: true }), "notify_on_complete");
    assert.equal(meant({ watch_pattern: ["x"] }), "watch_patterns");
    assert.equal(meant({ sessionId: "ses_1" }), "session_id");
    assert.equal(meant({ sesion_id: "ses_1" }), "session_id");
    assert.deepEqual(misspelt({ process_id: "proc_1" }, new Set(["process_ids"])), {
      field: "process_id",
      meant: "process_ids",
    });
  });

  it("G3: is passed over where it is another, so that clients that send more are served", () => {
    // What a terminal client of another host sends along.
    for (const extra of [
      { cols: 80 },
      { current_session_id: "a" },
      { truncate_before_user_ordinal: 1 },
      { key: "full" },
    ])
      for (const { params } of [methods["session.create"], methods["session.resume"], methods["prompt.submit"]])
        assert.equal(meant(extra, new Set(Object.keys(params.shape))), undefined);
    assert.equal(meant({ stream: true, cmd: "x", model: "x", row: 1 }), undefined);
    assert.equal(meant({ session_id: "a", sessionId: "a" }), undefined, "the known one is there");
    assert.equal(meant(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`field_${at}`, 1]))), undefined);
    assert.equal(meant({ ["s".repeat(1_000_000)]: 1 }), undefined);
  });

  it("P39: is refused where it would have said which processes are to end, and within limits that would not hold", () => {
    assert.equal(methods["process.kill_all"].params.safeParse({ session: "ses_1" }).success, false);
    assert.equal(methods["process.kill_all"].params.safeParse({}).success, true);
    assert.equal(methods["process.start"].params.safeParse({ command: "x", limits: { memory: 1 } }).success, false);
  });
});
