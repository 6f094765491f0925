import assert from "node:assert/strict";
import { describe, it } from "node:test";
import headless from "@xterm/headless";
import { beginAnew } from "./anew.ts";

describe("a screen that is drawn anew", () => {
  it("T7, T9: shows what it is given from there on, whatever was cut in the middle before", async () => {
    for (const cut of [
      "",
      "text",
      "\x1b",
      "\x1b[38;2",
      "\x1b]2;title",
      "\x1b]8;;http://a",
      "\x1bP1$q",
      "\x1b_x",
      "\xe2\x80",
      "\x1b[4h",
    ]) {
      const terminal = new headless.Terminal({ cols: 40, rows: 5, allowProposedApi: true });
      terminal.write(Buffer.from(cut, "latin1"));
      beginAnew(terminal, () => undefined);
      await new Promise<void>((done) => terminal.write("shown\r\nhere", done));
      const { active } = terminal.buffer;
      const lines = [0, 1].map((at) => active.getLine(at)?.translateToString(true));
      assert.deepEqual(lines, ["shown", "here"], JSON.stringify(cut));
      terminal.dispose();
    }
  });

  it("T7: what came before is drawn before, not after", async () => {
    const terminal = new headless.Terminal({ cols: 40, rows: 5, allowProposedApi: true });
    terminal.write("long ".repeat(20_000));
    beginAnew(terminal, () => terminal.resize(20, 8));
    await new Promise<void>((done) => terminal.write("now", done));
    const { active } = terminal.buffer;
    assert.equal(active.getLine(0)?.translateToString(true), "now");
    assert.deepEqual([active.baseY, terminal.cols, terminal.rows], [0, 20, 8]);
    terminal.dispose();
  });
});
