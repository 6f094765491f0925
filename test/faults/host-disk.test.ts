import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { HearthClient } from "../../src/client/client.ts";
import { isAlive } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";
import { canRun, isRoot, mayRun, SmallDisk } from "../support/root.ts";
import { Rounds } from "../support/rounds.ts";
import { RunningHost } from "../support/running-host.ts";

const DISK = 6 * 2 ** 20;

interface Failure {
  reason: string;
  status: number;
}

/** Leaves no byte free; answers the file to truncate. */
async function fill(disk: string): Promise<string> {
  const ballast = join(disk, "ballast");
  const { bavail, bsize } = await statfs(disk);
  await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOSPC") throw error;
  });
  return ballast;
}

async function onSmallDisk(t: TestContext, body: (disk: string, host: RunningHost) => Promise<void>): Promise<void> {
  const disk = isRoot ? await SmallDisk.mount(DISK) : undefined;
  if (!mayRun(t, "root, to mount a small disk", disk !== undefined) || disk === undefined) return;
  await using _ = disk;
  await using host = await RunningHost.start({}, [], join(disk.path, "home"));
  await body(disk.path, host);
}

/** Appends until it is refused; answers how often it was taken, and the refusal. */
async function appendUntilRefused(
  client: HearthClient,
  session_id: string,
): Promise<{ titles: string[]; failure: Failure }> {
  const titles: string[] = [];
  for (let n = 0; n < 5_000; n++) {
    const title = `${n} ${"x".repeat(150)}`;
    try {
      await client.call("session.title", { session_id, title });
      titles.push(title);
    } catch (error) {
      return { titles, failure: error as Failure };
    }
  }
  throw new Error("nothing was ever refused");
}

describe("a host whose disk is full", () => {
  it("F20: refuses appends with 507, reads and ends processes, and goes on without a restart once there is room", async (t) => {
    await onSmallDisk(t, async (disk, host) => {
      const client = await host.client();
      const { session_id } = await client.call("session.create", { workspace: tmpdir() });
      const child = await client.call("process.start", {
        argv: ["sh", "-c", "echo before; exec sleep 600"],
        session_id,
      });
      // What it says once the disk is full would wait for room.
      const output = async () => (await client.call("process.log", { process_id: child.process_id })).output.trim();
      await eventually("its output is there", async () => (await output()) === "before");
      const rounds = new Rounds(2);
      for (const _ of rounds) {
        const ballast = await fill(disk);
        const { titles, failure } = await appendUntilRefused(client, session_id);
        assert.deepEqual([failure.reason, failure.status], ["storage_full", 507]);
        const { sessions } = await client.call("session.list", {});
        const shown = sessions.find((row) => row.session_id === session_id)?.title;
        if (titles.length > 0) assert.equal(shown, titles.at(-1), "what was taken is there");
        assert.equal(await output(), "before");
        await assert.rejects(client.call("process.start", { argv: ["true"], session_id }), {
          reason: /failed_start|storage_full/,
        });
        await truncate(ballast, 0);
        const freed = performance.now();
        for (;;) {
          const done = await client.call("session.title", { session_id, title: "room again" }).then(
            () => true,
            () => false,
          );
          if (done) break;
          await delay(5);
        }
        rounds.measured(performance.now() - freed);
      }
      // The last time a process is ended while there is no room.
      const ballast = await fill(disk);
      await appendUntilRefused(client, session_id);
      const killing = client.call("process.kill", { process_id: child.process_id, grace: 1 });
      await eventually("it is dead", async () => !(await isAlive(child.pid ?? 0)));
      const unrecorded = await killing;
      assert.equal(unrecorded.status, "running");
      assert.match(unrecorded.note ?? "", /has ended, but that is not written down/);
      const waited = await client.call("process.wait", { process_id: child.process_id, timeout: 0 });
      assert.equal(waited.status, "timeout");
      assert.match(waited.note ?? "", /^It has ended, but that is not written down/);
      await truncate(ballast, 0);
      const end = await client.call("process.wait", { process_id: child.process_id, timeout: 60 });
      assert.deepEqual([end.status, end.completion_reason, end.signal], ["exited", "killed", "SIGTERM"]);
      const after = await client.call("process.start", { argv: ["sh", "-c", "echo after"], session_id });
      assert.equal(
        (await client.call("process.wait", { process_id: after.process_id, timeout: 60 })).output,
        "after\n",
      );
      rounds.report(t, "recovers in");
    });
  });

  it("F21: the end of a process lands, for this host and for the next one", async (t) => {
    await onSmallDisk(t, async (disk, host) => {
      const client = await host.client();
      const { session_id } = await client.call("session.create", { workspace: tmpdir() });
      const start = (code: number) =>
        client.call("process.start", { argv: ["sh", "-c", `read line; exit ${code}`], session_id });
      const [seen, found] = [await start(7), await start(9)];
      const ballast = await fill(disk);
      await appendUntilRefused(client, session_id);
      await client.call("process.submit", { process_id: seen.process_id, data: "go" });
      await client.call("process.submit", { process_id: found.process_id, data: "go" });
      for (const { pid } of [seen, found]) await eventually("it has ended", async () => !(await isAlive(pid ?? 0)));
      await host.kill9();
      await truncate(ballast, 0);
      await host.restart();
      const next = await host.client();
      for (const [{ process_id }, code] of [
        [seen, 7],
        [found, 9],
      ] as const) {
        const end = await next.call("process.wait", { process_id, timeout: 60 });
        assert.deepEqual([end.exit_code, end.completion_reason], [code, "exited"]);
      }
    });
  });
});

