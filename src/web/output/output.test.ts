import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { contrast, dark, LEAST_CONTRAST, light } from "../terminal/palette.ts";
import { Finder, type Match, MOST_MATCHES, partsOf } from "./find.ts";
import { type Block, type Line, MOST_LINES, OutputLog } from "./output-log.ts";
import { lookOf, plain, sgr } from "./style.ts";

const findAll = (blocks: readonly Block[], words: string, exact: boolean): Match[] =>
  new Finder(words, exact).all(blocks);
const bytes = (text: string) => new TextEncoder().encode(text);
function logOf(...pieces: (string | Uint8Array)[]): OutputLog {
  const log = new OutputLog();
  let offset = 0;
  for (const piece of pieces) {
    const part = typeof piece === "string" ? bytes(piece) : piece;
    log.write(part, offset);
    offset += part.length;
  }
  return log;
}
const linesOf = (log: OutputLog): readonly Line[] => log.shown().blocks.flatMap((block) => block.lines);
const textOf = (log: OutputLog): string[] => linesOf(log).map((line) => line.text);

describe("output as lines", () => {
  it("P34: keeps colours, 16, 256 and 24-bit, and weights", () => {
    const log = logOf("a\u001b[1;31mb\u001b[38;5;200mc\u001b[48;2;1;2;3md\u001b[38:2::9:8:7me\u001b[0mf\n");
    const styles = linesOf(log)[0]?.runs.map(({ text, style }) => [
      text,
      style.foreground,
      style.background,
      style.bold,
    ]);
    assert.deepEqual(styles?.slice(0, 4), [
      ["a", null, null, false],
      ["b", 1, null, true],
      ["c", 200, null, true],
      ["d", 200, "#010203", true],
    ]);
    assert.deepEqual(styles?.at(-1), ["f", null, null, false]);
    assert.deepEqual(sgr(plain, "4;9;3").underline, true);
  });

  it("A45: a line of a thousand colours that is written over and over holds nothing up", { timeout: 30_000 }, () => {
    const colours = Array.from({ length: 8_000 }, (_, n) => `\u001b[3${n % 8}ma`).join("");
    const log = logOf(colours, "x\b".repeat(100_000), "\ry".repeat(100_000), "\u001b[9Dz\u001b[K".repeat(100_000));
    assert.deepEqual(textOf(log), ["z"]);
    const over = logOf(`${colours}\r\u001b[0mb`);
    assert.deepEqual(
      linesOf(over)[0]
        ?.runs.slice(0, 2)
        .map(({ text, style }) => [text, style.foreground]),
      [
        ["b", null],
        ["a", 1],
      ],
    );
  });

  it("P34: a carriage return writes over, as progress bars do", () => {
    assert.deepEqual(textOf(logOf("10 %\r20 %\r100 %\r\n")), ["100 %"]);
    assert.deepEqual(textOf(logOf("long line\rab\n")), ["abng line"]);
    assert.deepEqual(textOf(logOf("long line\r\u001b[Kab\n")), ["ab"]);
    assert.deepEqual(textOf(logOf("abc\b\bX\n")), ["aXc"]);
    assert.deepEqual(textOf(logOf("one\r\ntwo")), ["one", "two"]);
  });

  it("A45, A46: titles, links, clipboards, pictures and questions do nothing, however they are cut", () => {
    const hostile =
      "\u001b]0;title\u0007\u001b]52;c;Zm9v\u0007\u001b]8;;javascript:alert(1)\u001b\\link\u001b]8;;\u001b\\\u001bPq#0~~\u001b\\\u001b[6n\u001b[?1049h\u001b[2147483647b\u001b[2J\u001b(Bok\u202edrow\n";
    assert.deepEqual(textOf(logOf(hostile)), ["linkok\\u{202e}drow"]);
    assert.deepEqual(textOf(logOf(...[...bytes(hostile)].map((byte) => Uint8Array.of(byte)))), ["linkok\\u{202e}drow"]);
    assert.deepEqual(textOf(logOf("\u0001\u007f\n")), ["␁␡"]);
  });

  it("keeps characters whole that arrive in parts", () => {
    const [one, two] = [bytes("é").subarray(0, 1), bytes("é").subarray(1)];
    assert.deepEqual(textOf(logOf("caf", one, two, "\n")), ["café"]);
  });

  it("forgets the oldest lines, and knows from which byte on it shows", () => {
    const log = logOf("0123456\n".repeat(MOST_LINES + 250));
    const shown = log.shown();
    assert.ok(shown.lines <= MOST_LINES && shown.lines > MOST_LINES - 200);
    assert.equal(shown.from, (MOST_LINES + 250 - shown.lines) * 8);
    assert.equal(shown.to, (MOST_LINES + 250) * 8);
  });

  it("says how much is missing where bytes were left out", () => {
    const log = logOf("one\ntw");
    log.write(bytes("three\n"), 1_006);
    assert.deepEqual(textOf(log), ["one", "tw", "… 1,000 bytes are not shown …", "three"]);
    log.reset(7);
    log.write(bytes("x"), 7);
    assert.deepEqual([textOf(log), log.shown().from], [["x"], 7]);
  });

  it("draws only the last block again", () => {
    const log = logOf("line\n".repeat(350));
    const before = log.shown().blocks;
    log.write(bytes("more\n"), 350 * 5);
    const after = log.shown().blocks;
    assert.deepEqual(
      after.map((block, at) => block === before[at]),
      [true, true, true, false],
    );
  });

  it("A46: never throws, stays bounded, and shows no control character, whatever comes in whatever pieces", () => {
    const nasty = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\u001b[",
        "\u001b]",
        "\u001b",
        "m",
        "\r",
        "\b",
        "\n",
        "38;2;",
        "\u009b",
        "999999999G",
        "\u001b[1K",
        ";",
      ),
      fc.constant("x".repeat(9_000)),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(nasty, fc.uint8Array({ maxLength: 40 })), { maxLength: 60 }), (pieces) => {
        const log = logOf(...pieces);
        for (const line of linesOf(log)) {
          assert.ok(line.text.length <= 8_192 + 10);
          assert.doesNotMatch(line.text, /(?!\t)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
          for (const run of line.runs) lookOf(run.style);
        }
      }),
    );
  });

  it("draws every colour readable on its ground, in both lights", () => {
    for (const foreground of [null, ...Array.from({ length: 256 }, (_, at) => at), "#777777"]) {
      for (const background of [null, 1, 15, "#808080"]) {
        const { color = "", backgroundColor = "" } = lookOf({ ...plain, foreground, background });
        if (color === "") continue;
        const [front, back] = [color, backgroundColor].map((text) => text.match(/#[0-9a-f]{6}/g));
        assert.ok(contrast(front?.[0] ?? "", back?.[0] ?? light.background) >= LEAST_CONTRAST);
        assert.ok(contrast(front?.[1] ?? "", back?.[1] ?? dark.background) >= LEAST_CONTRAST);
      }
    }
  });
});

