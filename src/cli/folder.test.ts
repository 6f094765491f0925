import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CliError } from "./failure.ts";
import { folderMeant, folderNamed, inFolder } from "./folder.ts";

describe("the folder a person is in", () => {
  let root: string;
  before(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "hearth-folder-")));
    await mkdir(join(root, "home/project/src"), { recursive: true });
    await mkdir(join(root, "state"));
    await symlink(join(root, "home/project"), join(root, "link"));
    await writeFile(join(root, "home/file"), "");
  });
  after(() => rm(root, { recursive: true }));

  it("is offered unless it is home, above it, or one of Hearth's own", async () => {
    const home = join(root, "home");
    const meant = (cwd: string) => folderMeant(cwd, [join(root, "state")], home);
    assert.equal(await meant(join(home, "project")), join(home, "project"));
    assert.equal(await meant(join(root, "link")), join(home, "project"));
    for (const none of [home, root, "/", join(root, "state"), join(root, "gone")])
      assert.equal(await meant(none), undefined);
  });
  it("is named as seen from where one is, and has to be there", async () => {
    assert.equal(await folderNamed(".", join(root, "link")), join(root, "home/project"));
    assert.equal(await folderNamed("project/src", join(root, "home")), join(root, "home/project/src"));
    for (const none of ["nothing", "file"]) await assert.rejects(folderNamed(none, join(root, "home")), CliError);
  });
  it("goes into the address, whatever its name", () => {
    assert.equal(inFolder("http://h/#ticket=t", undefined), "http://h/#ticket=t");
    assert.equal(inFolder("http://h/#ticket=t", "/a b&c#d"), "http://h/#ticket=t&dir=%2Fa%20b%26c%23d");
  });
});
