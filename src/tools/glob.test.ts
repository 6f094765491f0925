import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Ignore } from "./gitignore.ts";
import { Glob } from "./glob.ts";

describe("a file name pattern", () => {
  const cases: [string, string[], string[]][] = [
    ["*.ts", ["a.ts", "d/a.ts", ".ts"], ["a.tsx", "ts"]],
    ["src/*.ts", ["src/a.ts"], ["src/b/a.ts", "a.ts"]],
    ["src/**/*.ts", ["src/a.ts", "src/b/c/a.ts"], ["lib/a.ts"]],
    ["**/test/**", ["test/a", "a/test/b/c"], ["testing/a"]],
    ["[a-c]?.{js,ts}", ["b1.js", "cx.ts"], ["d1.js", "b.js"]],
    ["[!a]b", ["cb"], ["ab"]],
    ["\\*", ["*"], ["a"]],
    ["a{b,{c,d}}", ["ab", "ac", "ad"], ["a", "acd"]],
  ];
  for (const [pattern, yes, no] of cases) {
    it(`${pattern} matches ${yes.join(", ")} and not ${no.join(", ")}`, () => {
      const glob = new Glob(pattern);
      for (const path of yes) assert.ok(glob.match(path), path);
      for (const path of no) assert.ok(!glob.match(path), path);
    });
  }

  it("A25: takes bounded time, whatever the pattern", () => {
    const started = process.cpuUsage();
    assert.ok(!new Glob("*a".repeat(200)).match("a".repeat(199)));
    assert.ok(!new Glob(`${"**/a/".repeat(80)}b`).match("a/".repeat(300)));
    new Glob("{a,b}".repeat(90)).match("ab");
    assert.ok(process.cpuUsage(started).user < 20_000_000, "a backtracking matcher would need years");
  });

  it("without special characters matches itself only", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b", ".", "-", "é"), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(name, name, (pattern, other) => new Glob(`x${pattern}`).match(`x${other}`) === (pattern === other)),
    );
  });
});

describe("a .gitignore", () => {
  const rules = "# comment\n\n/build\nlogs/\n*.tmp\n!important.tmp\ndoc/*.html\ntrailing   \n";
  const ignore = new Ignore(rules, "");
  const cases: [string, boolean, boolean][] = [
    ["build", true, true],
    ["sub/build", true, false],
    ["logs", true, true],
    ["logs", false, false],
    ["a/b/logs", true, true],
    ["x.tmp", false, true],
    ["a/important.tmp", false, false],
    ["doc/a.html", false, true],
    ["doc/sub/a.html", false, false],
    ["trailing", false, true],
    ["{a,b}", false, false],
  ];
  for (const [path, directory, ignored] of cases) {
    it(`${ignored ? "ignores" : "keeps"} ${path}${directory ? "/" : ""}`, () => {
      assert.equal(ignore.ignores(path, directory), ignored);
    });
  }
  it("counts from its own directory, and decides over those above it", () => {
    const below = new Ignore("/only-here\n!x.tmp", "sub/", ignore);
    assert.ok(below.ignores("sub/only-here", false));
    assert.ok(!below.ignores("sub/deeper/only-here", false));
    assert.ok(!below.ignores("sub/x.tmp", false));
    assert.ok(below.ignores("sub/y.tmp", false));
  });
});