describe("finding in output", () => {
  it("finds words as they are, over changes of colour, and counts them", () => {
    const log = logOf("an er\u001b[31mror (.*)\u001b[0m here\nERROR\n");
    const { blocks } = log.shown();
    assert.equal(findAll(blocks, "error", false).length, 2);
    assert.equal(findAll(blocks, "error", true).length, 1);
    assert.equal(findAll(blocks, "(.*)", true).length, 1);
    assert.deepEqual(findAll(blocks, "", false), []);
    const [match] = findAll(blocks, "error", true);
    const [line] = linesOf(log);
    assert.ok(line !== undefined && match !== undefined);
    assert.deepEqual(
      partsOf(line, [match]).map(({ text, match: inside }) => [text, inside !== null]),
      [
        ["an ", false],
        ["er", true],
        ["ror", true],
        [" (.*)", false],
        [" here", false],
      ],
    );
  });

  it("looks only through what is new", () => {
    const log = logOf("a error\n".repeat(350));
    const finder = new Finder("error", true);
    const before = log.shown().blocks.map((block) => finder.in(block));
    log.write(bytes("error\n"), 350 * 8);
    const after = log.shown().blocks.map((block) => finder.in(block));
    assert.deepEqual(
      after.map((found, at) => found === before[at]),
      [true, true, true, false],
    );
  });

  it("has a bound", () => {
    assert.equal(findAll(logOf("aaaa\n".repeat(5_000)).shown().blocks, "a", true).length, MOST_MATCHES);
  });

  it("draws every character once, whatever matches", () => {
    const some = fc.array(fc.constantFrom("a", "b", "ab", "\u001b[31m", "\u001b[0m"), { maxLength: 30 });
    fc.assert(
      fc.property(some, fc.constantFrom("a", "ab", "ba", "aa"), (pieces, words) => {
        const { blocks } = logOf(`${pieces.join("")}\n`).shown();
        const matches = findAll(blocks, words, true);
        for (const line of blocks.flatMap((block) => block.lines))
          assert.equal(
            partsOf(line, matches)
              .map((part) => part.text)
              .join(""),
            line.text,
          );
      }),
    );
  });
});
