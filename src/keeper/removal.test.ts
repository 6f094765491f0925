import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { removeDirectory } from "./files.ts";
import { Bed, binaries } from "./testing/bed.ts";

function namesIn(dir: string): string[] | undefined {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

describe("the files of a child that is forgotten", () => {
  it("P24: are all there or none of them, at every moment a crash could come", async () => {
    await using bed = await Bed.make(await binaries.ordinary());
    const dir = join(bed.childrenDir, "proc_going");
    const names = Array.from({ length: 50 }, (_, n) => `spool.${n}`);
    await mkdir(dir);
    for (const name of names) await writeFile(join(dir, name), "");
    let gone = false;
    const removing = removeDirectory(dir).finally(() => {
      gone = true;
    });
    while (!gone) {
      const there = namesIn(dir); // one look: it may be gone between two
      if (there !== undefined) assert.equal(there.length, names.length);
      await new Promise(setImmediate);
    }
    await removing;
    assert.deepEqual(await readdir(bed.childrenDir), []);
  });

  it("P24, F09: what a crash has left of a removal, or of a start at its first step, goes with the next host", async () => {
    await using bed = await Bed.make(await binaries.ordinary());
    const long = new Date(Date.now() - 60_000);
    for (const [name, file] of Object.entries({ ".removed-proc_a": "spool.0", proc_b: "spec", proc_c: "live" })) {
      const dir = join(bed.childrenDir, name);
      await mkdir(dir);
      await writeFile(join(dir, file), "");
      await utimes(dir, long, long);
    }
    const keepers = await bed.reopen();
    const found = await keepers.adopt();
    assert.deepEqual(
      found.map((one) => one.state),
      ["failed_start", "torn"],
    );
    await keepers.forget("proc_b");
    await keepers.close();
    assert.deepEqual(await readdir(bed.childrenDir), ["proc_c"], "what nobody can explain stays");
    await bed.reopen();
  });

  it("P24, F44: forgetting while a host looks for its children leaves nothing to warn of", async () => {
    await using bed = await Bed.make(await binaries.ordinary());
    for (let round = 0; round < 5; round++) {
      const ids = Array.from({ length: 20 }, (_, n) => `proc_${round}_${n}`);
      const children = await Promise.all(ids.map((id) => bed.sh(id, "true")));
      await Promise.all(children.map((child) => child.closed));
      const looking = Array.from({ length: 10 }, () => bed.keepers.adopt());
      await Promise.all([...looking, ...ids.map((id) => bed.keepers.forget(id))]);
    }
    assert.deepEqual(bed.warnings, []);
    await bed.keepers.close();
    assert.deepEqual(await readdir(bed.childrenDir), []);
    await bed.reopen();
  });
});
