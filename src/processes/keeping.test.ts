import assert from "node:assert/strict";
import { access, copyFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { HostError } from "../protocol/errors.ts";
import { endedNotice } from "./processes.ts";
import { SmallHost } from "./testing/small-host.ts";

const person = { owner: "person" } as const;
const agent = { owner: "agent" } as const;

const settled = (host: SmallHost, id: string): Promise<void> =>
  eventually("its output has ended", async () => host.processes.get(id).closed);

/** Runs so many to their end, the output included. */
async function run(host: SmallHost, count: number, o: { session_id?: string; notify_on_complete?: boolean } = {}) {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { process_id } = await host.processes.start({ ...agent, ...o, argv: ["echo", `${n}`] });
    await host.processes.wait(process_id, {});
    await settled(host, process_id);
    ids.push(process_id);
  }
  return ids;
}
const children = async (host: SmallHost): Promise<string[]> =>
  (await readdir(path.join(host.home, "state", "children"))).filter((name) => name.startsWith("proc_"));

describe("processes that have ended", () => {
  it("P24: are kept by number and age; their rows and files go with them, and asking says how long they are kept", async () => {
    await using host = await SmallHost.start();
    host.settings = { ...host.settings, keepEnded: 3 };
    const ids = await run(host, 40); // the number of ends after which it is looked at is passed on the way
    const living = await host.processes.start({ ...person, argv: ["sleep", "60"] });
    await eventually("the oldest are gone", () => !host.processes.has(ids[0] ?? ""));
    await host.down();
    await host.up();
    assert.deepEqual(
      ids.filter((id) => host.processes.has(id)),
      ids.slice(-3),
    );
    assert.equal(host.processes.get(living.process_id).status, "running");
    assert.equal((await children(host)).length, 4);
    assert.equal((await host.log.views("process")).size, 4);
    const forgotten = (error: unknown) =>
      error instanceof HostError &&
      error.reason === "process_not_found" &&
      /ended ones are kept for 30 min, the newest 3 /.test(error.message);
    await assert.rejects(host.processes.poll(ids[0] ?? ""), forgotten);
    host.settings = { ...host.settings, keepMs: 0 };
    await host.down();
    await host.up();
    assert.deepEqual(
      (await host.processes.list({})).map((row) => row.process_id),
      [living.process_id],
    );
  });
  it("P24: go a moment after they are too many, also where no more end", async () => {
    await using host = await SmallHost.start();
    host.settings = { ...host.settings, keepEnded: 3 };
    const ids = await run(host, 5);
    await eventually("the oldest are gone", () => !host.processes.has(ids[1] ?? ""));
    assert.deepEqual(
      ids.map((id) => host.processes.has(id)),
      [false, false, true, true, true],
    );
  });
  it("P24: are never forgotten before their notice was told", async () => {
    await using host = await SmallHost.start();
    host.settings = { ...host.settings, keepEnded: 0 };
    const [told = "", untold = ""] = await run(host, 2, { session_id: "ses_24", notify_on_complete: true });
    await host.log.append("session/ses_24", [], {
      views: [{ view: "notice", key: endedNotice(told), value: null }],
    });
    await host.down();
    await host.up();
    assert.deepEqual([host.processes.has(told), host.processes.has(untold)], [false, true]);
  });
});

describe("what still goes on", () => {
  it("P18: is asked for all, a task, a session that no old server holds open, and for one that is waited for", async () => {
    await using host = await SmallHost.start();
    const { processes } = host;
    assert.deepEqual(processes.activity({}), { active: false, running: 0, running_here: 0 });
    const server = await processes.start({
      ...person,
      command: "read x; echo it is ready; read y",
      session_id: "ses_18",
      task_id: "t18",
      watch_patterns: ["ready"],
    });
    const { process_id } = server;
    assert.deepEqual(processes.activity({}), { active: true, running: 1, running_here: 1 });
    assert.equal(processes.activity({ task_id: "t18" }).active, true);
    assert.equal(processes.activity({ task_id: "other" }).active, false);
    assert.equal(processes.activity({ session_id: "ses_18" }).active, true);
    const none = processes.activity({ session_id: "ses_18", max_age_h: 0 });
    assert.deepEqual(none, { active: false, running: 1, running_here: 1 });
    assert.equal(processes.activity({ process_id }).wait, true);
    await processes.submit(process_id, "go");
    await host.event("session/ses_18", "process.matched");
    assert.deepEqual(processes.activity({ process_id }), { active: false, running: 1, running_here: 1, wait: false });
    await processes.kill(process_id, { source: "test" });
    assert.equal(processes.activity({ session_id: "ses_18" }).active, false);
    assert.equal(processes.activity({ process_id: "proc_nosuch" }).wait, false);
    assert.equal(processes.running(), 0);
    assert.deepEqual(processes.runningOf("ses_18"), []);
  });
  it("P39: kill_all answers how many it has ended, of a session, a task or all", async () => {
    await using host = await SmallHost.start();
    const start = (o: { session_id?: string; task_id?: string }) =>
      host.processes.start({ ...person, ...o, argv: ["sleep", "60"] });
    for (const o of [{ session_id: "a" }, { session_id: "a", task_id: "t" }, { session_id: "b", task_id: "t" }, {}])
      await start(o);
    assert.equal(await host.processes.killAll({ session_id: "a", task_id: "t" }, "test"), 1);
    assert.equal(await host.processes.killAll({ session_id: "a" }, "test"), 1);
    assert.equal(await host.processes.killAll({}, "test"), 2);
    assert.equal(await host.processes.killAll({}, "test"), 0);
  });
});

