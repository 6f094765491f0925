import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { latest, MOST_PER_FRAME, type Piece } from "./latest.ts";

/** A text cut into pieces of these lengths again and again, as it comes over a line. */
function pieces(text: string, lengths: readonly number[]): Piece[] {
  const all = new TextEncoder().encode(text);
  const made: Piece[] = [];
  for (let offset = 0, n = 0; offset < all.length; n++) {
    const bytes = all.subarray(offset, offset + (lengths[n % lengths.length] ?? 1));
    made.push({ bytes, offset });
    offset += bytes.length;
  }
  return made;
}
const textOf = (some: readonly Piece[]): string => some.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");

describe("what of a flood is drawn", () => {
  const lines = Array.from({ length: 40_000 }, (_, n) => `line ${String(n).padStart(6, "0")}\n`).join("");

  it("P34: is its end, from a line's beginning on, however it came in pieces", () => {
    const length = fc.integer({ min: 700, max: 200_000 });
    fc.assert(
      fc.property(fc.array(length, { minLength: 1, maxLength: 6, size: "max" }), (lengths) => {
        const shown = latest(pieces(lines, lengths));
        const text = textOf(shown);
        assert.ok(lines.endsWith(text));
        assert.match(text, /^line \d{6}\n/);
        assert.ok(text.length <= MOST_PER_FRAME && text.length > MOST_PER_FRAME - 20);
        assert.equal(shown[0]?.offset, lines.length - text.length);
        assert.ok(
          shown.every(
            ({ bytes, offset }, n) => shown[n + 1] === undefined || offset + bytes.length === shown[n + 1]?.offset,
          ),
        );
      }),
    );
  });

  it("is all of it where that is little, and the end of a line that is longer than that", () => {
    assert.equal(textOf(latest(pieces("cut off\nthe rest", [5]))), "cut off\nthe rest");
    assert.equal(textOf(latest(pieces("x".repeat(MOST_PER_FRAME), [1000]))).length, MOST_PER_FRAME);
    assert.equal(textOf(latest(pieces("x".repeat(3 * MOST_PER_FRAME), [1000]))).length, MOST_PER_FRAME);
    assert.deepEqual(latest([]), []);
  });
});
