import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAnswer, Mute } from "./replay.ts";

describe("a terminal after a reload", () => {
  it("tells an emulator's answers from keys", () => {
    const answers = ["\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[0n", "\x1b[12;40R", "\x1b[?2004;2$y", "\x1b[8;24;80t"];
    answers.push(
      "\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
      "\x1b]11;rgb:00/00/00\x07",
      "\x1bP1$r0m\x1b\\",
      "\x1b[I",
      "\x1b[?0u",
    );
    for (const answer of answers) assert.equal(isAnswer(answer), true, JSON.stringify(answer));
    const keys = [
      "a",
      "\r",
      "\x03",
      "\x1b",
      "\x1b[A",
      "\x1bOP",
      "\x1b[3~",
      "\x1b[1;5C",
      "\x1bb",
      "\x1b[200~hi\x1b[201~",
    ];
    for (const key of keys) assert.equal(isAnswer(key), false, JSON.stringify(key));
  });

  it("T9: mutes answers until the replay is drawn, not merely received, and lets keys through", () => {
    const mute = new Mute();
    const done = [mute.drawing(), mute.drawing()];
    assert.equal(mute.allows("\x1b[1;1R"), false);
    assert.equal(mute.allows("ls\r"), true);
    done[0]?.();
    done[0]?.();
    assert.equal(mute.allows("\x1b[1;1R"), false, "the second piece is still being drawn");
    done[1]?.();
    assert.equal(mute.allows("\x1b[1;1R"), true);
  });
});
