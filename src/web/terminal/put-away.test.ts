import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { namesPutAway } from "./put-away.ts";

const known = (...rows: readonly (readonly [string, string, boolean?])[]) =>
  new Map(rows.map(([terminal_id, name, closed = false]) => [terminal_id, { terminal_id, name, closed }]));

describe("terminals that were closed", () => {
  it("T13: are told once, by name, however they had ended before", () => {
    const before = known(["term_1", "main"], ["term_2", "build"]);
    const now = known(["term_1", "main"], ["term_2", "build", true]);
    assert.deepEqual(namesPutAway(before, now), ["build"]);
    assert.deepEqual(namesPutAway(now, now), []);
  });
  it("T1: say nothing of a name that has a newer terminal", () => {
    const before = known(["term_1", "main"]);
    assert.deepEqual(namesPutAway(before, known(["term_1", "main", true], ["term_2", "main"])), []);
  });
  it("T13: that were closed before one came take no tab away", () => {
    assert.deepEqual(namesPutAway(new Map(), known(["term_1", "main", true])), []);
  });
});
