import assert from "node:assert/strict";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import type { Child } from "../keeper/keepers.ts";
import { freshBook, toFacts } from "./record.ts";
import { SmallHost } from "./testing/small-host.ts";

const agent = { owner: "agent" } as const;
const go = (file: string) => `while [ ! -e ${file} ]; do sleep 0.02; done`;

/** Resolves when `there` says so; processes that nobody watches leave no other trace than their files. */
function until(there: () => Promise<boolean>): Promise<void> {
  return eventually("what it is to leave is there", there);
}

/** Its keeper has written that down; before there is an end, the file is there and empty of it. */
const recorded = (host: SmallHost, id: string, what: "exit" | "closed"): Promise<void> =>
  eventually(`its ${what} is written down`, async () =>
    (await readFile(path.join(host.home, "state/children", id, what), "latin1")).includes("\nend\n"),
  );

/** A child whose end is known to nobody before `reached`. */
function withLateEnd(child: Child, reached: Promise<void>): Child {
  const late = {
    exited: reached.then(() => child.exited),
    closed: reached.then(() => child.closed),
  };
  return new Proxy(child, {
    get(target, name) {
      const value: unknown = Reflect.get(name in late ? late : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("processes over a restart of the host", () => {
  it("P32: one that runs on keeps its output, its stdin and its exact exit code", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_32";
    const command = `echo before; ${go("go")}; echo meanwhile; read line; echo got $line; exit 7`;
    const { process_id, pid } = await host.processes.start({ ...agent, command, cwd: host.home, session_id });
    await host.processes.attach(process_id).spool.grown(0, AbortSignal.timeout(60_000));
    await host.down();
    await writeFile(path.join(host.home, "go"), "");
    await host.up();
    const found = host.processes.get(process_id);
    assert.deepEqual([found.status, found.recovered, found.pid, found.owner], ["running", true, pid, "agent"]);
    assert.equal(host.processes.running(), 1);
    await host.processes.submit(process_id, "it");
    const end = await host.processes.wait(process_id, {});
    assert.deepEqual([end.exit_code, end.output], [7, "before\nmeanwhile\ngot it\n"]);
    assert.equal((await host.events("session/ses_32", "process.started")).length, 1);
  });

  it("P32: an end that cannot be known yet, as on a far machine that is cut off, holds up no host, and is told later", async () => {
    await using host = await SmallHost.start();
    const { process_id } = await host.processes.start({ ...agent, command: `${go("go")}; exit 3`, cwd: host.home });
    await host.down();
    await writeFile(path.join(host.home, "go"), "");
    await recorded(host, process_id, "closed");
    const reached = Promise.withResolvers<void>();
    host.seen = (child) => withLateEnd(child, reached.promise);
    host.settings = { ...host.settings, recoverMs: 50 };
    await host.up();
    assert.equal(host.processes.get(process_id).status, "running");
    reached.resolve();
    const end = await host.processes.wait(process_id, {});
    assert.deepEqual([end.status, end.exit_code], ["exited", 3]);
  });

  it("P32: one that ended while the host was down is told exactly once, with its notice and its true code", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_down";
    const command = `${go("go")}; echo the end > out; echo the end; exit 9`;
    const row = await host.processes.start({ ...agent, command, cwd: host.home, session_id, notify_on_complete: true });
    await host.down();
    await writeFile(path.join(host.home, "go"), "");
    await recorded(host, row.process_id, "closed");
    for (let restart = 0; restart < 3; restart++) {
      await host.up();
      const end = await host.processes.wait(row.process_id, {});
      assert.deepEqual([end.status, end.exit_code, end.output], ["exited", 9, "the end\n"]);
      assert.equal((await host.events("session/ses_down", "process.ended")).length, 1);
      assert.equal((await host.events("session/ses_down", "notice")).length, 1);
      await host.event("session/ses_down", "process.closed");
      await host.down();
    }
    await host.up();
    const events = await host.log.read("session/ses_down", 0, 100);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["process.started", "process.ended", "notice", "process.closed"],
    );
  });

  it("P33: a recovered one is still watched; each match is told once", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_watch";
    const command = `echo hit 1; ${go("go1")}; echo hit 2; printf 'hit '; ${go("go2")}; echo 3; echo hit 4`;
    const request = { ...agent, command, cwd: host.home, session_id, watch_patterns: ["hit"] };
    const { process_id } = await host.processes.start(request);
    await host.event("session/ses_watch", "process.matched");
    await writeFile(path.join(host.home, "go1"), "");
    await until(async () => (await host.processes.tail(process_id, 100)).endsWith("hit "));
    await host.down();
    await writeFile(path.join(host.home, "go2"), "");
    await host.up();
    await host.processes.wait(process_id, {});
    const matches = await host.events("session/ses_watch", "process.matched");
    assert.deepEqual(
      matches.flatMap(({ payload }) => payload.lines),
      ["hit 1", "hit 2", "hit 3", "hit 4"],
    );
    assert.equal(host.processes.get(process_id).watch_hits, 4);
  });

  it("P28: what a straggler printed after an exit that nobody watched is no match, what came before it is", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_after";
    const command = `(${go("go2")}; echo word too late; touch printed) & ${go("go1")}; echo word in time; exit 4`;
    const request = { ...agent, command, cwd: host.home, session_id, watch_patterns: ["word"] };
    const { process_id } = await host.processes.start(request);
    await host.down();
    await writeFile(path.join(host.home, "go1"), "");
    await recorded(host, process_id, "exit");
    await writeFile(path.join(host.home, "go2"), "");
    await until(async () =>
      access(path.join(host.home, "printed")).then(
        () => true,
        () => false,
      ),
    );
    await host.up();
    await host.event("session/ses_after", "process.closed");
    const matches = await host.events("session/ses_after", "process.matched");
    assert.deepEqual(
      matches.flatMap(({ payload }) => payload.lines),
      ["word in time"],
    );
    assert.equal((await host.processes.wait(process_id, {})).exit_code, 4);
  });

  it("P33: one whose start nobody had recorded yet is recorded by the next host, with all that was asked for", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_early";
    const asked = { ...agent, argv: ["true"], session_id, watch_patterns: ["hit"], notify_on_complete: true };
    const { pid: _, start_tick: __, ...known } = await host.processes.start(asked);
    // As it stands on disk when the host dies between the keeper's start and its own record.
    const process_id = "proc_0000000ea51e";
    const row = { ...known, process_id, pid: null, start_tick: null };
    await host.keepers.start({
      id: process_id,
      argv: ["/bin/sh", "-c", "echo hit; exit 3"],
      env: {},
      cwd: "/",
      mode: "pipe",
      facts: toFacts(row, freshBook(null)),
    });
    await host.down();
    await host.up();
    const end = await host.processes.wait(process_id, {});
    assert.equal(end.exit_code, 3);
    const mine = (await host.log.read("session/ses_early", 0, 100)).filter(
      ({ payload }) => "process_id" in payload && payload.process_id === process_id,
    );
    assert.deepEqual(
      mine.map(({ type }) => type).filter((type) => type !== "process.closed"),
      ["process.started", "process.matched", "notice", "process.ended", "notice"],
    );
    assert.ok(host.processes.get(process_id).pid !== null);
  });

  it("P33: one whose files are gone is lost: told once, with no exit code", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_lost";
    const row = await host.processes.start({ ...agent, argv: ["sleep", "300"], session_id, notify_on_complete: true });
    await host.processes.kill(row.process_id, { source: "test" });
    const stranger = { ...row, process_id: "proc_000000000105", book: freshBook(null) };
    await host.log.append("host", [], { views: [{ view: "process", key: stranger.process_id, value: stranger }] });
    for (let restart = 0; restart < 2; restart++) {
      await host.down();
      await host.up();
      const found = host.processes.get(stranger.process_id);
      assert.deepEqual([found.status, found.exit_code, found.reason], ["lost", null, "its files are gone"]);
    }
    const ended = await host.events("session/ses_lost", "process.ended");
    assert.equal(ended.filter(({ payload }) => payload.process_id === stranger.process_id).length, 1);
  });

  it("P33, F11: one whose keeper is killed is lost at once, and only that one; that it may have left something is said", async () => {
    await using host = await SmallHost.start();
    const one = await host.processes.start({ ...agent, argv: ["sleep", "300"], session_id: "ses_k" });
    const two = await host.processes.start({ ...agent, argv: ["sleep", "300"] });
    const adopted = await host.keepers.adopt();
    const keeper = adopted.flatMap((found) =>
      "child" in found && found.child.id === one.process_id ? found.child : [],
    );
    const pid = keeper[0]?.live?.keeperPid;
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    const end = await host.processes.wait(one.process_id, {});
    assert.deepEqual([end.status, end.exit_code, end.completion_reason], ["exited", null, "lost"]);
    assert.equal(host.processes.get(two.process_id).status, "running");
    assert.deepEqual(
      [one, two].map(({ process_id }) => host.processes.get(process_id).best_effort),
      [true, false],
    );
  });

  it("P31: a row or a folder that is not ours is passed over with a warning", async () => {
    await using host = await SmallHost.start();
    await host.log.append("host", [], { views: [{ view: "process", key: "proc_torn", value: { process_id: 1 } }] });
    const folder = path.join(host.home, "state/children/proc_000000000bad");
    await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folder, "armed"), "garbage");
    await host.down();
    await host.up();
    assert.equal(host.processes.has("proc_torn"), false);
    assert.match(
      host.warnings.join("\n"),
      /proc_torn is not readable[\s\S]*proc_000000000bad|proc_000000000bad[\s\S]*proc_torn/,
    );
    await rm(folder, { recursive: true });
  });

  it("P20: who asked for the end is known to the next host", async () => {
    await using host = await SmallHost.start();
    const command = `trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.02; done`;
    const { process_id } = await host.processes.start({ ...agent, command });
    await host.processes.attach(process_id).spool.grown(0, AbortSignal.timeout(60_000));
    const killing = host.processes.kill(process_id, { source: "process.kill", graceMs: 10_000 });
    await until(
      async () => ((await host.log.view("process", process_id)) as { book: { asked: unknown } }).book.asked !== null,
    );
    await host.down();
    await host.up();
    const end = await host.processes.wait(process_id, {});
    assert.deepEqual([end.completion_reason, end.termination_source], ["killed", "process.kill"]);
    void killing;
  });
});
