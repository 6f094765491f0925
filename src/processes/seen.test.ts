import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Seen, seenIn, settled } from "./seen.ts";
import { seenOf } from "./testing/seen-reference.ts";
import { pieces, streams } from "./testing/streams.ts";

const seen = (text: string): string => seenIn(Buffer.from(text)).toString();

/** What is seen of chunks, and the place of each byte of it. */
function streamed(chunks: readonly Buffer[]): { text: string; places: number[] } {
  const reader = new Seen(0);
  const bytes: number[] = [];
  const places: number[] = [];
  const back = (count: number): void => {
    for (let left = count; left > 0; left--) {
      while (((bytes.at(-1) ?? 0) & 0xc0) === 0x80) bytes.pop();
      if (bytes.length > 0 && bytes.at(-1) !== 10 && bytes.at(-1) !== 13) bytes.pop();
    }
    places.length = bytes.length;
  };
  for (const chunk of chunks) {
    const run = settled(reader.push(chunk));
    back(run.erase);
    for (let index = 0; index < run.bytes.length; index++) {
      bytes.push(run.bytes[index] ?? 0);
      places.push(run.places.of(index));
    }
  }
  return { text: Buffer.from(bytes).toString(), places };
}

describe("what is seen of an output", () => {
  const cases: [string, string, string][] = [
    ["colours within words", "\x1b[1;32mgre\x1b[0men\x1b[0m ok", "green ok"],
    ["what `tput sgr0` prints", "a\x1b(B\x1b[m\x0fb", "ab"],
    ["links", "see \x1b]8;;http://a.test/\x1b\\the page\x1b]8;;\x1b\\.", "see the page."],
    ["titles", "\x1b]0;my title\x07ready", "ready"],
    ["bold as `man` has it", "N\bNA\bAM\bME\bE _\bx", "NAME x"],
    ["what was rubbed out", "cat fo\b \bile", "cat file"],
    ["a character of several bytes that was taken back", "grö\bo✓\b!", "gro!"],
    ["what is to the left of a line's beginning", "a\n\b\bb", "a\nb"],
    ["a spinner", "work |\b/\b-\b\x1b[1D\\", "work\\"],
    ["a line that is painted again by column", "10%\x1b[2K\x1b[1G50%\x1b[2K\x1b[G90%\n", "10%\r50%\r90%\n"],
    ["places on a screen", "\x1b[2J\x1b[Htop\x1b[5;1Hbelow", "top\rbelow"],
    ["a column further right", "Starting x\x1b[60G[ OK ]\n", "Starting x [ OK ]\n"],
    ["a move after which nothing comes", "a\x1b[10;20H", "a"],
    ["an unfinished sequence", "x\x1b[38;5", "x"],
    ["an unfinished title", "\x1b]0;never\r\nnext", "\r\nnext"],
    ["a sequence that another one breaks off", "\x1b[3\x1b[31mx\x1b]0;t\x1b[0my", "xy"],
  ];
  for (const [what, raw, plain] of cases)
    it(`P25: is without ${what}`, () => {
      assert.equal(seen(raw), plain);
      assert.equal(seenOf(raw).text, plain, "the reference");
    });

  it("P25: is the same wherever it is cut, and says where each byte stood", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(200), { maxLength: 12, size: "max" }), (raw, cuts) => {
        const expected = seenOf(raw).text;
        const { text, places } = streamed(pieces(raw, cuts));
        assert.equal(text, expected);
        const [bytes, original] = [Buffer.from(text), Buffer.from(raw)];
        for (const [index, place] of places.entries()) {
          // A CR or a blank may stand for a sequence, at whose end it is.
          if (original[place] !== bytes[index]) assert.ok(bytes[index] === 13 || bytes[index] === 32);
          assert.ok(index === 0 || place > (places[index - 1] ?? -1) - 1);
        }
      }),
      { numRuns: 2_000, seed: 25 },
    );
  });

  it("P25: a title that never ends swallows 64 KiB and no more", () => {
    const reader = new Seen(0);
    const flood = Buffer.alloc(64 * 1024, "y");
    let length = 0;
    length += settled(reader.push(Buffer.from("\x1b]0;"))).bytes.length;
    for (let n = 0; n < 320; n++) length += settled(reader.push(flood)).bytes.length;
    assert.equal(length, 319 * 64 * 1024 + 4);
    assert.equal(settled(reader.push(Buffer.from("\x1b[1mend\n"))).bytes.toString(), "end\n");
  });
  it("P25: a title ends where its line does", () => {
    const reader = new Seen(0);
    reader.push(Buffer.from("\x1b]0;a title"));
    assert.equal(reader.resume, 0);
    assert.equal(settled(reader.push(Buffer.from(" that goes on\nready"))).bytes.toString(), "\nready");
  });
  it("P25: without anything to take out, bytes are handed on as they are", () => {
    const chunk = Buffer.from("plain ✓\r\n\ttext");
    assert.equal(new Seen(7).push(chunk)[0]?.bytes, chunk);
  });
});
