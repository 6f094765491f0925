import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HostError } from "../../protocol/errors.ts";
import { checkRegexes, compile, type Regex, sourceOf } from "../../regex/engine.ts";
import { eitherCase, requiredTexts, weightOf } from "../../regex/source.ts";
import { openMatching } from "./matcher.ts";
import { RegexSet } from "./scan.ts";

const regexes = (...sources: string[]): Regex[] => sources.map((regex) => ({ regex }));
const refusal = (words: RegExp) => (error: unknown) =>
  error instanceof HostError && error.reason === "regex_refused" && error.status === 422 && words.test(error.message);

/** Sources of every kind that the engine takes. */
const piece = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "Ab",
    "é",
    "\\.",
    "\\d",
    "\\w+",
    ".",
    "[a-c]",
    "[^B-]",
    "[\\d_-]",
    "x?",
    "b{2,3}",
    "a*?",
    "\\u00e9",
  ),
  fc.constantFrom("(a|bc)", "(?:ab)+", "(b)?", "(?<=a)", "\\b", "^", "$"),
);
const source = fc
  .array(fc.array(piece, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 })
  .map((branches) => branches.map((pieces) => pieces.join("")).join("|"))
  .filter((text) => {
    try {
      return compile({ regex: text }) !== undefined;
    } catch {
      return false; // such as `^*`
    }
  });
const line = fc.string({
  unit: fc.constantFrom("a", "b", "c", "A", "B", "x", "é", "É", ".", "1", " ", "_", "-"),
  maxLength: 12,
});

describe("a regular expression to watch for", () => {
  for (const [what, regex] of [
    ["a back reference", "(a)\\1"],
    ["a look-ahead", "a(?=b)"],
    ["a large repetition", "a{1,1000}"],
    ["an inline flag", "(?i:a)b"],
  ] as const)
    it(`A25: is refused with 422 and what to do where it is ${what}`, () => {
      assert.throws(
        () => checkRegexes(regexes(regex)),
        refusal(/cannot be matched in linear time: do without .* or give a literal text/),
      );
    });
  it("A25: is refused in words where it is none", () => {
    assert.throws(() => checkRegexes(regexes("(a")), refusal(/Unterminated group: correct the expression/));
  });
  it("A25: is refused where all of one process are too large together", () => {
    const large = regexes(...Array.from({ length: 10 }, () => "(?:abcdefghijklmn){16}"));
    assert.throws(() => checkRegexes(large), refusal(/too large together/));
    checkRegexes(large.slice(0, 5));
  });
  it("A25: that hangs other engines takes time in proportion to the text", () => {
    const evil = compile({ regex: "(a+)+$" });
    assert.equal(evil.test(`${"a".repeat(100_000)}!`), false);
    assert.equal(evil.test("a".repeat(100_000)), true);
  });
  it("P25: that must contain a text, contains it in all that it matches", () => {
    fc.assert(
      fc.property(source, line, (regex, text) => {
        const texts = requiredTexts(regex);
        if (texts === null || !RegExp(regex).test(text)) return;
        assert.ok(
          texts.some((one) => text.includes(one)),
          JSON.stringify(texts),
        );
      }),
      { numRuns: 2_000 },
    );
    assert.deepEqual(requiredTexts("listening on (\\d+)|FAIL+ED"), ["listening on ", "FAIL"]);
    assert.equal(requiredTexts("err|\\d+ warnings?|x"), null);
  });
  it("P25: without regard to case matches what the flag would", () => {
    fc.assert(
      fc.property(source, line, (regex, text) => {
        assert.equal(
          compile({ regex, ignore_case: true }).test(text),
          new RegExp(regex, "i").test(text),
          eitherCase(regex),
        );
      }),
      { numRuns: 500 },
    );
    assert.equal(
      sourceOf({ regex: "[-x]Error", ignore_case: true }),
      "[X\\-x][Ee][rR][rR][oO][rR]".replace("[X\\-x]", "[X\\-x]"),
    );
  });
  it("P25: weighs what its machine does", () => {
    assert.equal(weightOf("(?:ab){10}"), 30);
    assert.ok(weightOf("(?:a{4}b){4}") >= 20);
  });
  it("P25: is matched line by line, with or without a text to look for first", () => {
    const patterns = fc.array(fc.record({ regex: source, ignore_case: fc.boolean() }), { minLength: 1, maxLength: 3 });
    const text = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 8 });
    fc.assert(
      fc.property(patterns, text, line, (given, lines, last) => {
        const output = lines.map(([words, end]) => words + end).join("") + last;
        const expected: number[] = [];
        let at = 0;
        for (const whole of output.split(/(?<=\r\n|\r(?!\n)|(?<!\r)\n)/)) {
          const words = whole.replace(/[\r\n]+$/, "");
          const hits = ({ regex, ignore_case }: { regex: string; ignore_case: boolean }) =>
            new RegExp(regex, ignore_case ? "i" : "").test(words);
          const pattern = whole === "" ? -1 : given.findIndex(hits);
          if (pattern >= 0) expected.push(pattern, at);
          at += Buffer.byteLength(whole);
        }
        const bytes = Buffer.from(output);
        assert.deepEqual(new RegexSet(given).scan(bytes), expected);
      }),
      { numRuns: 500 },
    );
  });
  it("P25: is found wherever it stands in a long line, and bounds of lines and words stay what they are", () => {
    const matches = (regex: string, before: number, text: string, after: number) =>
      new RegexSet(regexes(regex)).scan(Buffer.from(`${"x".repeat(before)}${text}${"x".repeat(after)}\n`)).length > 0;
    for (const before of [0, 1, 61_430, 61_440, 65_529, 65_530, 65_535, 65_536, 122_880, 300_000]) {
      assert.equal(matches("need[l]e-", before, "needle-", 0), true, `${before}`);
      assert.equal(matches("need[l]e-", before, "needle-", 200_000), true, `${before}`);
      assert.equal(matches("^need[l]e", before, "needle", 9), before === 0, `${before}`);
      assert.equal(matches("need[l]e$", before, "needle", 100_000), false, `${before}`);
      assert.equal(matches("need[l]e$", before, "needle", 0), true, `${before}`);
      assert.equal(matches("need[l]e\\b", before, "needle", 70_000), false, `${before}`);
      assert.equal(matches("\\bneed[l]e", before, "needle", 70_000), before === 0, `${before}`);
    }
  });
  it("A25: is matched in a thread of its own, which leaves when nobody watches any more", async () => {
    const fail = () => assert.fail("none is dropped");
    const [one, two] = [openMatching(regexes("a+$"), fail), openMatching(regexes("b"), fail)];
    const scan = (matching: typeof one, text: string) =>
      matching.scan(Uint8Array.from(Buffer.from(text)), { continued: false, open: false });
    assert.deepEqual(await Promise.all([scan(one, "xa\nb"), scan(two, "xa\nb")]), [
      [0, 0],
      [0, 3],
    ]);
    one[Symbol.dispose]();
    two[Symbol.dispose]();
    using three = openMatching(regexes("c"), fail);
    assert.deepEqual(await scan(three, "c"), [0, 0]);
  });
});
