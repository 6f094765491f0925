import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgePaste } from "./paste.ts";

describe("a paste", () => {
  it("asks before several lines go into a program that takes them for typed", () => {
    assert.equal(judgePaste("ls", false).ask, false);
    assert.equal(judgePaste("ls\nrm -rf x", false).ask, true);
    assert.equal(judgePaste("ls\r\n", false).ask, true, "one line with its Enter runs as well");
    assert.equal(judgePaste("ls\nrm -rf x", true).ask, false);
    assert.equal(judgePaste("x".repeat(300_000), true).ask, true);
  });

  it("carries no key: brackets cannot be ended from within, no control is sent", () => {
    const evil = judgePaste("echo\x1b[201~\nrm\x03\x9b1~\tok\r\nend", true);
    assert.deepEqual(evil, { text: "echo[201~\nrm1~\tok\nend", removed: "\x1b\x03\x9b", ask: false });
  });
});
