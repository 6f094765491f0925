import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAnswer, isKeyOrAnswer, withoutAnswers } from "./terminal-answers.ts";

const answers = [
  ...["\x1b[?1;2c", "\x1b[?62;22c", "\x1b[>0;276;0c", "\x1b[>1;4600;0c", "\x1b[0n", "\x1b[?997;1n"],
  ...["\x1b[12;40R", "\x1b[1;1R", "\x1b[1;40R", "\x1b[11;2R", "\x1b[?12;40R", "\x1b[?1;2R", "\x1b[?1;2;1R"],
  ...["\x1b[?2004;1$y", "\x1b[4;2$y", "\x1b[8;24;80t", "\x1b[2;1;1;112;112;1;0x", "\x1b[?1u", "\x1b[I", "\x1b[O"],
  ...["\x1b]10;rgb:0/0/0\x07", "\x1b]11;rgb:1212/0f0f/0d0d\x1b\\", "\x1bP1$r0m\x1b\\", "\x1bP1+r436f=323536\x1b\\"],
  "\x1b_Gi=31;OK\x1b\\",
];
const keys = [
  ...[
    "a",
    "\r",
    "\x03",
    "\xff",
    "\x1b",
    "\x1bx",
    "\x1bb",
    "\x1b[A",
    "\x1bOP",
    "\x1bOR",
    "\x1b[1;5C",
    "\x1b[3~",
    "\x1b[15~",
  ],
  ...["\x1b[97;5u", "\x1b[<0;10;20M", "\x1b[200~text\x1b[201~"],
];
/** Shift, Alt, both, Ctrl, and so on. */
const f3 = [2, 3, 4, 5, 6, 7, 8].map((held) => `\x1b[1;${held}R`);

describe("what a terminal says by itself", () => {
  it("F51, T8: is told from keys, pastes and clicks", () => {
    for (const answer of answers) {
      assert.equal(isAnswer(answer), true, JSON.stringify(answer));
      assert.equal(isKeyOrAnswer(answer), false, JSON.stringify(answer));
    }
    assert.equal(isAnswer(answers.join("")), true);
    for (const key of [...keys, ...f3]) {
      assert.equal(isAnswer(key), false, JSON.stringify(key));
      assert.equal(isAnswer(`\x1b[0n${key}`), false, JSON.stringify(key));
      assert.equal(isKeyOrAnswer(key), f3.includes(key), JSON.stringify(key));
    }
    assert.equal(isAnswer(""), false);
  });

  it("T8: is left out between keys, and F3 with Shift or Ctrl is none of it", () => {
    for (const answer of answers) assert.equal(withoutAnswers(`a${answer}b`), "ab", JSON.stringify(answer));
    for (const key of [...keys, ...f3])
      assert.equal(withoutAnswers(`\x1b[12;40R${key}\x1b[I`), key, JSON.stringify(key));
  });

  it("F51: is recognised in time that grows with its length alone", () => {
    for (const hostile of ["\x1b[", "\x1b[1;", "\x1b]1;", "\x1bP", "\x1b[?1;1"]) {
      const long = hostile.repeat(50_000);
      assert.equal(isAnswer(long), false);
      assert.equal(withoutAnswers(long), long);
    }
    assert.equal(isAnswer(`\x1b[${"1;".repeat(100_000)}`), false);
  });
});
