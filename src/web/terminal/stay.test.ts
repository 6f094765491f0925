import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findAgain } from "./stay.ts";

describe("what was in view", () => {
  const after = ["a", "b", "same", "same", "c", "d", "e"];
  const find = (lines: readonly string[], guess: number) => findAgain(lines, guess, (line) => after[line]);

  it("T9: is found where it is expected, or further up by what was printed meanwhile", () => {
    assert.equal(find(["c", "d"], 4), 4);
    assert.equal(find(["b", "same"], 5), 1);
    assert.equal(find(["same", "same"], 6), 2);
  });

  it("T9: is nowhere once it has left the scrollback, or was drawn over", () => {
    assert.equal(find(["same", "d"], 6), undefined);
    assert.equal(find(["a", "b"], -1), undefined);
    assert.equal(find([], 3), undefined);
  });
});
