// Everything of Hearth killed in one moment, as the system does when memory is short: the next host puts it in order.
import assert from "node:assert/strict";
import { readlink, stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { isAlive, processes } from "../../src/keeper/testing/bed.ts";
import type { Result } from "../../src/protocol/methods.ts";
import { eventually } from "../support/eventually.ts";
import { Rounds } from "../support/rounds.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const KEPT = 5;
const LOST = 10;
type Row = Result<"process.list">["processes"][number];

/** Whose parent is whose, at one moment. */
async function parents(): Promise<(pid: number) => number> {
  const all = new Map((await processes()).map((one) => [one.pid, one.parent]));
  return (pid) => all.get(pid) ?? 0;
}
const kill = (pid: number): void => {
  assert.ok(pid > 1);
  process.kill(pid, "SIGKILL");
};

/** The host's launcher: its only child that is the keeper program. */
async function launcherOf(host: RunningHost): Promise<number> {
  const found = (await processes()).filter((one) => one.parent === host.pid && one.command.includes("keeper"));
  assert.equal(found.length, 1, "one launcher");
  return found[0]?.pid ?? 0;
}

/** I5: what is said to run runs, what is said to have ended does not, and nothing runs that nobody speaks of. */
async function violations(rows: readonly Row[], tag: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const row of rows) {
    const lives = await isAlive(row.pid ?? 0);
    if (row.status === "running" && !lives) wrong.push(`${row.process_id} is said to run`);
    if (row.status !== "running" && lives) wrong.push(`${row.process_id} is ${row.status} and lives`);
  }
  const recorded = new Set(rows.filter((row) => row.status === "running").map((row) => row.pid));
  const parent = await parents();
  for (const one of await processes()) {
    if (!one.command.includes(tag) || one.state === "Z") continue;
    if (!recorded.has(one.pid) && !recorded.has(parent(one.pid))) wrong.push(`${one.pid} (${one.command}) is nobody's`);
  }
  return wrong;
}

describe("a host killed together with its launcher and ten keepers", () => {
  it("F04, P33: is followed by one that has everything in order within two seconds, and answers for each process once", async (t) => {
    const rounds = new Rounds(2);
    await using host = await RunningHost.start();
    const client = await host.client();
    for (const round of rounds) {
      const tag = `4${round}.${process.pid}`;
      const { session_id } = await client.call("session.create", {});
      using watched = new Watched(client, session_id);
      for (let n = 0; n < KEPT + LOST; n++) {
        // A shell with a child of its own; every third one has an escapee too.
        const script = `${n % 3 === 0 ? `setsid sleep ${tag} & ` : ""}sleep ${tag} & echo up; read go; echo heard; exit ${n}`;
        const mode = n % 2 === 0 ? "pipe" : "pty";
        await rpc(host, "process.start", { argv: ["/bin/sh", "-c", script], session_id, mode });
      }
      const of = async () => (await rpc(host, "process.list", { session_id })).processes.toReversed();
      await eventually("all are up", async () => (await of()).every((row) => row.tail.includes("up")));
      const rows = await of();
      const parent = await parents();
      const keepers = rows.map((row) => parent(row.pid ?? 0));
      const launcher = await launcherOf(host);
      for (const pid of [launcher, ...keepers.slice(KEPT)]) kill(pid);
      await host.kill9();

      await host.restart();
      const began = performance.now();
      let wrong = await violations(await of(), tag);
      while (wrong.length > 0 && performance.now() - began < 2_000) wrong = await violations(await of(), tag);
      assert.deepEqual(wrong, [], "in order after two seconds");
      rounds.measured(performance.now() - began);

      const after = await of();
      assert.deepEqual(
        after.map((row) => [row.process_id, row.status, row.exit_code]),
        rows.map((row, n) => [row.process_id, n < KEPT ? "running" : "lost", null]),
      );
      for (const [n, row] of after.slice(0, KEPT).entries()) {
        await rpc(host, "process.submit", { process_id: row.process_id, data: "" });
        const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 60 });
        assert.deepEqual([end.status, end.exit_code], ["exited", n]);
        assert.match(end.output, /^up\n[\s\S]*heard\n$/);
      }
      await watched.seen("process.ended", KEPT + LOST);
      await rpc(host, "process.kill_all", { session_id });
      await watched.seen("process.closed", KEPT);
      assert.deepEqual(await violations(await of(), tag), []);
      const ended = watched.of("process.ended").map((event) => (event.payload as { process_id: string }).process_id);
      assert.equal(new Set(ended).size, KEPT + LOST);
      assert.equal(ended.length, KEPT + LOST, "each end once");
    }
    rounds.report(t, "in order after");
  });
});

