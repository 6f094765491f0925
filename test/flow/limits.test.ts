import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Payload } from "../../src/protocol/events.ts";
import { eventually } from "../support/eventually.ts";
import { canRun, isRoot, mayRun } from "../support/root.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const MIB = 2 ** 20;

async function limitedHost(t: TestContext, env: Record<string, string>): Promise<RunningHost | undefined> {
  const host = await RunningHost.start(env);
  const { limits } = await (await host.client()).call("host.status", {});
  if (limits.controllers.length === 3) return host;
  await host[Symbol.asyncDispose]();
  t.skip(`this machine does not give its control groups: ${limits.why}`); // no program that could be installed
  return undefined;
}

/** The groups of this home that are there now, below its places. */
async function groupsOf(home: string): Promise<string[]> {
  const bases = (await readFile(join(home, "control-groups"), "utf8")).split("\n").filter(Boolean);
  const found: string[] = [];
  for (const base of bases) {
    const entries = await readdir(base, { withFileTypes: true, recursive: true }).catch(() => []);
    found.push(...entries.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name)));
  }
  return found;
}

describe("a host that limits its processes", () => {
  it("A49: says which limit ended a process: in its row, an event, and the words its agent is told", async (t) => {
    const host = await limitedHost(t, { HEARTH_PROCESSES_MEMORY_BYTES: "256 MiB", HEARTH_PROCESSES_PIDS: "100" });
    if (host === undefined) return;
    await using _ = host;
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    using watched = new Watched(client, session_id);
    const start = (argv: string[], limits?: { memory_bytes?: number; pids?: number }) =>
      client.call("process.start", { argv, session_id, notify_on_complete: true, ...(limits && { limits }) });
    const hog = await start(["sh", "-c", "exec tail /dev/zero"], { memory_bytes: 64 * MIB, pids: 5_000 });
    assert.deepEqual(hog.limits, { memory_bytes: 64 * MIB, cpus: null, pids: 100, enforced: true });
    assert.deepEqual(hog.notes, ["It may have 100 processes, not the 5000 processes asked for."]);
    await watched.seen("notice");
    const limited = watched.of("process.limited")[0]?.payload as Payload<"process.limited">;
    assert.deepEqual([limited.limit, limited.scope, limited.value], ["memory", "process", 64 * MIB]);
    const ended = watched.of("process.ended")[0]?.payload as Payload<"process.ended">;
    const row = ended.process;
    assert.deepEqual([row.signal, row.limit_hit], ["SIGKILL", "memory"]);
    assert.equal(row.reason, "killed by the memory limit of 64 MiB");
    const notice = watched.of("notice")[0]?.payload as Payload<"notice">;
    assert.match(notice.text, /killed by the memory limit of 64 MiB/);
    // In order: what it ran into before its end.
    const types = watched.events.map(({ type }) => type).filter((type) => type.startsWith("process."));
    assert.deepEqual(types.slice(0, 3), ["process.started", "process.limited", "process.ended"]);
    await eventually("its groups are gone", async () => (await groupsOf(host.home)).length === 0);
  });

  it("A49: holds a session's processes and terminals together below its limit", async (t) => {
    const host = await limitedHost(t, { HEARTH_SESSIONS_PIDS: "30" });
    if (host === undefined) return;
    await using _ = host;
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const sleepers = "i=0; while [ $i -lt 12 ]; do sleep 600 & i=$((i+1)); done; wait";
    await client.call("terminal.open", { session_id, name: "main" });
    for (let n = 0; n < 2; n++) await client.call("process.start", { argv: ["sh", "-c", sleepers], session_id });
    const third = await client.call("process.start", { argv: ["sh", "-c", sleepers], session_id });
    await client.call("process.wait", { process_id: third.process_id, timeout: 60 });
    const row = await client.call("process.poll", { process_id: third.process_id });
    assert.deepEqual([row.limit_hit, row.reason], ["pids", "it ran into the session's limit of 30 processes"]);
    // Other sessions have their own.
    const other = await client.call("session.create", { workspace: host.home });
    const free = await client.call("process.start", {
      argv: ["sh", "-c", "true & wait; echo fine"],
      session_id: other.session_id,
    });
    assert.equal((await client.call("process.wait", { process_id: free.process_id, timeout: 60 })).output, "fine\n");
  });

  it("A49: a next host goes on: limits hold, hits are noticed, groups go when nobody needs them", async (t) => {
    const host = await limitedHost(t, { HEARTH_PROCESSES_PIDS: "20" });
    if (host === undefined) return;
    await using _ = host;
    const client = await host.client();
    const start = (script: string) => client.call("process.start", { argv: ["sh", "-c", script] });
    const ends = await start("read line; exit 3");
    const lives = await start("read line; i=0; while [ $i -lt 40 ]; do sleep 600 & i=$((i+1)); done; wait");
    assert.equal((await groupsOf(host.home)).filter((group) => /proc_\w+$/.test(group)).length, 2);
    await client.call("process.submit", { process_id: ends.process_id, data: "go" });
    await host.kill9();
    await host.restart();
    const next = await host.client();
    const gone = (id: string) => async () => (await groupsOf(host.home)).every((group) => !group.endsWith(id));
    await eventually("what ended meanwhile has no group", gone(ends.process_id));
    await next.call("process.submit", { process_id: lives.process_id, data: "go" });
    const poll = () => next.call("process.poll", { process_id: lives.process_id });
    await eventually("the next host notices", async () => (await poll()).limit_hit === "pids");
    await next.call("process.kill", { process_id: lives.process_id, grace: 1 });
    await eventually("its group is gone", gone(lives.process_id));
  });

  it("A49: starts nothing without its limits where they are required", async () => {
    await using host = await RunningHost.start({
      HEARTH_PROCESSES_LIMITS: "required",
      HEARTH_PROCESSES_MEMORY_BYTES: "64 MiB",
    });
    const client = await host.client();
    const { limits } = await client.call("host.status", {});
    const start = client.call("process.start", { argv: ["echo", "limited"] });
    if (limits.controllers.includes("memory")) assert.equal((await start).limits?.enforced, true);
    else await assert.rejects(start, { reason: "not_supported" });
  });

  it("A49: without control groups runs everything, and says in each row and of itself that nothing is limited", async (t) => {
    const without = 'umount -l -R /sys/fs/cgroup && exec "$0" "$@"';
    if (!mayRun(t, "root and unshare", isRoot && canRun("unshare", "-m", "sh", "-c", without, "true"))) return;
    await using host = await RunningHost.start({ HEARTH_PROCESSES_CPUS: "1" }, ["unshare", "-m", "sh", "-c", without]);
    const client = await host.client();
    const { limits } = await client.call("host.status", {});
    assert.deepEqual(limits, { kind: "none", controllers: [], why: "this machine has no control groups" });
    const row = await client.call("process.start", { argv: ["echo", "runs"] });
    assert.deepEqual(row.limits, { memory_bytes: null, cpus: 1, pids: null, enforced: false });
    assert.deepEqual(row.notes, ["Its limits are not enforced: this machine has no control groups."]);
    assert.equal((await client.call("process.wait", { process_id: row.process_id, timeout: 60 })).output, "runs\n");
  });

  it("P39: a wrong limit is named and passed over", async () => {
    await using host = await RunningHost.start({ HEARTH_PROCESSES_MEMORY_BYTES: "much", HEARTH_PROCESSES_CPUS: "-1" });
    // They may be read after the line on standard output that says it is up.
    const said = (words: RegExp) => eventually(String(words), () => words.test(host.complaints));
    await said(/HEARTH_PROCESSES_MEMORY_BYTES is "much": it takes a number of bytes/);
    await said(/HEARTH_PROCESSES_CPUS is -1: it takes a number from 0.01 to 4096/);
    const client = await host.client();
    const { process_id } = await client.call("process.start", { argv: ["echo", "runs"] });
    assert.equal((await client.call("process.wait", { process_id, timeout: 60 })).output, "runs\n");
  });
});

