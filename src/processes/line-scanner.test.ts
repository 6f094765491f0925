import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LineScanner, type ScanState } from "./line-scanner.ts";
import { Places } from "./places.ts";

const fresh = { offset: 0, skipLine: false };

/** A scanner of bytes that are all seen. */
class Plain {
  readonly #scanner: LineScanner;
  #offset: number;
  constructor(patterns: readonly string[], from: ScanState) {
    this.#scanner = new LineScanner(patterns, from);
    this.#offset = from.offset;
  }
  push(bytes: Buffer) {
    const places = Places.from(this.#offset);
    this.#offset += bytes.length;
    return this.#scanner.push({ erase: 0, bytes, places });
  }
  get state(): ScanState {
    const { skipLine, line } = this.#scanner;
    return { offset: skipLine ? this.#offset : line, skipLine };
  }
}
function scan(patterns: string[], chunks: readonly (string | Buffer)[]) {
  const scanner = new Plain(patterns, fresh);
  return { hits: chunks.flatMap((chunk) => scanner.push(Buffer.from(chunk))) };
}
/** What a person would call the matching lines: every line that holds one of the patterns. */
function expected(patterns: string[], text: string): number[] {
  const starts: number[] = [];
  let offset = 0;
  for (const line of text.split("\n")) {
    if (patterns.some((pattern) => line.includes(pattern))) starts.push(offset);
    offset += line.length + 1;
  }
  return starts;
}

describe("a scan for literals", () => {
  it("P25: finds a match that straddles two reads, once", () => {
    assert.deepEqual(scan(["passed"], ["all pas", "sed\nbye\n"]).hits, [{ pattern: 0, offset: 4, line: 0 }]);
  });
  it("P25: tells one match per line and names the pattern that hits first in it", () => {
    const { hits } = scan(["error", "warn"], ["warn then error\nerror error\n"]);
    assert.deepEqual(
      hits.map((hit) => [hit.pattern, hit.line]),
      [
        [1, 0],
        [0, 16],
      ],
    );
  });
  it("P25: does not look across line ends, nor twice at a line that has matched", () => {
    assert.equal(scan(["ab"], ["a\nb\n"]).hits.length, 0);
    assert.equal(scan(["ab"], ["xxab", " ab ", "ab\nab"]).hits.length, 2);
  });
  it("P25: counts each repaint of a progress line by itself", () => {
    assert.equal(scan(["50%"], ["10%\r50%\r60%\r50%\n"]).hits.length, 2);
  });
  it("P25: finds literals of several bytes per character", () => {
    const bytes = Buffer.from("größe ✓ fertig\n");
    assert.equal(scan(["✓"], [bytes.subarray(0, 9), bytes.subarray(9)]).hits.length, 1);
  });
  it("P25: finds the same lines however the bytes are cut, and after going on from its state", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "\n"), maxLength: 200, size: "max" });
    const patterns = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        text,
        patterns,
        fc.array(fc.nat(200), { maxLength: 8 }),
        fc.nat(9),
        (whole, literals, cuts, restart) => {
          const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
          let scanner = new Plain(literals, fresh);
          const lines: number[] = [];
          for (let i = 1; i < at.length; i++) {
            if (i === restart) {
              const state = scanner.state;
              scanner = new Plain(literals, state);
              lines.push(...scanner.push(Buffer.from(whole.slice(state.offset, at[i - 1]))).map((hit) => hit.line));
            }
            lines.push(...scanner.push(Buffer.from(whole.slice(at[i - 1], at[i]))).map((hit) => hit.line));
          }
          assert.deepEqual(lines, expected(literals, whole));
        },
      ),
      { numRuns: 500, seed: 25 },
    );
  });
});
