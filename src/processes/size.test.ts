import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clampSize } from "./size.ts";

describe("a screen's size", () => {
  const cases: [unknown, unknown, number, number][] = [
    [50, 200, 50, 200],
    [1, 1, 8, 20],
    [100_000, 100_000, 500, 1000],
    ["40", "100", 40, 100],
    [30.9, 90.2, 30, 90],
    [0, 80, 24, 80],
    [-5, 100, 24, 80],
    ["x", 100, 24, 80],
    [null, undefined, 24, 80],
    [Number.NaN, Number.POSITIVE_INFINITY, 24, 80],
    [{}, [], 24, 80],
    [true, "", 24, 80],
  ];
  for (const [rows, cols, r, c] of cases)
    it(`T4: ${String(rows)} × ${String(cols)} becomes ${r} × ${c}`, () =>
      assert.deepEqual(clampSize(rows, cols), { rows: r, cols: c }));
});
