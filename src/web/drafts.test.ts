import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { draftBegins, draftOf, keepDraft } from "./drafts.ts";

describe("what is being written", () => {
  it("stays with its conversation, and goes along when that begins", () => {
    keepDraft(null, "half a sent");
    keepDraft("ses_a", "another");
    draftBegins("ses_b");
    assert.deepEqual([draftOf(null), draftOf("ses_a"), draftOf("ses_b")], ["", "another", "half a sent"]);
    draftBegins("ses_a");
    assert.equal(draftOf("ses_a"), "another", "nothing was being written for it");
  });

  it("is kept of so many conversations and no more", () => {
    for (let n = 0; n <= 50; n++) keepDraft(`ses_${n}`, "text");
    assert.equal(draftOf("ses_0"), "");
    assert.equal(draftOf("ses_1"), "text");
    keepDraft("ses_1", "");
    assert.equal(draftOf("ses_1"), "");
  });
});
