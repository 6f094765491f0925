import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KEEP_BYTES, toForget } from "./retention.ts";

const one = (id: string, endedAt: number, o: { bytes?: number; open?: boolean } = {}) => ({
  id,
  endedAt,
  bytes: o.bytes ?? 0,
  open: o.open ?? false,
});
const keep = { ended: 64, ms: 30 * 60_000 };

describe("which ended processes are forgotten", () => {
  it("P24: the oldest, past a number of them", () => {
    const many = Array.from({ length: keep.ended + 2 }, (_, i) => one(`p${i}`, i));
    assert.deepEqual(toForget(many, keep, 0).sort(), ["p0", "p1"]);
  });
  it("P24: those that ended too long ago", () => {
    assert.deepEqual(toForget([one("old", 0), one("new", 1)], keep, keep.ms + 1), ["old"]);
  });
  it("P8: the oldest, past a number of bytes", () => {
    assert.deepEqual(toForget([one("new", 2, { bytes: KEEP_BYTES }), one("old", 1, { bytes: 1 })], keep, 3), ["old"]);
  });
  it("P22: never one whose output is still open, however old", () => {
    const old = [one("open", 0, { open: true }), one("closed", 0)];
    assert.deepEqual(toForget(old, keep, keep.ms + 1), ["closed"]);
  });
});
