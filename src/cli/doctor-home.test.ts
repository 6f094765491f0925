import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type HomeSystem, homeFindings } from "./doctor-home.ts";

const GIB = 2 ** 30;

describe("what doctor says of the home", () => {
  let base: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "hearth-doctor-"));
  });
  after(() => rm(base, { recursive: true }));

  const on = (type: number, mounts = "", free = 5 * GIB): HomeSystem => ({
    disk: async () => ({ type, bavail: free, bsize: 1 }),
    mounts: async () => mounts,
  });
  const statesOf = async (home: string, system: HomeSystem) =>
    (await homeFindings(home, system)).map(({ what, state }) => `${what}: ${state}`);

  it("names every network file system that `up` refuses, for a home that is still to be made too", async () => {
    const LUSTRE = 0x0bd00bd0;
    const [, found] = await homeFindings(join(base, "to", "be"), on(LUSTRE));
    assert.equal(found?.what, "File system");
    assert.equal(found?.state, "missing");
    assert.match(found?.found ?? "", /network file system \(Lustre\)/);
    assert.match(found?.remedy ?? "", /HEARTH_HOME/);
    for (const type of [0x6969, 0xff534d42 | 0, 0x5346414f, 0x47504653])
      assert.ok((await statesOf(base, on(type))).includes("File system: missing"), String(type));
    const mounts = (type: string) => `30 22 0:40 / ${base} rw shared:1 - ${type} x rw`;
    assert.ok((await statesOf(base, on(0x65735546, mounts("fuse.sshfs")))).includes("File system: missing"));
    assert.deepEqual(await statesOf(base, on(0x65735546, mounts("fuse.mergerfs"))), ["Home: ok", "Disk: ok"]);
    assert.deepEqual(await statesOf(base, on(0xef53)), ["Home: ok", "Disk: ok"]);
  });

  it("says when a home is open to others, and when there is little room", async () => {
    const open = join(base, "open");
    await mkdir(open);
    await chmod(open, 0o755);
    assert.deepEqual(await statesOf(open, on(0xef53, "", GIB / 2)), ["Home: missing", "Disk: advice"]);
    assert.deepEqual(await statesOf(base, on(0xef53, "", 1)), ["Home: ok", "Disk: missing"]);
  });
});
