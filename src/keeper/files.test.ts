import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { makeDirectory, readSmall, removeDirectory, syncDirectory, writeDurably } from "./files.ts";
import { hmac } from "./mac.ts";

describe("the steps of a start on disk", () => {
  let home = "";
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), "hearth-files-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  it("P5: a record is read whole, whatever its length, and one that is not there is said to be absent", async () => {
    for (const length of [0, 1, 300, 4095, 4096, 4097, 20_000]) {
      const file = path.join(home, `of-${length}`);
      const bytes = Buffer.alloc(length, "hearth ");
      await writeFile(file, bytes);
      assert.deepEqual(await readSmall(file), bytes);
    }
    await assert.rejects(readSmall(path.join(home, "nothing")), { code: "ENOENT" });
    await assert.rejects(readSmall(home), { code: "EISDIR" });
  });

  it("P5: a spec is the owner's alone, and never replaces another", async () => {
    const dir = path.join(home, "child");
    await makeDirectory(dir);
    await writeDurably(path.join(dir, "spec"), Buffer.alloc(100_000, "x"));
    await syncDirectory(dir);
    assert.equal((await readFile(path.join(dir, "spec"))).length, 100_000);
    assert.deepEqual(
      [(await stat(dir)).mode & 0o777, (await stat(path.join(dir, "spec"))).mode & 0o777],
      [0o700, 0o600],
    );
    await assert.rejects(makeDirectory(dir), { code: "EEXIST" });
    await assert.rejects(writeDurably(path.join(dir, "spec"), Buffer.alloc(1)), { code: "EEXIST" });
    assert.equal((await readFile(path.join(dir, "spec"))).length, 100_000);
  });

  it("P24: a child's directory goes with all that is in it, and what is gone already is no failure", async () => {
    const dir = path.join(home, "ended");
    await mkdir(path.join(dir, "deep", "er"), { recursive: true });
    for (const name of ["armed", "exit", "deep/file", "deep/er/file"]) await writeFile(path.join(dir, name), name);
    await removeDirectory(dir);
    await removeDirectory(dir);
    assert.ok(!(await readdir(home)).includes("ended"));
  });
});

describe("a record's signature", () => {
  it("P5: is HMAC-SHA-256, for keys of every length and any text", () => {
    for (const length of [0, 1, 63, 64, 65, 200])
      for (const text of ["", "exit\nkind=exited\n", "ü".repeat(500)]) {
        const key = "0123456789abcdef".repeat(13).slice(0, length);
        assert.deepEqual(hmac(key, text), createHmac("sha256", key).update(text).digest());
      }
  });
});
