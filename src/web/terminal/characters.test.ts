import assert from "node:assert/strict";
import { describe, it } from "node:test";
import headless from "@xterm/headless";
import { keepCharacters } from "./characters.ts";

const TEXT = "a—b…“q”漢。é😀\u{1f000}👩‍👩‍👧!";

async function drawn(pieces: readonly Uint8Array[], cols = 80): Promise<string> {
  const terminal = new headless.Terminal({ cols, rows: 8, allowProposedApi: true });
  // The page's emulator and this one have the same inside.
  keepCharacters(terminal as unknown as Parameters<typeof keepCharacters>[0]);
  for (const piece of pieces) await new Promise<void>((done) => terminal.write(piece, done));
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? "");
  terminal.dispose();
  return lines.join("");
}

describe("characters in pieces of output", () => {
  it("T6: one that is cut, wherever it may be, is drawn whole", async () => {
    const bytes = Buffer.from(TEXT);
    for (let at = 0; at <= bytes.length; at++)
      assert.equal(await drawn([bytes.subarray(0, at), bytes.subarray(at)]), TEXT, `cut at byte ${at}`);
    assert.equal(await drawn([...bytes].map((byte) => Uint8Array.of(byte))), TEXT, "byte by byte");
  });

  it("T6: so is one that the emulator itself cuts in a long piece", async () => {
    for (const shift of [0, 1, 2]) {
      const bytes = Buffer.from(`${"x".repeat(shift)}${"—".repeat(50_000)}`);
      assert.match(await drawn([bytes], 1_000), /^x*—+$/);
      const short = await drawn([Buffer.from("\x1b[H"), bytes, Buffer.from("\x1b[2J\x1b[Hend")], 1_000);
      assert.match(short, /end$/);
    }
  });

  it("T6: half a character that nothing follows, or something else, leaves no trace", async () => {
    for (const half of ["e2", "e280", "f0", "f09f", "f09f80", "c3"])
      assert.equal(await drawn([Buffer.from(half, "hex"), Buffer.from("then")]), "then", half);
  });
});
