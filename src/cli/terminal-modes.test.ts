import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TerminalModes } from "./terminal-modes.ts";

const NOTHING = "\x1b(B\x0f\x1b[0m";
const after = (...pieces: string[]): string => {
  const modes = new TerminalModes();
  for (const piece of pieces) modes.feed(Buffer.from(piece));
  return modes.reset();
};

describe("what is switched off in the person's terminal", () => {
  it("T15: is nothing where nothing was switched on, or all was switched off again", () => {
    assert.equal(after("hello\r\n\x1b[1;31mred\x1b[0m\x1b[5;9H\x1b[?12h"), NOTHING);
    assert.equal(after("\x1b[?1049h\x1b[?1000;1006h\x1b[?25l", "\x1b[?25h\x1b[?1000;1006l\x1b[?1049l"), NOTHING);
    assert.equal(after("\x1b[?2004h", "\x1bc"), NOTHING);
  });

  it("T15: is the mouse, the paste, the hidden cursor, the other screen, keys, margins and colours that were left on", () => {
    assert.equal(after("\x1b[?1049h"), `\x1b[?1049l${NOTHING}`);
    assert.equal(after("\x1b[?1002;1006h\x1b[?2004h"), `\x1b[?1002l\x1b[?1006l\x1b[?2004l${NOTHING}`);
    assert.equal(after("\x1b[?25l"), `\x1b[?25h${NOTHING}`);
    assert.equal(after("\x1b[?1h\x1b="), `\x1b[?1l\x1b>${NOTHING}`);
    assert.equal(after("\x1b[2;20r"), `\x1b7\x1b[r\x1b8${NOTHING}`);
    assert.equal(after("\x1b[>1u\x1b[>5u\x1b[<u\x1b[>4;2m"), `\x1b[<1u\x1b[>4m${NOTHING}`);
    assert.match(after("\x1b]11;#ffffff\x07"), /\]111/);
    assert.equal(after("\x1b]2;4;title\x07"), NOTHING);
  });

  it("sees a sequence wherever it is cut, and none inside a string", () => {
    const text = "\x1b[?1049h\x1b[?25l";
    for (let at = 1; at < text.length; at++)
      assert.equal(after(text.slice(0, at), text.slice(at)), after(text), `cut at ${at}`);
    assert.equal(after("\x1b]0;x[?1049h[?25l\x07", "\x1bP[?25l\x1b\\"), NOTHING);
  });

  it("ends what was cut in the middle, so that nothing is swallowed", () => {
    for (const cut of ["\x1b]0;half a title", "\x1b[3", "\x1b"]) assert.ok(after(cut).startsWith("\x18\x1b\\"), cut);
  });

  it("knows whether a program draws on the other screen", () => {
    const modes = new TerminalModes();
    assert.equal(modes.onOtherScreen, false);
    modes.feed(Buffer.from("\x1b[?1049h"));
    assert.equal(modes.onOtherScreen, true);
    modes.reset();
    assert.equal(modes.onOtherScreen, false);
  });
});
