import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../config/settings.ts";
import { detach } from "./detach.ts";
import { CliError, EXIT } from "./failure.ts";

describe("a host in the background", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-detach-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const refuses = (home: string, why: RegExp) =>
    assert.rejects(
      detach({ home, root: packageRoot() }, undefined),
      (error) => error instanceof CliError && error.exitCode === EXIT.refused && why.test(error.message),
    );

  it("A15: begins no log through a link, and starts nothing", async () => {
    const elsewhere = join(folder, "elsewhere");
    const home = join(folder, "home");
    await mkdir(elsewhere);
    await mkdir(home, { mode: 0o700 });
    await symlink(elsewhere, join(home, "logs"));
    await refuses(home, /logs is a symbolic link: move it away/);
    await symlink(home, join(folder, "link"));
    await refuses(join(folder, "link"), /link is a symbolic link/);
    assert.deepEqual(await readdir(elsewhere), []);
    await rm(join(home, "logs"));
    await writeFile(join(home, "logs"), "");
    await refuses(home, /logs is no directory/);
    assert.deepEqual(await readdir(home), ["logs"]);
  });
});
