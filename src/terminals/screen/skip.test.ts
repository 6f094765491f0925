import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Emulator, SCROLLBACK } from "./emulator.ts";
import { skippable } from "./skip.ts";
import { differences } from "./testing/compare.ts";

const encoder = new TextEncoder();
const size = { rows: 10, cols: 40 };

describe("a flood", () => {
  it("T7: leaves the same screen and scrollback where what scrolls out of memory is left out", () => {
    const line = fc.constantFrom(
      "short",
      "\x1b[31mred",
      "\x1b[0;1mbold\x1b[m",
      "漢字 é",
      "w".repeat(100),
      "\x1b[48;2;1;2;3mdeep",
      "\ttab",
      "",
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 40, size: "max" }),
        fc.constantFrom("before", "\x1b[42m\r\nx", "\x1b[5;5H"),
        (lines, before) => {
          const flood = encoder.encode(
            Array.from({ length: SCROLLBACK + 600 }, (_, at) => `${at} ${lines[at % lines.length]}\r\n`).join(""),
          );
          using whole = new Emulator(size);
          using less = new Emulator(size);
          for (const one of [whole, less]) one.feed(encoder.encode(before));
          assert.ok(less.scrollsPlainly);
          whole.feed(flood);
          const { length, renditions } = skippable(flood, SCROLLBACK + 2 * size.rows);
          assert.ok(length > 0);
          for (const rendition of renditions) less.feed(rendition);
          less.feed(flood.subarray(length));
          assert.deepEqual(differences(whole.core, less.core, size.cols), []);
        },
      ),
      { numRuns: 12, seed: 12 },
    );
  });
  it("T9: is drawn whole where it does more than scroll", () => {
    const lines = "line\r\n".repeat(200);
    assert.ok(skippable(encoder.encode(lines), 100).length > 0);
    for (const more of ["\x1b[H", "\x1b[?25l", "\x1b]2;t\x07", "\x1bM", "\b", "\u009b1A", "\x0e", "\x07"])
      assert.equal(skippable(encoder.encode(lines + more + lines), 100).length, 0, JSON.stringify(more));
    assert.equal(skippable(encoder.encode("line\n".repeat(200)), 100).length, 0);
    assert.equal(skippable(encoder.encode(lines), 300).length, 0);
  });
});
