import assert from "node:assert/strict";
import { chmod, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { checkHome, HomeRefused, prepareFile, type System, thisSystem } from "./home.ts";
import { lockHome } from "./lock.ts";
import { openLog } from "./open.ts";

describe("a home", () => {
  let base: string;
  let home: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "hearth-home-"));
  });
  beforeEach(() => {
    home = join(base, crypto.randomUUID());
  });
  after(() => rm(base, { recursive: true }));

  const refused = (why: RegExp) => (error: unknown) => error instanceof HomeRefused && why.test(error.message);

  it("A14: is made for its owner alone, and so is the log in it", async () => {
    await using _lock = await lockHome(home);
    await using log = await openLog({ home });
    await log.append("a", [], { views: [{ view: "v", key: "k", value: 1 }] });
    const mode = async (name: string) => (await lstat(join(home, name))).mode & 0o777;
    assert.deepEqual(
      await Promise.all([".", "hearth.db", "hearth.db-wal", "lock.db"].map(mode)),
      [0o700, 0o600, 0o600, 0o600],
    );
  });

  it("A14: is refused if others may look into it", async () => {
    await mkdir(home, { mode: 0o755 });
    for (const mode of [0o755, 0o710, 0o701]) {
      await chmod(home, mode);
      await assert.rejects(checkHome(home), refused(/open to other users: run `chmod 700/));
    }
    await assert.rejects(lockHome(home), HomeRefused);
    await assert.rejects(openLog({ home }), HomeRefused);
    await chmod(home, 0o700);
    await checkHome(home);
  });

  it("is refused with what to do where it cannot be made", async () => {
    await writeFile(home, "");
    await assert.rejects(checkHome(home), refused(/is not a directory: set HEARTH_HOME/));
    await assert.rejects(checkHome(join(home, "below")), refused(/cannot be made \(ENOTDIR\): set HEARTH_HOME/));
    if (process.platform === "linux") {
      await assert.rejects(checkHome("/proc/hearth"), refused(/cannot be made \(ENOENT\): set HEARTH_HOME/));
    }
    await checkHome(join(`${home}-deep`, "a", "b"));
  });

  it("A14: is refused if it belongs to another user", async () => {
    await mkdir(home, { mode: 0o700 });
    await assert.rejects(checkHome(home, { ...thisSystem, uid: thisSystem.uid + 1 }), refused(/belongs to user/));
  });

  it("A15: is refused if it is a link, and so is a link in place of a file in it", async () => {
    await mkdir(home, { mode: 0o700 });
    const link = `${home}-link`;
    await symlink(home, link);
    await assert.rejects(checkHome(link), refused(/symbolic link/));
    const target = join(base, "somebody's file");
    await writeFile(target, "");
    for (const name of ["hearth.db", "hearth.db-wal", "lock.db"]) {
      await symlink(target, join(home, name));
      const opening = name === "lock.db" ? lockHome(home) : openLog({ home });
      await assert.rejects(opening, refused(/symbolic link that does not belong there/));
      await rm(join(home, name));
    }
    assert.equal((await lstat(target)).size, 0);
    // A link that leads nowhere must not create its target.
    await rm(join(home, "hearth.db"), { force: true });
    await symlink(join(base, "nowhere"), join(home, "hearth.db"));
    await assert.rejects(openLog({ home }), HomeRefused);
    await assert.rejects(lstat(join(base, "nowhere")));
  });

  it("is refused if it, or a file in it, is something else", async () => {
    await writeFile(home, "");
    await assert.rejects(checkHome(home));
    await mkdir(join(base, "d", "hearth.db"), { recursive: true });
    await assert.rejects(prepareFile(join(base, "d", "hearth.db"), true), refused(/not a plain file/));
  });

  it("is refused on a network file system, which is named", async () => {
    const on = (type: number, mounts = ""): System => ({
      ...thisSystem,
      fileSystem: async () => type,
      mounts: async () => mounts,
    });
    const network = {
      NFS: 0x6969,
      SMB: 0x517b,
      CIFS: 0xff534d42,
      SMB2: 0xfe534d42,
      "9p": 0x01021997,
      Ceph: 0x00c36400,
    };
    for (const [name, type] of Object.entries(network)) {
      await assert.rejects(
        checkHome(home, on(type)),
        refused(new RegExp(`network file system \\(${name}\\).*local directory`)),
      );
    }
    await assert.rejects(checkHome(home, on(0xff534d42 | 0)), HomeRefused, "as a signed number");
    for (const local of [0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x794c7630]) await checkHome(home, on(local));
    const mounts = (type: string) =>
      `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / ${base.replaceAll(" ", "\\040")} rw shared:1 - ${type} x rw\n31 22 0:41 / /elsewhere rw - fuse.sshfs y rw`;
    await assert.rejects(checkHome(home, on(0x65735546, mounts("fuse.sshfs"))), refused(/fuse\.sshfs/));
    await checkHome(home, on(0x65735546, mounts("fuse.mergerfs")));
  });
});
