import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Redactor } from "../secrets/redactor.ts";
import { Output, WINDOW_CHARACTERS } from "./output.ts";
import { shownLine } from "./shown-line.ts";
import { MemorySpool } from "./testing/memory-spool.ts";

function outputOf(text: string | Buffer): { output: Output; spool: MemorySpool } {
  const spool = new MemorySpool();
  spool.add(text);
  return { output: new Output(spool, new Redactor()), spool };
}
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join("");

describe("a process's output as text", () => {
  it("P13: without an offset shows the last lines and says which", async () => {
    const page = await outputOf(numbered(500)).output.log(0, 3);
    assert.deepEqual(page, {
      output: "line 498\nline 499\nline 500",
      total_lines: 500,
      showing: "lines 498–500 of 500",
    });
  });
  it("P13: with an offset shows lines from there on", async () => {
    const { output } = outputOf(`${numbered(4)}unfinished`);
    assert.deepEqual(await output.log(2, 2), { output: "line 2\nline 3", total_lines: 5, showing: "lines 2–3 of 5" });
    assert.equal((await output.log(5, 9)).output, "unfinished");
    assert.equal((await output.log(6, 1)).output, "");
  });
  it("P13: shows the same lines whatever the page, also far into a long output", async () => {
    const { output, spool } = outputOf("");
    spool.grain = 1 << 20;
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i + 1}${" filler".repeat(i % 7)}`);
    spool.add(lines.map((line) => `${line}\n`).join(""));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 50 }), async (from, limit) => {
        const page = await output.log(from, limit);
        assert.equal(page.output, lines.slice(from - 1, from - 1 + limit).join("\n"));
      }),
      { numRuns: 30 },
    );
  });
  it("P8: keeps line numbers true after the oldest bytes were dropped", async () => {
    const { output, spool } = outputOf(numbered(1000));
    assert.equal((await output.log(0, 1)).total_lines, 1000);
    spool.drop(numbered(700).length + 3);
    const page = await output.log(10, 2);
    assert.equal(page.output, "line 702\nline 703");
    assert.match(page.showing, /lines 702–703 of 1000; lines before 702 are no longer kept/);
    assert.equal((await output.log(900, 1)).output, "line 900");
  });
  it("P8: says so where bytes were dropped before anyone counted", async () => {
    const { output, spool } = outputOf(numbered(10));
    spool.drop(numbered(4).length);
    // What stands there may be the end of a line, and of a secret in it: nobody knows what came before.
    const page = await output.log(1, 1);
    assert.match(page.showing, /lines 2–2 of 6; lines before 2 are no longer kept; counted from byte 28/);
    assert.equal(page.output, "line 6");
  });
  it("A47: shows nothing of a secret that lost its beginning with the oldest bytes", async () => {
    const secret = `ghp_${"aB3dE5gH7j".repeat(4).slice(0, 36)}`;
    const key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";
    const block = `-----BEGIN PRIVATE KEY-----\n${`${key}\n`.repeat(3)}-----END PRIVATE KEY-----\n`;
    for (const [before, cut, after] of [
      [`old\ntoken is ${secret.slice(0, 9)}`, secret.slice(9), " it says\nnext\nlast\n"],
      [`old\n${block.slice(0, 50)}`, block.slice(50), "next\nlast\n"],
      [`old\n${secret.slice(0, 9)}`, secret.slice(9), `${" filler".repeat(9_000)}\nlast\n`],
    ] as const) {
      for (const counted of [false, true]) {
        const { output, spool } = outputOf(`${before}${cut}${after}`);
        if (counted) await output.log(0, 1);
        spool.drop(before.length);
        const shown = [
          (await output.log(0, 50)).output,
          (await output.log(1, 50)).output,
          await output.tail(150_000),
          (await output.head(100_000, 200_000)).text,
        ];
        for (const text of shown) {
          assert.ok(!text.includes(cut.slice(-12).trim()) && !text.includes(cut.slice(0, 12)), text.slice(0, 200));
          assert.ok(text.trimEnd().endsWith("last"), text.slice(-50));
        }
      }
    }
  });
  it("A47: nor where more bytes are dropped while it is read", async () => {
    const secret = `ghp_${"aB3dE5gH7j".repeat(4).slice(0, 36)}`;
    const before = `old\ntoken is ${secret.slice(0, 9)}`;
    for (const read of ["tail", "head", "line"] as const) {
      const { output, spool } = outputOf(`${before}${secret.slice(9)} it says\nnext\n`);
      spool.grain = 1 << 20;
      spool.drop(before.length);
      const reading = spool.read.bind(spool);
      spool.read = async (from, max) => {
        const page = await reading(from, max);
        spool.drop(before.length + 5);
        return page;
      };
      const reads = {
        tail: () => output.tail(1000),
        head: async () => (await output.head(1000, 1000)).text,
        line: () => shownLine(spool, new Redactor(), before.length, spool.length),
      };
      assert.equal(await reads[read](), read === "line" ? "[the rest of a line]" : "next\n", read);
    }
  });
  it("A47: keeps line numbers true where the first line that is kept is not shown", async () => {
    const { output, spool } = outputOf(numbered(10));
    spool.drop(numbered(4).length + 3);
    assert.deepEqual(
      [await output.log(1, 1), await output.log(3, 1)].map((page) => page.output),
      ["line 6", "line 7"],
    );
  });
  it("P8: never shows more than the window", async () => {
    const { output, spool } = outputOf("");
    spool.grain = 1 << 20;
    spool.add("a".repeat(3_000_000));
    for (const offset of [0, 1]) {
      const page = await output.log(offset, 10);
      assert.equal(page.output.length, WINDOW_CHARACTERS);
      assert.match(page.showing, /cut to 200,000 characters/);
    }
  });
  it("P9: a character cut by the window's edge is not shown broken; invalid bytes are U+FFFD", async () => {
    const { output } = outputOf(Buffer.concat([Buffer.from("é".repeat(5000)), Buffer.from([0xff]), Buffer.from("✓")]));
    assert.equal(await output.tail(4), "éé\ufffd✓");
    assert.equal((await output.tail(1000)).indexOf("\ufffd"), 998);
  });
  it("P10: drops the shell's start-up noise at the head and nowhere else", async () => {
    const noise =
      "bash: cannot set terminal process group (1): Inappropriate ioctl for device\nbash: no job control in this shell\n";
    assert.equal(await outputOf(`${noise}hello\n${noise}`).output.tail(1000), `hello\n${noise}`);
    assert.equal((await outputOf(`${noise}hello\n`).output.log(0, 10)).showing, "lines 3–3 of 3");
  });
  it("P12: reads on where escape sequences take up the bytes", async () => {
    const { output } = outputOf("\x1b[38;5;196mx\x1b[0m".repeat(3000));
    assert.equal(await output.tail(1000, { stripAnsi: true }), "x".repeat(1000));
  });
});