/** Runs the host under strace, which lets the syncs of its log fail or take long; others, of files and of keepers, do not. */
async function tamperedHost(
  t: TestContext,
  injection: string,
): Promise<{ host: RunningHost; trace: string; home: string } | undefined> {
  if (!mayRun(t, "strace", canRun("strace", "-V"))) return undefined;
  const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-tampered-")));
  const trace = `${home}.trace`;
  t.after(() => rm(trace, { force: true }));
  const file = join(home, "hearth.db-wal");
  const strace = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", trace, "-P", file];
  const sync = "fsync,fdatasync";
  const host = await RunningHost.start(
    {},
    [...strace, "-e", `trace=${sync}`, "-e", `inject=${sync}:${injection}`],
    home,
  );
  return { host, trace, home };
}

const injectedIn = async (trace: string): Promise<number> =>
  (await readFile(trace, "utf8")).split("\n").filter((line) => /INJECTED|DELAYED/.test(line)).length;

describe("a host whose disk fails", () => {
  it("F22: ends with a word in the crash log, and the next one has all that was acknowledged", async (t) => {
    const rounds = new Rounds(1);
    for (const round of rounds) {
      const tampered = await tamperedHost(t, `error=EIO:when=${40 + (round % 20)}`);
      if (tampered === undefined) return;
      await using host = tampered.host;
      const client = await host.client();
      const { session_id } = await client.call("session.create", { workspace: tmpdir() });
      const kept = await client.call("process.start", { argv: ["cat"], session_id });
      const acked = new Set<string>([session_id]);
      let failure: Failure | undefined;
      for (let n = 0; n < 200 && failure === undefined; n++)
        await client.call("session.create", { workspace: tmpdir() }).then(
          (made) => acked.add(made.session_id),
          (error: Failure) => {
            failure = error;
          },
        );
      const failed = performance.now();
      assert.equal(failure?.reason, "storage_failed");
      await assert.rejects(client.call("session.create", { workspace: tmpdir() }), "nothing is taken after it");
      const code = await host.ended();
      rounds.measured(performance.now() - failed);
      assert.ok(code !== null && code !== 0, `it ended with ${code}`);
      assert.match(await readFile(join(tampered.home, "crash.log"), "utf8"), /can no longer be written/);
      assert.equal(await injectedIn(tampered.trace), 1, "something was injected, and no sync was tried again");
      assert.ok(await isAlive(kept.pid ?? 0), "no process noticed");
      host.through = [];
      await host.restart();
      const next = await host.client();
      const { sessions } = await next.call("session.list", { limit: 1000 });
      const there = new Set(sessions.map((row) => row.session_id));
      assert.deepEqual(
        [...acked].filter((id) => !there.has(id)),
        [],
      );
      await next.call("process.close", { process_id: kept.process_id });
      assert.equal((await next.call("process.wait", { process_id: kept.process_id, timeout: 60 })).exit_code, 0);
    }
    rounds.report(t, "ended after");
  });

  it("F23: with a disk that takes half a second for each sync only acknowledgements are slow", async (t) => {
    const tampered = await tamperedHost(t, "delay_enter=500000");
    if (tampered === undefined) return;
    await using host = tampered.host;
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: tmpdir() });
    const children = await Promise.all(
      Array.from({ length: 3 }, () => client.call("process.start", { argv: ["sleep", "600"], session_id })),
    );
    // Something always waits for the disk.
    let going = true;
    let slowest = 0;
    const acks = (async () => {
      for (let n = 0; going; n++) {
        const begun = performance.now();
        await client.call("session.title", { session_id, title: `${n}` });
        slowest = Math.max(slowest, performance.now() - begun);
      }
    })();
    const rounds = new Rounds(100);
    const other = await host.client();
    await other.call("tools.list", {}); // a new connection is told where the log stands, and reads wait their turn
    for (const _ of rounds) {
      const begun = performance.now();
      await other.call("tools.list", {});
      rounds.measured(performance.now() - begun);
      await delay(5);
    }
    const deaths = await Promise.all(
      children.map(async ({ process_id, pid }) => {
        const begun = performance.now();
        const killing = other.call("process.kill", { process_id });
        await eventually("it is dead", async () => !(await isAlive(pid ?? 0)));
        const dead = Math.round(performance.now() - begun);
        await killing;
        return dead;
      }),
    );
    going = false;
    await acks;
    assert.ok(slowest >= 500, "the disk was slow");
    assert.ok(await injectedIn(tampered.trace), "something was injected");
    t.diagnostic(`acknowledged within ${Math.round(slowest)} ms; dead ${deaths.join(", ")} ms after a kill`);
    rounds.report(t, "an answer beside it");
  });
});
