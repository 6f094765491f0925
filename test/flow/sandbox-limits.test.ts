// Limits of a container, which are not the host's to look at: it is told from inside which one was hit.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { defaultOutFile } from "../../native/compile.mjs";
import { Limits, NO_LIMITS } from "../../src/limits/limits.ts";
import type { Payload } from "../../src/protocol/events.ts";
import type { ProcessRow } from "../../src/protocol/rows.ts";
import { missing, podman, section, testImage } from "../support/backends.ts";
import { eventually } from "../support/eventually.ts";
import { recordingEngine } from "../support/recording-engine.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

/** Takes twice as much each time, until it may not. */
const HOG = "x=a; while :; do x=$x$x; done";
const BOMB = "f(){ f|f& }; f; sleep 600";

interface Asked {
  memory_bytes?: number;
  pids?: number;
}

describe("a container's limit", () => {
  let folder: string;
  let host: RunningHost;
  let limits: Limits;
  let why: string | undefined;
  const made = new AsyncDisposableStack();

  before(async () => {
    why = await missing("container");
    if (why !== undefined) return;
    folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-sandbox-limits-")));
    made.defer(() => rm(folder, { recursive: true, force: true }));
    const home = join(folder, "home");
    await mkdir(home, { mode: 0o700 });
    await mkdir(join(folder, "work"));
    limits = made.use(await Limits.open({ home: folder }));
    const image = await testImage();
    await writeFile(
      join(home, "config.toml"),
      section("pod", { kind: "container", network: false, ...podman, image }),
      {
        mode: 0o600,
      },
    );
    host = made.use(await RunningHost.start({}, [], home));
  });
  after(() => made.disposeAsync());

  const possible = (t: TestContext): boolean => {
    const none = limits?.offered.controllers.length === 3 ? undefined : "it does not give its control groups";
    if ((why ?? none) === undefined) return true;
    t.skip(why ?? none);
    return false;
  };
  async function start(script: string, asked: Asked, sandbox = "pod") {
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: join(folder, "work") });
    const watched = new Watched(client, session_id);
    const argv = ["/bin/sh", "-c", script];
    const row = await client.call("process.start", { argv, session_id, sandbox, limits: asked });
    assert.equal(row.limits?.enforced, true);
    return { client, watched, id: row.process_id, session_id, [Symbol.dispose]: () => watched[Symbol.dispose]() };
  }
  const ended = (watched: Watched): ProcessRow => {
    const { payload } = watched.of("process.ended")[0] ?? {};
    return (payload as Payload<"process.ended">).process;
  };
  const hit = (watched: Watched): Payload<"process.limited"> =>
    watched.of("process.limited")[0]?.payload as Payload<"process.limited">;

  it("F12, A49: of memory is named as what killed a process, in its row, an event and the words for its agent", async (t) => {
    if (!possible(t)) return;
    using hog = await start(HOG, { memory_bytes: 40_000_000 });
    await hog.watched.seen("process.ended");
    const row = ended(hog.watched);
    assert.deepEqual(
      [row.signal, row.limit_hit, row.reason],
      ["SIGKILL", "memory", "killed by the memory limit of 40 MB"],
    );
    const { limit, scope, value } = hit(hog.watched);
    assert.deepEqual([limit, scope, value], ["memory", "process", 40_000_000]);
    const types = hog.watched.events.map(({ type }) => type).filter((type) => type.startsWith("process."));
    assert.deepEqual(types.slice(0, 3), ["process.started", "process.limited", "process.ended"]);
  });

  it("F12, A49: of memory is told of a process that goes on without what was killed, and of none that is only ended", async (t) => {
    if (!possible(t)) return;
    using parent = await start(`(${HOG}); exit 3`, { memory_bytes: 40_000_000 });
    using fine = await start("kill -9 $$", { memory_bytes: 40_000_000, pids: 50 });
    await parent.watched.seen("process.ended");
    const row = ended(parent.watched);
    assert.deepEqual(
      [row.exit_code, row.limit_hit, row.reason],
      [3, "memory", "something it started was killed by the memory limit of 40 MB"],
    );
    await fine.watched.seen("process.ended");
    const { signal, limit_hit, reason } = ended(fine.watched);
    assert.deepEqual([signal, limit_hit, reason], ["SIGKILL", null, null]);
  });

  it("F12, A49: of processes is told while a fork bomb runs into it, and a kill leaves nothing of that", async (t) => {
    if (!possible(t)) return;
    using bomb = await start(BOMB, { pids: 60 });
    await bomb.watched.seen("process.limited");
    const { limit, value } = hit(bomb.watched);
    assert.deepEqual([limit, value], ["pids", 60]);
    assert.equal((await bomb.client.call("process.poll", { process_id: bomb.id })).limit_hit, "pids");
    await bomb.client.call("process.kill", { process_id: bomb.id, grace: 0.2 });
    await bomb.watched.seen("process.ended");
    const row = ended(bomb.watched);
    assert.deepEqual([row.status, row.reason], ["killed", "it ran into the limit of 60 processes"]);
  });

  it("F12, A49: is known of processes that a next host has found again, whether they had ended or not", async (t) => {
    if (!possible(t)) return;
    using first = await start(`read go; ${HOG}`, { memory_bytes: 40_000_000 });
    using second = await start(`read go; ${BOMB}`, { pids: 60 });
    // Nobody is there when the first one runs into its limit.
    await first.client.call("process.submit", { process_id: first.id, data: "go" });
    await host.kill9();
    await host.restart();
    const client = await host.client();
    const row = await client.call("process.wait", { process_id: first.id, timeout: 60 });
    const told = await client.call("process.poll", { process_id: first.id });
    assert.deepEqual(
      [row.exit_code, told.limit_hit, told.reason],
      [-9, "memory", "killed by the memory limit of 40 MB"],
    );
    await client.call("process.submit", { process_id: second.id, data: "go" });
    const poll = () => client.call("process.poll", { process_id: second.id });
    await eventually("the next host is told", async () => (await poll()).limit_hit === "pids");
    await client.call("process.kill", { process_id: second.id, grace: 0.2 });
  });
});

