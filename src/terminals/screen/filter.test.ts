import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Filter } from "./filter.ts";

const encoder = new TextEncoder();
function passed(chunks: readonly string[]): string {
  const filter = new Filter();
  const pieces = chunks.flatMap((chunk) => filter.push(encoder.encode(chunk)));
  return Buffer.concat(pieces).toString();
}
const ST = "\x1b\\";

describe("what reaches the emulator", () => {
  it("T9: is only whole sequences and characters, wherever the chunks are cut", () => {
    const whole = "a\x1b[31mb漢\x1b]2;title\x07c\x1b(0q\x1b]8;;http://a.b\x1b\\d👍\u009b1me\x1bMf";
    const bytes = encoder.encode(whole);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), (cuts) => {
        const filter = new Filter();
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        let text = "";
        for (const [index, place] of places.slice(1).entries()) {
          const pieces = filter.push(bytes.subarray(places[index], place));
          const now = Buffer.concat(pieces);
          // Each alone is good UTF-8.
          text += new TextDecoder("utf-8", { fatal: true }).decode(now);
          assert.equal(filter.held, place - encoder.encode(text).length);
        }
        assert.equal(text, whole);
      }),
    );
  });
  it("T14, F42: device strings, images and commands that show nothing are left out, long ones without being kept", () => {
    assert.equal(passed(["a\x1bPq#0~~\x1b\\b", "\x1b_x\x1b\\c\x1b]52;c;AAAA\x07d"]), `a${ST}b${ST}c${ST}d`);
    const filter = new Filter();
    filter.push(encoder.encode("\x1b]2;"));
    for (let at = 0; at < 100; at++)
      assert.equal(Buffer.concat(filter.push(encoder.encode("x".repeat(100_000)))).length, 0);
    assert.ok(filter.held < 10);
    assert.equal(filter.opener, "\x1b]9999;");
    assert.equal(Buffer.concat(filter.push(encoder.encode("y\x07after"))).toString(), `${ST}after`);
    assert.equal(filter.opener, "");
  });
  it("F42: a sequence without end is skipped up to its end", () => {
    const filter = new Filter();
    assert.equal(Buffer.concat(filter.push(encoder.encode(`a\x1b[${"1;".repeat(5000)}`))).toString(), "a");
    assert.equal(filter.opener, "\x1b[0?");
    assert.equal(Buffer.concat(filter.push(encoder.encode("2mb"))).toString(), `${ST}b`);
  });
  it("T14: what cuts a string off begins anew", () => {
    assert.equal(passed(["\x1b]2;title\x1b[1mx"]), "\x1b]2;title\x07\x1b[1mx");
    assert.equal(passed(["\x1b]2;title\x18x"]), "\x1b]2;title\x18x");
    assert.equal(passed(["\x1bPq~~\x1b", "[1mx"]), `${ST}\x1b[1mx`);
  });
});
