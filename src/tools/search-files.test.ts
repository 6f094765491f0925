import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { call, context, temporaryDirectory } from "../../test/support/tool-call.ts";
import { Keepout } from "./paths.ts";
import { searchFilesTool } from "./search-files.ts";

const tool = searchFilesTool(new Keepout(undefined));

async function tree(files: Record<string, string | Buffer>): Promise<{ path: string } & AsyncDisposable> {
  const home = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home.path, name)), { recursive: true });
    await writeFile(join(home.path, name), content);
  }
  return home;
}
const search = async (home: { path: string }, args: Record<string, unknown>): Promise<string> =>
  (await call(tool, args, context(home.path))).result;

describe("search_files", () => {
  it("answers with path, line number and line", async () => {
    await using home = await tree({
      "a.txt": "no\nneedle here  \n",
      "b/c.txt": "x needle\nneedle again\n",
      "d.txt": "none",
    });
    assert.equal(
      await search(home, { query: "needle" }),
      "a.txt:2: needle here\nb/c.txt:1: x needle\nb/c.txt:2: needle again\n\n[3 matches in 2 files, of 3 searched.]",
    );
    assert.equal(await search(home, { query: "nowhere" }), "[No match in 3 files.]");
    assert.match(await search(home, { query: "needle", path: "b/c.txt" }), /^b\/c\.txt:1: /);
  });

  it("takes the text literally, with its case unless told otherwise", async () => {
    await using home = await tree({ "a.txt": "a.c\nabc\nA.C\n" });
    assert.match(await search(home, { query: "a.c" }), /^a\.txt:1: a\.c\n\n\[1 match in 1 file/);
    assert.match(await search(home, { query: "a.c", case_sensitive: false }), /\[2 matches/);
  });

  it("leaves out .git, node_modules, binary and large files, links, and what .gitignore names", async () => {
    await using home = await tree({
      ".git/config": "needle",
      "node_modules/x/i.js": "needle",
      binary: Buffer.from("needle\0"),
      large: Buffer.alloc(2 * 1024 * 1024 + 1, "needle "),
      ".gitignore": "/dist/\n*.log\n!keep.log\n",
      "dist/out.js": "needle",
      "sub/dist/mine.js": "needle",
      "debug.log": "needle",
      "keep.log": "needle",
      "sub/.gitignore": "local.txt\n!*.log",
      "sub/local.txt": "needle",
      "sub/seen.log": "needle",
    });
    await symlink(home.path, join(home.path, "sub", "loop"));
    await symlink("../keep.log", join(home.path, "sub", "link"));
    const result = await search(home, { query: "needle" });
    const paths = result.split("\n").flatMap((line) => /^(.+):1: /.exec(line)?.[1] ?? []);
    assert.deepEqual(paths, ["keep.log", "sub/seen.log", "sub/dist/mine.js"]);
    assert.match(result, /1 file over 2 MiB left out/);
  });

  it("looks only at files that the pattern names", async () => {
    await using home = await tree({ "a.ts": "needle", "b.js": "needle", "s/c.tsx": "needle", "s/t/d.ts": "needle" });
    const hits = async (glob: string) =>
      (await search(home, { query: "needle", glob })).match(/^[^:[]+(?=:\d)/gm) ?? [];
    assert.deepEqual(await hits("*.ts"), ["a.ts", "s/t/d.ts"]);
    assert.deepEqual(await hits("*.{ts,tsx}"), ["a.ts", "s/c.tsx", "s/t/d.ts"]);
    assert.deepEqual(await hits("s/**"), ["s/c.tsx", "s/t/d.ts"]);
    assert.deepEqual(await hits("s/*.ts*"), ["s/c.tsx"]);
  });

  it("stops at the limit of matches and cuts long lines", async () => {
    await using home = await tree({ "a.txt": `needle${"x".repeat(1000)}\n`.repeat(500) });
    const result = await search(home, { query: "needle" });
    const lines = result.split("\n").filter((line) => line.startsWith("a.txt:"));
    assert.equal(lines.length, 200);
    assert.ok(lines.every((line) => line.length < 330));
    assert.match(result, /stopped early: there are more than 200 matches/);
    assert.match(await search(home, { query: "needle", limit: 3 }), /more than 3 matches/);
  });

  it("A23: never waits for a named pipe, and refuses one that is named", async () => {
    await using home = await tree({ "a.txt": "needle" });
    execFileSync("mkfifo", [join(home.path, "fifo")]);
    assert.match(await search(home, { query: "needle" }), /\[1 match in 1 file, of 1 searched/);
    assert.match(await search(home, { query: "needle", path: "fifo" }), /named pipe/);
  });

  it("S7: stops when the turn is cancelled in the middle", async () => {
    await using home = await tree(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, "needle"])));
    const cancel = new AbortController();
    const searching = call(tool, { query: "needle" }, context(home.path, { signal: cancel.signal }));
    setImmediate(() => cancel.abort(new Error("cancelled")));
    await assert.rejects(searching, /cancelled/);
  });

  it("leaves the event loop to others", async () => {
    await using home = await tree(
      Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`d${n % 7}/f${n}`, "x".repeat(5000)])),
    );
    let beats = 0;
    const heart = setInterval(() => beats++, 1);
    await search(home, { query: "needle" });
    clearInterval(heart);
    assert.ok(beats > 0);
  });

  it("A25: refuses a query of several lines", async () => {
    await using home = await tree({});
    await assert.rejects(search(home, { query: "a\nb" }), /line break/);
  });
});