describe("a limit of a container of Docker's", () => {
  it("F12, A49: is told of as one of Podman's (by a stand-in that puts its containers into real control groups)", async (t) => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-docker-limits-")));
    await using made = new AsyncDisposableStack();
    made.defer(() => rm(folder, { recursive: true, force: true }));
    const limits = made.use(await Limits.open({ home: folder }));
    if (limits.offered.controllers.length !== 3) return t.skip("this machine does not give its control groups");
    const groupsFor = async (id: string, child: Asked): Promise<string[]> => {
      const all = { mode: "required", child: { ...NO_LIMITS, pids: undefined, ...child }, session: NO_LIMITS } as const;
      const { groups } = await limits.prepare({ id, session_id: "docker" }, all);
      made.defer(async () => {
        await limits.empty(groups);
        limits.release(groups);
      });
      return groups;
    };
    const home = join(folder, "home");
    await mkdir(home, { mode: 0o700 });
    await mkdir(join(folder, "work"));
    const cases = [
      { name: "memory", asked: { memory_bytes: 40_000_000 }, script: HOG },
      { name: "pids", asked: { pids: 60 }, script: BOMB },
    ] as const;
    const sections: string[] = [];
    for (const { name, asked } of cases) {
      await mkdir(join(folder, name));
      const groups = await groupsFor(`proc_${name}`, asked);
      const { program } = await recordingEngine(join(folder, name), defaultOutFile, groups);
      sections.push(section(name, { kind: "container", program, image: "alpine:3" }));
    }
    await writeFile(join(home, "config.toml"), sections.join("\n"), { mode: 0o600 });
    const host = made.use(await RunningHost.start({}, [], home));
    const client = await host.client();
    const reasons = {
      memory: "killed by the memory limit of 40 MB",
      pids: "it ran into the limit of 60 processes",
    };
    for (const { name, asked, script } of cases) {
      const argv = ["/bin/sh", "-c", script];
      const cwd = join(folder, "work");
      const { process_id } = await client.call("process.start", { argv, cwd, sandbox: name, limits: asked });
      const poll = () => client.call("process.poll", { process_id });
      await eventually(`${name} is told`, async () => (await poll()).limit_hit === name);
      if (name === "pids") await client.call("process.kill", { process_id, grace: 0.2 });
      await client.call("process.wait", { process_id, timeout: 60 });
      assert.equal((await poll()).reason, reasons[name]);
    }
  });
});
