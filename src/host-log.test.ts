import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { HostLog } from "./host-log.ts";

describe("the host's own log", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-host-log-"));
  });
  after(async () => {
    await rm(home, { recursive: true, force: true });
  });

  it("has every line, in order, in a file that is its owner's alone", async () => {
    const path = join(home, "plain.log");
    for (const part of ["a", "b"]) {
      await using log = await HostLog.open(path);
      for (let i = 0; i < 1000; i++) log.write(`${part}${i}\n`);
    }
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    assert.deepEqual([lines.length, lines[0], lines[1000], lines[1999]], [2000, "a0", "b0", "b999"]);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it("A15: follows no link, opens nothing but a plain file", async () => {
    const victim = join(home, "victim");
    await writeFile(victim, "mine");
    await symlink(victim, join(home, "link.log"));
    await symlink(join(home, "nowhere"), join(home, "loose.log"));
    await mkdir(join(home, "directory.log"));
    for (const name of ["link.log", "loose.log", "directory.log"])
      await assert.rejects(HostLog.open(join(home, name)), { reason: "config_refused" }, name);
    assert.equal(await readFile(victim, "utf8"), "mine");
    await assert.rejects(stat(join(home, "nowhere")));
  });

  it("is put aside when it is full, also while it runs, and keeps one old one", async () => {
    const path = join(home, "full.log");
    await using log = await HostLog.open(path, 10_000);
    for (let i = 0; i < 50; i++) {
      const before = (await stat(path)).size;
      log.write(`${"x".repeat(999)}\n`);
      // Each line is on the disk before the next: lines that come together may all go into one file.
      while ((await stat(path).catch(() => ({ size: before }))).size === before)
        await new Promise((resolve) => setImmediate(resolve));
    }
    await log[Symbol.asyncDispose]();
    const sizes = await Promise.all([path, `${path}.1`].map(async (one) => (await stat(one)).size));
    assert.ok(
      sizes.every((size) => size > 0 && size <= 50_000) && sizes.reduce((a, b) => a + b) < 50_000,
      String(sizes),
    );
  });

  it("leaves lines out that come faster than the disk takes them, and says how many", async () => {
    const path = join(home, "flood.log");
    const log = await HostLog.open(path);
    for (let i = 0; i < 3000; i++) log.write(`${"y".repeat(999)}\n`);
    await log[Symbol.asyncDispose]();
    const text = await readFile(path, "utf8");
    const taken = text.split("\n").filter((line) => line.startsWith("y")).length;
    const told = /"left_out":(\d+)/.exec(text)?.[1];
    assert.equal(taken + Number(told ?? 0), 3000);
  });
});
