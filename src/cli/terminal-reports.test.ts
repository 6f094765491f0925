import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutReports } from "./terminal-reports.ts";

const left = (text: string): string => withoutReports(Buffer.from(text, "latin1")).toString("latin1");

describe("what a terminal says by itself", () => {
  it("T8: is left out where another viewer answers: attributes, places, modes, colours, focus", () => {
    for (const report of [
      "\x1b[?62;22c",
      "\x1b[>1;4600;0c",
      "\x1b[12;40R",
      "\x1b[0n",
      "\x1b[?2026;2$y",
      "\x1b[8;24;80t",
      "\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
      "\x1b]10;rgb:0/0/0\x07",
      "\x1bP1+r436f=323536\x1b\\",
      "\x1b[?1u",
      "\x1b[I",
    ])
      assert.equal(left(`a${report}b`), "ab", JSON.stringify(report));
  });

  it("leaves keys, mouse and pastes alone", () => {
    for (const key of [
      "\x1b",
      "\x1b[A",
      "\x1bOP",
      "\x1b[1;5C",
      "\x1b[3~",
      "\x1b[<0;10;20M",
      "\x1b[200~x\x1b[201~",
      "\xff",
    ])
      assert.equal(left(key), key, JSON.stringify(key));
  });
});
