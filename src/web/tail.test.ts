import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grow, lastLines } from "./tail.ts";

describe("the glance at an output", () => {
  it("shows the last lines without colours, titles or control characters", () => {
    assert.equal(lastLines("one\ntwo\n\x1b[31mthree\x1b[0m\n", 2), "two\nthree");
    assert.equal(lastLines("\x1b]0;a title\x07ls\r\n\x1b(Bok\x08\x00\n", 5), "ls\nok");
  });
  it("shows a progress line as it is now, not as it was", () => {
    assert.equal(lastLines("10 %\r50 %\r100 %", 3), "100 %");
    assert.equal(lastLines("10 %\r50 %\r", 3), "50 %");
  });
  it("does not show half an escape sequence that is still arriving", () => {
    assert.equal(lastLines("text\x1b[3", 1), "text");
    assert.equal(lastLines("text\x1b", 1), "text");
  });
  it("stays bounded whatever is printed", () => {
    let raw = "";
    for (let i = 0; i < 1000; i += 1) raw = grow(raw, "x".repeat(1000));
    assert.ok(raw.length <= 16_384);
  });
});
