import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lineDiff } from "./line-diff.ts";

const lines = (...all: readonly string[]) => `${all.join("\n")}\n`;

/** The new text, by the diff alone; undefined where it does not fit the old one. */
function applied(old: string, diff: string): string | undefined {
  const a = old.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  const rows = diff.match(/[^\n]*\n/g) ?? [];
  for (const [index, row] of rows.entries()) {
    const bare = rows[index + 1]?.startsWith("\\ No newline") === true;
    const text = bare ? row.slice(1, -1) : row.slice(1);
    const range = /^@@ -(\d+)(?:,(\d+))? /.exec(row);
    if (range !== null) {
      const first = Number(range[1]) - (range[2] === "0" ? 0 : 1);
      while (at < first) out.push(a[at++] ?? "");
    } else if (row.startsWith("+")) out.push(text);
    else if (row.startsWith("-") || row.startsWith(" ")) {
      if (a[at] !== text) return undefined;
      if (row.startsWith(" ")) out.push(text);
      at += 1;
    }
  }
  return out.concat(a.slice(at)).join("");
}

describe("a diff of lines", () => {
  it("is empty where nothing changes", () => {
    assert.equal(lineDiff("", ""), "");
    assert.equal(lineDiff("a\nb", "a\nb"), "");
  });
  it("shows what comes and what goes, with three lines around it", () => {
    const old = lines("1", "2", "3", "4", "5", "6", "7", "8", "9");
    assert.equal(lineDiff(old, old.replace("5\n", "5\nnew\n")), "@@ -3,6 +3,7 @@\n 3\n 4\n 5\n+new\n 6\n 7\n 8\n");
    assert.equal(lineDiff(old, old.replace("5\n", "")), "@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n");
    assert.equal(lineDiff("a\n", "b\n"), "@@ -1 +1 @@\n-a\n+b\n");
    assert.equal(lineDiff("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
    assert.equal(lineDiff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
  });
  it("keeps apart what lies far apart, and together what touches", () => {
    const many = Array.from({ length: 30 }, (_, n) => String(n));
    const changed = many.map((line, n) => (n === 2 || n === 25 ? `${line}!` : line));
    assert.equal(lineDiff(lines(...many), lines(...changed))?.match(/^@@/gm)?.length, 2);
    const near = many.map((line, n) => (n === 2 || n === 9 ? `${line}!` : line));
    assert.equal(lineDiff(lines(...many), lines(...near))?.match(/^@@/gm)?.length, 1);
  });
  it("names a missing newline at the end, and takes another end of a line for a change", () => {
    assert.equal(lineDiff("a\nb", "a\nb\n"), "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
    assert.equal(lineDiff("a\r\nb\r\n", "a\nb\r\n"), "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\r\n");
  });
  it("is exact and can be applied, whatever the texts", () => {
    const line = fc.constantFrom("a", "b", "c", "", "d\r");
    const text = fc
      .tuple(fc.array(line, { maxLength: 30, size: "max" }), fc.boolean())
      .map(([all, end]) => all.join("\n") + (end ? "\n" : ""));
    fc.assert(
      fc.property(text, text, (old, now) => {
        assert.equal(applied(old, lineDiff(old, now) ?? ""), now);
      }),
      { numRuns: 2_000, seed: 42 },
    );
  });
  it("is no longer than the shortest for texts that share little", () => {
    const edits = lineDiff(lines(..."ABCABBA"), lines(..."CBABAC"))?.match(/^[-+]/gm)?.length;
    assert.equal(edits, 5);
  });
  it("stays bounded for 10,000 lines of which none or every second is the same", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `line ${n}`);
    for (const other of [many.map((one) => `${one}!`), many.map((one, n) => (n % 2 === 0 ? one : `${one}!`))]) {
      const diff = lineDiff(lines(...many), lines(...other)) ?? "";
      assert.ok(diff.split("\n").length <= 603, "no more lines than a person would read");
      assert.match(diff, /\n\\ [\d,]+ more lines of this diff are not shown\n$/);
    }
    const one = lineDiff(lines(...many), lines(...many.with(5_000, "here")));
    assert.equal(one?.match(/^[-+]/gm)?.length, 2);
    // In a long text the change alone counts, and where that is too long there is none to be read.
    const far = "line\n".repeat(400_000);
    assert.equal(lineDiff(`${far}a\n${far}`, `${far}b\n${far}`)?.split("\n")[0], "@@ -399998,7 +399998,7 @@");
    assert.equal(lineDiff("", "x".repeat(1_000_000)), undefined);
  });
});