describe("one keeper of many killed", () => {
  it("F03: costs its own process and no other, at once", async (t) => {
    const rounds = new Rounds(3);
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", {});
    using watched = new Watched(client, session_id);
    for (let n = 0; n < 20; n++) await rpc(host, "process.start", { argv: ["cat"], session_id });
    const running = async () =>
      (await rpc(host, "process.list", { session_id })).processes.filter((row) => row.status === "running");
    for (const round of rounds) {
      const before = await running();
      const victim = before[round % before.length];
      assert.ok(victim);
      kill((await parents())(victim.pid ?? 0));
      const began = performance.now();
      await watched.seen("process.ended", round + 1);
      rounds.measured(performance.now() - began);
      const end = watched.of("process.ended").at(-1)?.payload as { process: Row };
      assert.deepEqual([end.process.process_id, end.process.status], [victim.process_id, "lost"]);
      assert.equal((await running()).length, before.length - 1);
      await rpc(host, "process.start", { argv: ["cat"], session_id });
    }
    for (const row of await running()) {
      await rpc(host, "process.submit", { process_id: row.process_id, data: "still here" });
      await rpc(host, "process.close", { process_id: row.process_id });
      const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 60 });
      assert.deepEqual([end.exit_code, end.output], [0, "still here\n"]);
    }
    rounds.report(t, "told after");
  });
});

describe("many short processes", () => {
  it("F13: leave no zombie, no keeper, and no file open in the host", async (t) => {
    const rounds = new Rounds(3);
    await using host = await RunningHost.start();
    const launcher = await launcherOf(host);
    const openFiles = async () => (await stat(`/proc/${host.pid}/fd`)).size;
    const ours = async () => {
      const all = await processes();
      const heads = new Set([host.pid, launcher]);
      return all.filter((one) => heads.has(one.parent) && one.pid !== launcher);
    };
    let most = 0;
    let files = 0;
    for (const round of rounds) {
      const batch = Array.from({ length: 50 }, (_, n) =>
        // Orphans too: the second one's parent is gone before it is.
        rpc(host, "process.start", { argv: ["/bin/sh", "-c", `(true & true &) ; exit ${n}`] }),
      );
      for (const [n, row] of (await Promise.all(batch)).entries()) {
        most = Math.max(most, (await ours()).filter((one) => one.state === "Z").length);
        const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 60 });
        assert.equal(end.exit_code, n);
      }
      if (round === 0) files = await openFiles();
    }
    await eventually("no zombie and no keeper is left", async () => (await ours()).length === 0);
    await eventually("no keeper is left", async () => {
      const all = await processes();
      // Each stands in its child's directory.
      const places = all.map((one) => readlink(`/proc/${one.pid}/cwd`).catch(() => ""));
      return (await Promise.all(places)).every((place) => !place.startsWith(host.home));
    });
    // Spools are kept open a few seconds for those who read on; what grows with the number of processes would be a leak.
    await eventually("files are closed", async () => (await openFiles()) <= Math.max(files, 40) + 10);
    t.diagnostic(`zombies at most ${most}, at the end 0`);
    rounds.report(t, "");
  });
});
