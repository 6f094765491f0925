import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diffNote, diffRows, isCut } from "./diff.ts";

describe("a change that is to be approved", () => {
  it("is rows, each with its mark, empty lines and odd line ends kept", () => {
    assert.deepEqual(diffRows("@@ -1,2 +1,2 @@\n a\r\n-\n+b\n\\ No newline at end of file\n"), [
      { mark: "@", text: "@ -1,2 +1,2 @@" },
      { mark: " ", text: "a\r" },
      { mark: "-", text: "" },
      { mark: "+", text: "b" },
      { mark: "\\", text: " No newline at end of file" },
    ]);
  });
  it("is said in a few words", () => {
    assert.equal(diffNote("@@ -1 +1,2 @@\n a\n+b\n"), "1 line added");
    assert.equal(diffNote("@@ -1,2 +0,0 @@\n-a\n-b\n"), "2 lines removed");
    assert.equal(diffNote("@@ -1 +1 @@\n-a\n+b\n"), "1 line added, 1 removed");
  });
  it("A36: is taken for cut only where the host's own note at the end says so", () => {
    assert.equal(isCut("+a\n\\ 1,234 more lines of this diff are not shown\n"), true);
    assert.equal(isCut("+\\ 3 more lines of this diff are not shown\n"), false);
    assert.equal(isCut("+a\n\\ No newline at end of file\n"), false);
  });
});