describe("what is kept of a start", () => {
  it("P4, P38: its origin and its routing are in the row, in every notice, and both outlive the host", async () => {
    await using host = await SmallHost.start();
    const hook = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
    const given = { platform: "irc", chat: "#ops", message: "42", answer: hook };
    const routing = { ...given, answer: "https://[redacted: Slack webhook]" };
    const origin = { turn_id: "turn_1", call_id: "call_1" };
    const row = await host.processes.start({
      ...{ ...agent, session_id: "ses_38", routing: given, origin, watch_patterns: ["x"], notify_on_complete: true },
      command: "read go; echo x",
    });
    await host.down();
    await host.up();
    const found = host.processes.get(row.process_id);
    assert.deepEqual([found.origin, found.routing, found.foreign], [origin, routing, false]);
    await host.processes.submit(row.process_id, "go");
    await host.processes.wait(row.process_id, {});
    const notices = await host.events("session/ses_38", "notice");
    assert.deepEqual(
      notices.map(({ payload }) => [payload.kind, payload.routing]),
      [
        ["matched", routing],
        ["ended", routing],
      ],
    );
  });
  it("P38: a periodic check tells how it stands while it runs, also under the next host", async () => {
    await using host = await SmallHost.start();
    const { process_id } = await host.processes.start({
      ...{ ...agent, session_id: "ses_check", check_every_s: 0.2, command: "echo step 1; read go" },
    });
    const checks = () => host.events("session/ses_check", "notice");
    await eventually("the first check", async () => (await checks()).length === 1);
    await host.down();
    await host.up();
    const [first] = await checks();
    assert.match(first?.payload.text ?? "", /still runs.*\nCommand: .*\nIts last output:\nstep 1$/);
    const heard = { view: "notice", key: first?.payload.notice_id ?? "", value: null };
    await host.log.append("session/ses_check", [], { views: [heard] });
    await eventually("the second check", async () => (await checks()).length === 2);
    await host.processes.kill(process_id, { source: "test" });
    assert.deepEqual(
      (await checks()).map(({ payload }) => payload.kind),
      ["check", "check"],
    );
  });
});

describe("an output that is held open", () => {
  it("F14, P22: is marked after a deadline, once, also by a later host; its later bytes are kept all the same", async () => {
    await using host = await SmallHost.start();
    host.settings = { ...host.settings, drainMs: 300 };
    const command = "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early; exit 4";
    const session_id = "ses_14";
    const { process_id } = await host.processes.start({ ...person, command, cwd: host.userHome, session_id });
    await host.processes.wait(process_id, {});
    assert.equal(host.processes.get(process_id).drain_overdue, false);
    await host.down();
    await host.up();
    const marked = await host.event("session/ses_14", "process.drain_overdue");
    assert.equal(marked.payload.bytes, 6);
    await host.down();
    await host.up();
    const row = host.processes.get(process_id);
    assert.deepEqual([row.status, row.exit_code, row.drain_overdue, row.closed], ["exited", 4, true, false]);
    await writeFile(path.join(host.userHome, "go"), "");
    const closed = await host.event("session/ses_14", "process.closed");
    assert.equal(closed.payload.bytes, 11);
    assert.equal((await host.events("session/ses_14", "process.drain_overdue")).length, 1);
    assert.equal(await host.processes.tail(process_id, 100), "early\nlate\n");
  });
});

describe("an older log beside newer processes", () => {
  it("F57: takes over what it does not know, says so, and ends none of it", async () => {
    await using host = await SmallHost.start();
    const start = (argv: string[]) => host.processes.start({ ...person, argv, session_id: "ses_57" });
    const old = await start(["sleep", "300"]);
    await host.down();
    const state = path.join(host.home, "state");
    await copyFile(path.join(state, "hearth.db"), path.join(host.home, "yesterday.db"));
    await host.up();
    const lives = await start(["sh", "-c", "echo here; read x; exit 3"]);
    const ended = await start(["sh", "-c", "exit 5"]);
    await host.processes.wait(ended.process_id, {});
    await settled(host, ended.process_id);
    await host.processes.kill(old.process_id, { source: "test" });
    await host.down();
    for (const name of await readdir(state)) if (name.startsWith("hearth.db")) await rm(path.join(state, name));
    await copyFile(path.join(host.home, "yesterday.db"), path.join(state, "hearth.db"));

    await host.up();
    const row = (id: string) => host.processes.get(id);
    const about = (id: string) => [row(id).status, row(id).exit_code, row(id).foreign];
    assert.deepEqual(about(lives.process_id), ["running", null, true]);
    assert.match(row(lives.process_id).notes.join(), /log did not know of it/);
    assert.deepEqual(about(ended.process_id), ["exited", 5, true]);
    // Who ended it was in the log that is gone; that it ended, and how, stands beside the child.
    assert.deepEqual(about(old.process_id), ["exited", -15, false]);
    await access(path.join(state, "children", lives.process_id));
    await host.processes.submit(lives.process_id, "on");
    assert.equal((await host.processes.wait(lives.process_id, {})).exit_code, 3);
  });
});
