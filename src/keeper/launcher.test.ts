import assert from "node:assert/strict";
import { copyFile, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { FailedStart, Keepers } from "./keepers.ts";
import { Launcher } from "./launcher.ts";
import { binaries } from "./testing/bed.ts";

describe("a launcher that cannot be run", () => {
  it("F25: ends no host that runs, also where its failure is thrown and not told", async () => {
    const home = await mkdtemp(path.join(tmpdir(), "hearth-launcher-"));
    const binary = path.join(home, "keeper");
    await writeFile(binary, "#!/bin/sh\nread line\nexit 1\n", { mode: 0o755 });
    const launcher = new Launcher(binary, 0);
    try {
      await symlink(binary, `${binary}.new`);
      await rename(`${binary}.new`, binary); // leads to itself now
      const reply = await launcher.start(path.join(home, "proc_000000000000"));
      assert.deepEqual(reply, { ok: false, step: "launcher", errno: "ELOOP" });
    } finally {
      launcher.close();
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  });

  it("P5: fails the starts that wait for it, and those that come before the next one are started by that", async () => {
    const home = await mkdtemp(path.join(tmpdir(), "hearth-launcher-"));
    const binary = path.join(home, "keeper");
    await writeFile(binary, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const keepers = await Keepers.open({ childrenDir: path.join(home, "children"), binary });
    const start = (id: string) =>
      keepers.start({ id, argv: ["true"], env: { PATH: "/usr/bin:/bin" }, cwd: home, mode: "pipe" });
    try {
      await assert.rejects(start("one"), (error) => error instanceof FailedStart && error.step === "launcher");
      await copyFile(await binaries.ordinary(), `${binary}.new`);
      await rename(`${binary}.new`, binary);
      const child = await start("two");
      assert.equal((await child.exited).kind, "exited");
      await child.closed;
    } finally {
      await keepers.close();
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  });
});
