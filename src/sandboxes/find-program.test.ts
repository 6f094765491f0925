import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import { PROBE, remedyFor } from "./bubblewrap-probe.ts";
import { findProgram } from "./find-program.ts";

describe("a program of this machine", () => {
  let base: string;
  const [first, second] = ["first", "second"] as const;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "hearth-programs-"));
    for (const folder of [first, second]) await mkdir(join(base, folder));
    await mkdir(join(base, first, "tool"));
    await writeFile(join(base, first, "other"), "#!/bin/sh\n", { mode: 0o644 });
    for (const name of ["tool", "other"]) {
      await writeFile(join(base, second, name), "#!/bin/sh\n");
      await chmod(join(base, second, name), 0o755);
    }
  });
  after(() => rm(base, { recursive: true }));

  it("is the first file of that name that can be run: no folder, and nothing that is only read", async () => {
    const search = `${join(base, first)}::${join(base, second)}`;
    assert.equal(await findProgram("tool", search), join(base, second, "tool"));
    assert.equal(await findProgram("other", search), join(base, second, "other"));
    assert.equal(await findProgram("nothing", search), undefined);
    assert.equal(await findProgram("tool", join(base, first)), undefined);
  });

  it("is taken as it is with a slash, and never looked for in a folder that depends on where one is", async () => {
    const file = join(base, second, "tool");
    assert.equal(await findProgram(file, ""), file);
    assert.equal(await findProgram(join(base, first, "tool"), ""), undefined);
    assert.equal(await findProgram("tool", relative(process.cwd(), join(base, second))), undefined);
  });
});

describe("bubblewrap that may not be used", () => {
  it("is told from bubblewrap that fails for another reason", () => {
    for (const said of [
      "bwrap: No permissions to create new namespace",
      "bwrap: setting up uid map: Permission denied",
    ])
      assert.match(remedyFor(said) ?? "", /user namespaces/);
    assert.equal(remedyFor("bwrap: Can't mount proc on /newroot/proc: Device or resource busy"), undefined);
    assert.equal(PROBE.at(-1), "/bin/true");
  });
});
