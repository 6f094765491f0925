import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { chooseShell, interactive } from "./shell.ts";

describe("the shell of a person", () => {
  let folder = "";
  const at = (...names: string[]): string => path.join(folder, ...names);
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "hearth-shell-"));
    await mkdir(at("one", "zsh"), { recursive: true });
    await mkdir(at("two"));
    for (const name of ["mine", "two/zsh", "one/bash"]) await writeFile(at(name), "", { mode: 0o755 });
    await writeFile(at("no-program"), "", { mode: 0o644 });
  });
  after(() => rm(folder, { recursive: true }));

  it("T2: is $SHELL, if that is a program", async () => {
    const PATH = at("two");
    assert.equal(await chooseShell({ SHELL: at("mine"), PATH }), at("mine"));
    for (const SHELL of [folder, at("no-program"), at("nowhere"), "mine", ""])
      assert.equal(await chooseShell({ SHELL, PATH }), at("two", "zsh"), SHELL);
  });
  it("T2: is else the first of zsh, bash and sh in PATH, wherever there; where there is none, /bin/sh", async () => {
    assert.equal(await chooseShell({ PATH: `${at("one")}:${at("two")}` }), at("two", "zsh"));
    assert.equal(await chooseShell({ PATH: `relative::${at("one")}` }), at("one", "bash"));
    assert.equal(await chooseShell({ PATH: at("nowhere") }), "/bin/sh");
    assert.equal(await chooseShell({}), "/bin/sh");
  });
  it("T2: is told that a person types into it only if it is known to understand that", () => {
    assert.deepEqual(interactive("/usr/bin/zsh"), ["/usr/bin/zsh", "-i"]);
    assert.deepEqual(interactive("/usr/bin/fish"), ["/usr/bin/fish"]);
  });
});
