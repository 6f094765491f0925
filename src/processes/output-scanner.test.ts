import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { OutputScanner } from "./output-scanner.ts";

const fresh = { offset: 0, skipLine: false };

async function scan(patterns: WatchPattern[], chunks: readonly string[]) {
  using scanner = new OutputScanner(patterns, fresh);
  const hits = [];
  for (const chunk of chunks) hits.push(...(await scanner.push(Buffer.from(chunk))));
  hits.push(...(await scanner.end()));
  return hits.map(({ pattern, line }) => [pattern, line]);
}

describe("a scan for texts and regular expressions", () => {
  it("P25: finds one match per line however the output comes in", async () => {
    const part = fc.constantFrom("ab", "a", "b", "1", " ", "\n", "\r", "\r\n", "x1");
    const patterns: WatchPattern[] = ["ab", { regex: "^x?\\d$" }, { regex: "B{2}", ignore_case: true }];
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 30 }),
        fc.array(fc.nat(30), { maxLength: 6 }),
        async (parts, cuts) => {
          const text = parts.join("");
          const expected: number[][] = [];
          let at = 0;
          for (const words of text.split(/\r\n|\r|\n/)) {
            const pattern = words.includes("ab") ? 0 : /^x?\d$/.test(words) ? 1 : /b{2}/i.test(words) ? 2 : -1;
            if (pattern >= 0) expected.push([pattern, at]);
            at += words.length + (text.slice(at + words.length, at + words.length + 2) === "\r\n" ? 2 : 1);
          }
          const places = [...new Set([0, ...cuts.filter((cut) => cut < text.length), text.length])].sort(
            (a, b) => a - b,
          );
          const chunks = places.slice(1).map((end, index) => text.slice(places[index], end));
          assert.deepEqual(await scan(patterns, chunks), expected);
        },
      ),
      { numRuns: 200 },
    );
  });
  it("P25: a text in an unfinished line is a match at once, and its line is not told again by an expression", async () => {
    using scanner = new OutputScanner(["ready", { regex: "ready to go" }], fresh);
    assert.equal((await scanner.push(Buffer.from("all ready"))).length, 1);
    assert.equal((await scanner.push(Buffer.from(" to go\nready to go\n"))).length, 1);
  });
  it("P33: goes on in the middle of a line that has been told", async () => {
    const first = new OutputScanner(["one", { regex: "two" }], fresh);
    await first.push(Buffer.from("x one"));
    first[Symbol.dispose]();
    using second = new OutputScanner(["one", { regex: "two" }], first.state);
    assert.deepEqual(await second.push(Buffer.from(" two\ntwo\n")), [{ pattern: 1, offset: 10, line: 10 }]);
  });
  it("P33: goes on at the beginning of a line that has not been told", async () => {
    const first = new OutputScanner([{ regex: "^x two$" }], fresh);
    await first.push(Buffer.from("no\nx t"));
    first[Symbol.dispose]();
    assert.deepEqual(first.state, { offset: 3, skipLine: false });
  });
  it("F34: holds 64 KiB of an endless line at most, and finds the next one's match", async () => {
    const flood = "y".repeat(100_000);
    assert.deepEqual(await scan([{ regex: "^y+$" }, { regex: "end$" }], [flood, flood, "end\n", "the end\n"]), [
      [0, 0],
      [1, 200_004],
    ]);
  });
});
