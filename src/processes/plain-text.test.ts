import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lastCharacters, stripAnsi } from "./plain-text.ts";

describe("output without escape sequences", () => {
  const cases: [string, string, string][] = [
    ["colours", "\x1b[1;32mok\x1b[0m", "ok"],
    ["cursor movement and private modes", "a\x1b[?25l\x1b[2Kb\x1b[10;20H", "ab"],
    ["a title that ends with BEL", "\x1b]0;my title\x07x", "x"],
    ["a hyperlink that ends with ST", "\x1b]8;;http://a.test\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["a device control string", "\x1bPq#0;2;0\x1b\\x", "x"],
    ["character sets and keypad modes", "\x1b(B\x1b=\x1b7x", "x"],
    ["an unfinished sequence at the end", "x\x1b[38;5", "x"],
    ["an unfinished title, up to the end of its line", "\x1b]0;never\nnext", "\nnext"],
    ["other control characters", "a\x00\x07b\tc\r\n", "ab\tc\r\n"],
  ];
  for (const [what, raw, plain] of cases) it(`P12: drops ${what}`, () => assert.equal(stripAnsi(raw), plain));
  it("P12: takes time in proportion to the text, whatever it is", () => {
    for (const piece of ["\x1b[", "\x1b]", "\x1bP0", "\x1b[0;", "\x1b "])
      assert.equal(stripAnsi(piece.repeat(200_000)).includes("\x1b"), false);
  });
  it("P29: a cut never leaves half a character", () => assert.equal(lastCharacters("a😀b", 2), "b"));
});
