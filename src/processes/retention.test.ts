import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KEEP_BYTES, KEEP_ENDED, KEEP_MS, toForget } from "./retention.ts";

const one = (id: string, endedAt: number, o: { bytes?: number; open?: boolean } = {}) => ({
  id,
  endedAt,
  bytes: o.bytes ?? 0,
  open: o.open ?? false,
});

describe("which ended processes are forgotten", () => {
  it("P8: the oldest, past a number of them", () => {
    const many = Array.from({ length: KEEP_ENDED + 2 }, (_, i) => one(`p${i}`, i));
    assert.deepEqual(toForget(many, 0).sort(), ["p0", "p1"]);
  });
  it("P8: the oldest, past a number of bytes", () => {
    assert.deepEqual(toForget([one("new", 2, { bytes: KEEP_BYTES }), one("old", 1, { bytes: 1 })], 3), ["old"]);
  });
  it("P22: never one whose output is still open, however old", () => {
    const old = [one("open", 0, { open: true }), one("closed", 0)];
    assert.deepEqual(toForget(old, KEEP_MS + 1), ["closed"]);
  });
});
