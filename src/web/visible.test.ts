import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hiddenCount, visiblePieces } from "./visible.ts";

const shown = (text: string) =>
  visiblePieces(text)
    .map((piece) => piece.text)
    .join("");

describe("a command shown for approval", () => {
  it("A36: leaves ordinary text as it is, other scripts included", () => {
    for (const text of ["npm run check", "echo 'größer' 日本語 🔥", "cp a\\b c  d"]) {
      assert.equal(shown(text), text);
      assert.equal(hiddenCount(text), 0);
    }
  });

  it("A36: names escape codes, bidirectional and zero-width characters", () => {
    assert.equal(shown("rm x\u001b[2K\u202eecho"), "rm x\\e[2K\\u{202e}echo");
    assert.equal(shown("a\u200bb\u00a0c\u2066d\u0007"), "a\\u{200b}b\\u{a0}c\\u{2066}d\\x07");
    assert.equal(shown("a\u3164b\u2800c\ufe0f\u{e0041}\u00ad"), "a\\u{3164}b\\u{2800}c\\u{fe0f}\\u{e0041}\\u{ad}");
    assert.equal(shown("\ud800"), "\\u{d800}");
    assert.equal(hiddenCount("a\u200bb\u202e\n"), 2);
  });

  it("A36: marks letters that pass for others, each where it stands", () => {
    assert.equal(shown("p\u0430yp\u0430\u0430l \u0430\u0430"), "p\\u{430}yp\\u{430}\\u{430}l \u0430\u0430");
    assert.equal(hiddenCount("p\u0430y"), 0);
  });

  it("A36: shows tabs as tabs, one by one, and counts them where they push something away", () => {
    assert.deepEqual(visiblePieces("\tx"), [
      { kind: "space", text: "→\t" },
      { kind: "plain", text: "x" },
    ]);
    assert.equal(shown(`ls${"\t".repeat(500)}; rm`), "ls\\t×500; rm");
  });

  it("A36: counts padding instead of letting it push the rest out of sight", () => {
    assert.equal(shown(`ls${"\n".repeat(300)}rm -rf /`), "ls⏎×300\nrm -rf /");
    assert.equal(shown(`ls${" ".repeat(5000)}; rm`), "ls␣×5000; rm");
    assert.equal(shown(`ls${"\u200b".repeat(5000)}; rm`), "ls\\u{200b}×5000; rm");
    assert.equal(shown("a\nb"), "a⏎\nb");
  });

  it("A36: never merges a marked character with the text around it, so that typed escapes look different", () => {
    assert.deepEqual(visiblePieces("a\\e\u001b"), [
      { kind: "plain", text: "a\\e" },
      { kind: "hidden", text: "\\e" },
    ]);
  });
});
