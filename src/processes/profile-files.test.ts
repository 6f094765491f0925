import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ProfileFiles } from "./profile-files.ts";

describe("the files that a login shell reads", () => {
  let top = "";
  let home = "";
  let files: ProfileFiles;
  /** Each change of its home shows in a later moment than the last one, as it does for whoever is slower than a clock's tick. */
  const laterThan = async (dir: string): Promise<void> => {
    const last = (await stat(dir)).ctimeMs;
    const probe = path.join(top, "probe");
    do await writeFile(probe, "x");
    while ((await stat(probe)).ctimeMs <= last);
  };
  const look = () => files.stamp(home);
  /** Does `change` show? Asked twice before it, so that it is the short look that has to see it. */
  const shows = async (change: () => Promise<unknown>, dir = home): Promise<boolean> => {
    const before = await look();
    assert.equal(await look(), before);
    await laterThan(dir);
    await change();
    return (await look()) !== before;
  };

  beforeEach(async () => {
    top = await mkdtemp(path.join(tmpdir(), "hearth-profile-"));
    home = path.join(top, "home");
    await mkdir(home);
    // A clock that is ahead: every folder has long been as it is.
    files = new ProfileFiles({ system: [path.join(top, "etc", "zsh", "zshrc")], now: () => Date.now() + 3_600_000 });
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  it("P1: a file that comes, changes or goes is seen, and what is none of them is not", async () => {
    const file = path.join(home, ".profile");
    assert.equal(await shows(() => writeFile(path.join(home, "notes"), "x")), false);
    assert.equal(await shows(() => writeFile(file, "one")), true);
    assert.equal(await shows(() => writeFile(file, "three")), true);
    assert.equal(await shows(() => writeFile(path.join(home, ".bash_history"), "x")), false);
    assert.equal(await shows(() => rename(file, path.join(home, ".profile.bak"))), true);
    assert.equal(await shows(() => writeFile(path.join(home, ".zshrc"), "x")), true);
  });

  it("P1: one whose folder was not there is seen when it comes, whichever of them came first", async () => {
    const config = path.join(home, ".config");
    assert.equal(await shows(() => mkdir(config)), false);
    assert.equal(await shows(() => mkdir(path.join(config, "fish")), config), false);
    const fish = path.join(config, "fish");
    assert.equal(await shows(() => writeFile(path.join(fish, "config.fish"), "x"), fish), true);
    const zsh = path.join(top, "etc", "zsh");
    await mkdir(zsh, { recursive: true });
    assert.equal(await shows(() => writeFile(path.join(zsh, "zshrc"), "x"), zsh), true);
  });

  it("P1: a link that leads nowhere is seen to lead somewhere", async () => {
    const target = path.join(top, "dotfiles");
    await symlink(target, path.join(home, ".bashrc"));
    assert.equal(await shows(() => writeFile(target, "x")), true);
    await symlink(path.join(top, "config"), path.join(home, ".config"));
    const made = () => mkdir(path.join(top, "config", "fish"), { recursive: true });
    assert.equal(await shows(made), false);
    const fish = path.join(top, "config", "fish");
    assert.equal(await shows(() => writeFile(path.join(fish, "config.fish"), "x"), fish), true);
  });

  it("P1: in a folder that changed only just now nothing is taken for unchanged", async () => {
    // By this clock every change was this very moment: two within one tick look like one.
    files = new ProfileFiles({ system: [], now: () => 0 });
    const before = await look();
    await writeFile(path.join(home, ".profile"), "x");
    assert.notEqual(await look(), before);
  });

  it("P1: a home that is not there is nothing new each time, and is seen when it comes", async () => {
    assert.equal(await files.stamp(undefined), await files.stamp(undefined));
    const later = path.join(top, "later");
    const before = await files.stamp(later);
    assert.equal(await files.stamp(later), before);
    await mkdir(later);
    await writeFile(path.join(later, ".profile"), "x");
    assert.notEqual(await files.stamp(later), before);
  });

  it("P1: those who ask together share a look, and who asks later gets one that began later", async () => {
    const before = await Promise.all([look(), look(), look()]);
    assert.equal(new Set(before).size, 1);
    const early = look();
    await writeFile(path.join(home, ".profile"), "x");
    assert.notEqual(await look(), before[0]);
    await early;
  });
});
