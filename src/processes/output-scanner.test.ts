import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { isForRaw, OutputScanner } from "./output-scanner.ts";
import { openMatching } from "./regex/matcher.ts";
import { seenOf } from "./testing/seen-reference.ts";
import { pieces, streams } from "./testing/streams.ts";

const ROUNDS = 500;

const fresh = { offset: 0, skipLine: false };

async function scan(patterns: WatchPattern[], chunks: readonly string[]) {
  using scanner = new OutputScanner(patterns, fresh);
  const hits = [];
  for (const chunk of chunks) hits.push(...(await scanner.push(Buffer.from(chunk))));
  hits.push(...(await scanner.end()));
  return hits.map(({ pattern, line }) => [pattern, line]);
}

/** The lines in which the patterns are found, and which of them. A text counts as soon as it is there, and though it is taken back. */
function expectedIn(patterns: readonly WatchPattern[], text: string): { line: number; those: number[] }[] {
  return seenOf(text).lines.flatMap(({ start, end, states }, index, all) => {
    // What has no end and nothing in it is no line.
    const isLine = states.length > 0 || index < all.length - 1;
    const those = patterns.flatMap((pattern, number) => {
      if (typeof pattern === "string") return states.some((state) => state.includes(pattern)) ? [number] : [];
      return isLine && new RegExp(pattern.regex, pattern.ignore_case === true ? "i" : "").test(end) ? [number] : [];
    });
    return those.length === 0 ? [] : [{ line: start, those }];
  });
}

/** Reads chunks with a scanner, and with another one from one of them on, as a next host does. */
async function found(patterns: WatchPattern[], chunks: readonly Buffer[], restart: number) {
  let scanner = new OutputScanner(patterns, fresh);
  const hits = [];
  for (const [index, chunk] of chunks.entries()) {
    hits.push(...(await scanner.push(chunk)));
    if (index !== restart) continue;
    const { state } = scanner;
    scanner[Symbol.dispose]();
    scanner = new OutputScanner(patterns, state);
    hits.push(...(await scanner.push(Buffer.concat(chunks.slice(0, index + 1)).subarray(state.offset))));
  }
  hits.push(...(await scanner.end()));
  scanner[Symbol.dispose]();
  return hits;
}

describe("a scan for texts and regular expressions", () => {
  const patterns: WatchPattern[] = [
    "ab",
    "green ok",
    "✓",
    { regex: "^x?\\d$" },
    { regex: "B{2}|ready", ignore_case: true },
  ];
  it("P25: finds what a person sees, once per line, however the output comes in", async () => {
    using _thread = openMatching([{ regex: "it stays" }], () => assert.fail("none is dropped"));
    await fc.assert(
      fc.asyncProperty(
        streams,
        fc.array(fc.nat(120), { maxLength: 8, size: "max" }),
        fc.integer({ min: -5, max: 8 }),
        fc.subarray(patterns, { minLength: 1 }),
        async (text, cuts, restart, wanted) => {
          const expected = expectedIn(wanted, text);
          const hits = await found(wanted, pieces(text, cuts), restart);
          assert.deepEqual(
            hits.map(({ line }) => line),
            expected.map(({ line }) => line),
          );
          for (const [index, { pattern }] of hits.entries()) assert.ok(expected[index]?.those.includes(pattern));
        },
      ),
      { numRuns: ROUNDS, seed: 9 },
    );
  });
  it("P25: finds a coloured word at once, and says where it stands", async () => {
    using scanner = new OutputScanner(["green ok", "ready in"], fresh);
    assert.deepEqual(await scanner.push(Buffer.from("\x1b[32mgreen\x1b[0m ok")), [{ pattern: 0, offset: 5, line: 0 }]);
    const vite = "\n  \x1b[32m\x1b[1mVITE\x1b[22m v7\x1b[39m  \x1b[2mready in \x1b[0m\x1b[1m300\x1b[22m ms\n";
    const [ready] = await scanner.push(Buffer.from(vite));
    assert.deepEqual([ready?.pattern, ready?.line], [1, 18]);
  });
  it("P25: a pattern that names escape sequences gets the output as it is", async () => {
    const wanted: WatchPattern[] = ["\x1b[31mred", { regex: "\\x1b\\[32m" }, "plain"];
    assert.deepEqual(await scan(wanted, ["\x1b[3", "1mred\nred\n\x1b[32mgreen\n\x1b[31mred plain\n"]), [
      [0, 0],
      [1, 13],
      [0, 24],
    ]);
    assert.equal(isForRaw({ regex: "\\bready\\b" }), false);
  });
  it("P25: a line that is taken back and written again all the time is looked through, and hides no match", async () => {
    using scanner = new OutputScanner(["needle", { regex: "ne{2}dle" }], fresh);
    const flood = Buffer.from("x\b".repeat(64 * 1024));
    for (let n = 0; n < 16; n++) assert.equal((await scanner.push(flood)).length, 0);
    assert.equal((await scanner.push(Buffer.from("nee\b\b\bneedle\n"))).length, 1);
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
  it("F34: an endless line is looked at in parts, and holds up neither memory nor the next line", async () => {
    const flood = "y".repeat(100_000);
    assert.deepEqual(await scan([{ regex: "^y+z" }, { regex: "end$" }], [flood, flood, "end\n", "the end\n"]), [
      [1, 0],
      [1, 200_004],
    ]);
    const far = [flood, flood, "need", "le, and so on", flood, "\n"];
    assert.deepEqual(await scan([{ regex: "^needle" }, { regex: "needle, a\\w+" }], far), [[1, 0]]);
  });
});
