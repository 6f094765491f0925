import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandOf } from "./commands.ts";

const pressed = (key: string, more: object = {}) => ({
  ...{ key, code: `Key${key.toUpperCase()}`, ctrlKey: true, shiftKey: true, altKey: false, metaKey: false },
  ...more,
});

describe("the page's own keys in a terminal", () => {
  it("are those with Ctrl and Shift, and the three of the font", () => {
    assert.equal(commandOf(pressed("C")), "copy");
    assert.equal(commandOf(pressed("F")), "find");
    assert.equal(commandOf(pressed("ArrowLeft", { code: "ArrowLeft" })), "focus-left");
    assert.equal(commandOf(pressed("-", { shiftKey: false, code: "Minus" })), "smaller");
    assert.equal(commandOf(pressed("+", { code: "Equal" })), "larger");
    assert.equal(commandOf(pressed("c", { code: "KeyJ" })), "copy", "by letter, wherever it lies");
  });

  it("leave the shell every key that it knows", () => {
    for (const key of ["c", "v", "f", "l", "d", "r", "z", "w", "t"])
      assert.equal(commandOf(pressed(key, { shiftKey: false })), undefined, key);
    assert.equal(commandOf(pressed("_", { code: "Minus" })), undefined, "undo in a shell's line");
    assert.equal(commandOf(pressed("V")), undefined, "the browser pastes");
    assert.equal(commandOf(pressed("F", { altKey: true })), undefined);
    assert.equal(commandOf(pressed("F", { ctrlKey: false })), undefined);
    assert.equal(commandOf(pressed("Escape", { ctrlKey: false, shiftKey: false })), undefined);
  });
});
