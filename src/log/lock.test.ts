import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { HomeLocked, lockHome } from "./lock.ts";

const fixture = fileURLToPath(new URL("./fixtures/lock-holder.ts", import.meta.url));

describe("the lock of a home", () => {
  let home: string;
  let holder: ChildProcess | undefined;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-lock-"));
  });
  afterEach(async () => {
    if (holder && holder.exitCode === null && holder.signalCode === null) {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    holder = undefined;
    await rm(home, { recursive: true });
  });

  async function hold(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [fixture, home], { stdio: ["ignore", "pipe", "inherit"] });
    holder = child;
    await once(child.stdout, "data");
    return child;
  }

  it("is held by one process, and tells the next who and where that is", async () => {
    const { pid } = await hold();
    await writeFile(join(home, "host.json"), JSON.stringify({ pid, address: "http://127.0.0.1:4327", build: "x" }));
    await assert.rejects(lockHome(home), (error) => {
      assert.ok(error instanceof HomeLocked);
      assert.deepEqual(error.holder, { pid, address: "http://127.0.0.1:4327" });
      return /in use by the host with pid \d+ at http:\/\/127\.0\.0\.1:4327/.test(error.message);
    });
  });

  it("does not take an old host.json's word for who holds it", async () => {
    const { pid } = await hold();
    await writeFile(join(home, "host.json"), JSON.stringify({ pid: 1, address: "http://127.0.0.1:1" }));
    await assert.rejects(
      lockHome(home),
      (error) => error instanceof HomeLocked && error.holder.pid === pid && error.holder.address === undefined,
    );
    await writeFile(join(home, "host.json"), "{ torn");
    await assert.rejects(lockHome(home), HomeLocked);
  });

  it("tells when the home is removed, or another comes in its place", async () => {
    const removed = await lockHome(home, 5);
    await rm(home, { recursive: true });
    await removed.lost;
    await removed[Symbol.asyncDispose]();
    const replaced = await lockHome(home, 5);
    await rename(home, `${home}-before`);
    await using _other = await lockHome(home);
    await replaced.lost;
    await replaced[Symbol.asyncDispose]();
    await rm(`${home}-before`, { recursive: true });
  });

  it("F05: is held while its holder is stopped, and free once it is killed", async () => {
    const child = await hold();
    child.kill("SIGSTOP");
    await assert.rejects(lockHome(home), HomeLocked);
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = await lockHome(home);
    await assert.rejects(lockHome(home), (error) => error instanceof HomeLocked && error.holder.pid === process.pid);
    await lock[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    await (await lockHome(home))[Symbol.asyncDispose]();
  });
});