describe("a host with room for few processes", () => {
  it("A49: refuses one more with 429 and what to do, of one session and in all, until one has ended", async () => {
    await using host = await RunningHost.start({ HEARTH_PROCESSES_RUNNING: "4", HEARTH_SESSIONS_RUNNING: "2" });
    const client = await host.client();
    const [one, two] = [await client.call("session.create", {}), await client.call("session.create", {})];
    const start = (session_id?: string) =>
      client.call("process.start", { argv: ["sleep", "600"], ...(session_id !== undefined && { session_id }) });
    const first = await start(one.session_id);
    // All at once: no two may take the same place.
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => start(one.session_id)));
    assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(start(one.session_id), {
      reason: "too_many",
      status: 429,
      message: /2 processes of this session run already: end some first/,
    });
    await start(two.session_id);
    await start();
    await assert.rejects(start(), { reason: "too_many", message: /4 processes run already: end some first/ });
    // A start that fails takes no place, and one that ends gives its own back; a next host counts the same.
    await client.call("process.kill", { process_id: first.process_id, grace: 1 });
    await assert.rejects(client.call("process.start", { argv: ["no-such-program"] }), { reason: "failed_start" });
    await start(one.session_id);
    await host.kill9();
    await host.restart();
    const next = await host.client();
    await assert.rejects(next.call("process.start", { argv: ["true"] }), { reason: "too_many" });
  });
});
