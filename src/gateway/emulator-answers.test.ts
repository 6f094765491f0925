import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAnswer, isTyping } from "./emulator-answers.ts";

describe("what a viewer sends", () => {
  it("F51, T8: answers of an emulator are told from keys, pastes and clicks", () => {
    const answers = [
      "\x1b[?1;2c",
      "\x1b[>0;276;0c",
      "\x1b[0n",
      "\x1b[12;40R",
      "\x1b[?12;40R",
      "\x1b[?2004;1$y",
      "\x1b[8;24;80t",
      "\x1b[I",
      "\x1b]11;rgb:1212/0f0f/0d0d\x1b\\",
      "\x1bP1$r0m\x1b\\",
      "\x1b[?1;2c\x1b[0n",
    ];
    for (const answer of answers)
      assert.deepEqual(
        [isAnswer(Buffer.from(answer)), isTyping(Buffer.from(answer))],
        [true, false],
        JSON.stringify(answer),
      );
    const keys = [
      "a",
      "\r",
      "\x03",
      "\x1b",
      "\x1b[A",
      "\x1bOP",
      "\x1b[1;2R",
      "\x1b[1;5C",
      "\x1b[15~",
      "\x1bx",
      "\x1b[200~text\x1b[201~",
      "\x1b[<0;10;10M",
      "\x1b[97;5u",
    ];
    for (const key of keys)
      assert.deepEqual([isAnswer(Buffer.from(key)), isTyping(Buffer.from(key))], [false, true], JSON.stringify(key));
    assert.deepEqual(
      [isAnswer(Buffer.from("\x1b[<35;10;10M")), isTyping(Buffer.from("\x1b[<35;10;10M"))],
      [false, false],
    );
  });
});
