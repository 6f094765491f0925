import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Clamp } from "./clamp.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const through = (...pieces: string[]) => {
  const clamp = new Clamp();
  return pieces.map((piece) => new TextDecoder().decode(clamp.filter(encode(piece)))).join("");
};

describe("numbers in control sequences", () => {
  it("T14: are cut to four digits, wherever the stream is cut", () => {
    assert.equal(through("a\x1b[2147483647Lb"), "a\x1b[2147Lb");
    assert.equal(through("\x1b[21", "474", "83647b"), "\x1b[2147b");
    assert.equal(through("\x1b[1;99999H\x1b[000000012A"), "\x1b[1;9999H\x1b[000000012A");
    assert.equal(through("\u009b2147483647L"), "\u009b2147L", "the short form of the introducer");
    assert.equal(through("\x1b[2147\n48\x7f3647L"), "\x1b[2147\n\x7fL", "a number goes on after a line break");
  });

  it("stay as they are where they are no poison, and everywhere in text", () => {
    const plain =
      "2147483647 \x1b[38;2;255;128;0mx\x1b[?1049h\x1b]8;;http://x/2147483647\x07\x1bP2147483647q\x1b\\ é漢";
    assert.equal(through(plain), plain);
    const bytes = encode(plain);
    assert.equal(new Clamp().filter(bytes), bytes, "nothing is copied");
  });

  it("are found alike in one piece and in many", () => {
    const part = fc.constantFrom("\x1b", "[", "1234567", "0", ";", "L", "x", "\x1b[", "99999", "m", "é");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        assert.equal(through(...parts), through(parts.join("")));
      }),
    );
  });
});
