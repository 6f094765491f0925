import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepWidth, keptWidth } from "./side-width.ts";

describe("the width of what stands beside the conversation", () => {
  it("is kept within reason, and what was kept is judged again", () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    assert.equal(keptWidth(storage), null);
    assert.equal(keepWidth(612.4, storage), 612);
    assert.equal(keptWidth(storage), 612);
    assert.equal(keepWidth(-5, storage), 320);
    assert.equal(keepWidth(99_999, storage), 2_400);
    for (const odd of ["", "NaN", "1e9", "-1"]) {
      for (const key of kept.keys()) kept.set(key, odd);
      assert.equal(keptWidth(storage), null, odd);
    }
    assert.equal(keepWidth(null, storage), null);
    assert.equal(kept.size, 0);
  });
});
