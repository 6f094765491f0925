// Processes as a script from outside meets them: a real host, POST /api/rpc, a token, and nothing else.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { alive } from "../../src/keeper/testing/bed.ts";
import type { Payload } from "../../src/protocol/events.ts";
import type { Params } from "../../src/protocol/methods.ts";
import { eventually } from "../support/eventually.ts";
import { Rounds } from "../support/rounds.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const bin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

describe("processes over the API", () => {
  let host: RunningHost;
  let home: string;
  let session_id: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-person-")));
    await mkdir(join(home, "work", "inner"), { recursive: true });
    // A shell that takes PATH as it finds it: the system's own profile would hide what Hearth hands on.
    await writeFile(
      join(home, "shell"),
      '#!/bin/sh\ncase $1 in -lic) . ~/.profile; set -- -c "$2";; esac\nexec /bin/sh "$@"\n',
      {
        mode: 0o755,
      },
    );
    await writeFile(join(home, ".profile"), "export FROM_PROFILE=yes OPENAI_API_KEY=profile-key\necho noise\n");
    host = await RunningHost.start({
      HOME: home,
      SHELL: join(home, "shell"),
      // As npm leaves it for `npm start`, among secrets that are the host's own.
      PATH: `${bin}:${join(bin, "../../../node_modules/.bin")}:/usr/lib/node-gyp-bin:${process.env.PATH}`,
      npm_config_user_agent: "npm",
      npm_lifecycle_event: "start",
      INIT_CWD: home,
      ANTHROPIC_API_KEY: "host-key",
      SECRET_OF_THE_HOST: "secret",
    });
    session_id = (await rpc(host, "session.create", { workspace: join(home, "work") })).session_id;
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  /** Runs something to its end. */
  async function run(params: Params<"process.start">) {
    const row = await rpc(host, "process.start", params);
    const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 30 });
    return { row, end };
  }

  for (const mode of ["pipe", "pty"] as const)
    it(`P1, P3: runs a command with the profile's environment and without Hearth's, npm's and the providers' (${mode})`, async () => {
      const { end } = await run({ command: "env; echo group $(ps -o pgid= -p $$) $$", mode });
      assert.equal(end.exit_code, 0);
      assert.match(end.output, /^FROM_PROFILE=yes$/m);
      assert.match(end.output, /^PYTHONUNBUFFERED=1$/m);
      assert.doesNotMatch(end.output, /npm_|node_modules|node-gyp-bin|INIT_CWD|SECRET|API_KEY|noise/);
      const own = [...end.output.matchAll(/^(HEARTH_\w+)=/gm)].map((match) => match[1]);
      assert.deepEqual(own, ["HEARTH_MARK"]);
      const [, group, pid] = /group (\d+) (\d+)/.exec(end.output) ?? [];
      assert.equal(group, pid, "its own process group");
    });

  it("A49: refuses limits that no machine has, for whose sake the others would not hold", async () => {
    for (const limits of [{ cpus: 1e9 }, { pids: 1e9 }])
      assert.equal((await refused(host, "process.start", { command: "true", limits })).data.reason, "invalid_params");
  });

  it("P1: starts where it was asked to, seen from the session's workspace, else in the nearest folder there is", async () => {
    const work = join(home, "work");
    for (const [cwd, place, notes] of [
      [undefined, work, 0],
      ["inner", join(work, "inner"), 0],
      [join(work, "inner"), join(work, "inner"), 0],
      ["~", home, 0],
      ["inner/gone/deeper", join(work, "inner"), 1],
    ] as const) {
      const { row, end } = await run({ argv: ["pwd"], session_id, ...(cwd === undefined ? {} : { cwd }) });
      assert.equal(end.output, `${place}\n`);
      assert.deepEqual([row.cwd, row.notes.length], [place, notes]);
    }
  });

  it("P1, P3: refuses what would mean something else to the system, where it could fall back or be cut", async () => {
    const before = (await rpc(host, "process.list", {})).processes.length;
    const { cwd, ...words } = { cwd: `${join(home, "work")}/\0`, argv: ["pwd"] };
    for (const wrong of [{ ...words, cwd }, { ...words, env: { "A=B": "c" } }, { argv: ["echo", "\0"] }]) {
      const { code, data } = await refused(host, "process.start", wrong);
      assert.deepEqual([code, data.reason], [-32602, "invalid_params"]);
    }
    for (const method of ["session.create", "session.workspace", "terminal.open"] as const) {
      const { code, data } = await refused(host, method, { session_id, workspace: cwd });
      assert.deepEqual([code, data.reason], [-32602, "invalid_params"]);
    }
    assert.equal((await rpc(host, "process.list", {})).processes.length, before);
  });

  it("P12, P13, P15: takes text, lines and bytes, and says in words what it cannot do", async () => {
    const { process_id } = await rpc(host, "process.start", { argv: ["sh", "-c", "cat >&2; sleep 60"] });
    assert.deepEqual(await rpc(host, "process.write", { process_id, data: "hé" }), { bytes: 3 });
    assert.deepEqual(await rpc(host, "process.submit", { process_id, data: "llo" }), { bytes: 4 });
    assert.deepEqual(await rpc(host, "process.write", { process_id, data: { base64: "/wAB" } }), { bytes: 3 });
    assert.deepEqual(await rpc(host, "process.close", { process_id }), { closed: true });
    assert.equal((await refused(host, "process.write", { process_id, data: "x" })).data.reason, "not_running");
    const path = `/api/processes/${process_id}/output?from=0`;
    await eventually("the bytes are there", async () => {
      const bytes = Buffer.from(await (await host.fetch(path)).arrayBuffer());
      return bytes.equals(Buffer.concat([Buffer.from("héllo\n"), Buffer.of(0xff, 0, 1)]));
    });
    assert.equal((await rpc(host, "process.log", { process_id })).total_lines, 2);
    await rpc(host, "process.kill", { process_id });
    for (const method of ["process.write", "process.submit", "process.close"] as const) {
      const data = method === "process.close" ? {} : { data: "x" };
      assert.equal((await refused(host, method, { process_id, ...data })).data.reason, "already_exited");
      const nobody = await refused(host, method, { process_id: "proc_000000000000", ...data });
      assert.equal(nobody.data.reason, "process_not_found");
    }
    assert.equal((await rpc(host, "process.kill", { process_id })).status, "already_exited");
  });

  it("P16, P25: lists what a person and an agent want to know of each, of a task and of its session", async () => {
    const { session_id: mine } = await rpc(host, "session.create", { workspace: home });
    const command = `read x # ${"long ".repeat(60)}`;
    const one = await rpc(host, "process.start", { command, session_id: mine, task_id: "t", notify_on_complete: true });
    const argv = ["sh", "-c", `echo first word; printf 'wo'; sleep 0.1; echo rd; printf ${"y".repeat(300)}; exit 5`];
    const two = await rpc(host, "process.start", { argv, session_id: mine, watch_patterns: ["word", "other"] });
    await rpc(host, "process.wait", { process_id: two.process_id, timeout: 60 });
    const { processes } = await rpc(host, "process.list", { session_id: mine, task_id: "t" });
    const [other, task] = processes;
    assert.ok(other && task);
    assert.deepEqual(
      [task.process_id, task.session_scoped, task.status, task.notify_on_complete, task.exit_code, task.recovered],
      [one.process_id, false, "running", true, null, false],
    );
    assert.deepEqual([task.command.length, task.cwd, task.pid, task.started_at], [200, home, one.pid, one.started_at]);
    assert.ok(task.uptime_s > 0);
    assert.deepEqual(
      [other.process_id, other.session_scoped, other.status, other.exit_code, other.watch_patterns, other.watch_hits],
      [two.process_id, true, "exited", 5, ["word", "other"], 2],
    );
    assert.equal(other.tail, "y".repeat(200));
    await host.kill9();
    await host.restart();
    const again = (await rpc(host, "process.list", { session_id: mine, task_id: "t" })).processes;
    assert.deepEqual(
      again.map((row) => [row.process_id, row.session_scoped, row.recovered, row.watch_hits, row.tail.length]),
      [
        [two.process_id, true, false, 2, 200],
        [one.process_id, false, true, 0, 0],
      ],
    );
    const poll = await rpc(host, "process.poll", { process_id: one.process_id });
    assert.equal(poll.detached, true);
    assert.deepEqual(await rpc(host, "process.kill_all", { session_id: mine }), { killed: 1 });
  });

  it("P17: takes a number for an id, and says which parameter or method is wrong", async () => {
    assert.equal((await refused(host, "process.poll", { process_id: 12 })).data.reason, "process_not_found");
    assert.equal((await refused(host, "process.poll", {})).data.field, "process_id");
    assert.equal((await refused(host, "process.fly", {})).code, -32601);
    const { row } = await run({ argv: ["true"], task_id: 7 });
    assert.equal(row.task_id, "7");
    const { processes } = await rpc(host, "process.list", { task_id: 7 });
    assert.deepEqual(
      processes.map((one) => one.process_id),
      [row.process_id],
    );
  });

  it("P18, P38: what is active is asked for by method; routing and checks are bounded", async () => {
    const { session_id: mine } = await rpc(host, "session.create", { workspace: home });
    const routing = { platform: "irc", chat: "#ops", thread: "7" };
    const row = await rpc(host, "process.start", {
      argv: ["sleep", "60"],
      session_id: mine,
      routing: { ...routing, thread: 7 },
      check_every_s: 600,
    });
    const { process_id } = row;
    assert.deepEqual([row.routing, row.check_every_s], [routing, 600]);
    const activity = await rpc(host, "process.activity", { session_id: mine });
    assert.deepEqual([activity.active, activity.running_here], [true, 1]);
    assert.equal((await rpc(host, "process.activity", { process_id })).wait, true);
    await rpc(host, "process.kill", { process_id });
    assert.equal((await rpc(host, "process.activity", { session_id: mine })).active, false);
    assert.equal((await rpc(host, "process.activity", { process_id })).wait, false);
    const long = { chat: "x".repeat(1_000) };
    for (const wrong of [{ routing: long }, { check_every_s: 9 }])
      assert.equal(
        (await refused(host, "process.start", { argv: ["true"], session_id: mine, ...wrong })).data.status,
        400,
      );
  });

  it("P34: a view that is closed ends nothing, and is opened again where it was", async () => {
    const { process_id } = await rpc(host, "process.start", {
      argv: ["sh", "-c", "echo one; read go; echo two; read go"],
    });
    const view = async (from: number): Promise<string> => {
      const closing = new AbortController();
      const path = `/api/processes/${process_id}/output?from=${from}&follow=1`;
      const { body } = await host.fetch(path, { signal: closing.signal });
      const { value } = (await body?.getReader().read()) ?? {};
      closing.abort();
      return Buffer.from(value ?? []).toString();
    };
    assert.equal(await view(0), "one\n");
    assert.equal((await rpc(host, "process.poll", { process_id })).status, "running");
    await rpc(host, "process.submit", { process_id, data: "go" });
    assert.equal(await view(4), "two\n");
    await rpc(host, "process.kill", { process_id });
  });

  it("P20: kill finds those who left the group, the session, the tree and their environment", async () => {
    const tag = `55.${process.pid}`;
    const escapees = [
      `setsid sleep ${tag}1 &`,
      `(setsid sh -c 'sleep ${tag}2 & exit' &)`,
      `env -i setsid sleep ${tag}3 </dev/null >/dev/null 2>&1 &`,
      `env -i setsid sh -c '(sleep ${tag}4 &) ; exit' <&- >&- 2>&- &`,
    ];
    const { process_id } = await rpc(host, "process.start", {
      command: `${escapees.join("\n")}\ntrap '' TERM; echo up; while :; do sleep ${tag}; done`,
    });
    await eventually("all four are out", async () => (await alive(`sleep ${tag}`)).length >= 5);
    const { status, process: row } = await rpc(host, "process.kill", { process_id, grace: 0.3 });
    assert.deepEqual(
      [status, row.status, row.exit_code, row.signal, row.completion_reason, row.termination_source],
      ["killed", "killed", -9, "SIGKILL", "killed", "process.kill"],
    );
    assert.deepEqual(await alive(`sleep ${tag}`), []);
  });

  it("P20, P39: kill_all ends what ended processes left behind, and counts those that ran", async () => {
    const tag = `56.${process.pid}`;
    const { session_id: other } = await rpc(host, "session.create", { workspace: home });
    await run({ argv: ["sh", "-c", `sleep ${tag} & exit 3`], session_id: other });
    await rpc(host, "process.start", { argv: ["sleep", `${tag}1`], session_id: other });
    // One that has been forked has another name until it is what it is to be.
    await eventually("both sleep", async () => (await alive(`sleep ${tag}`)).length === 2);
    assert.deepEqual(await rpc(host, "process.kill_all", { session_id: other }), { killed: 1 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
  });

  it("P20: killing an ended process ends a daemon that it left behind, also one that has closed its output", async () => {
    const tag = `58.${process.pid}`;
    const daemon = `setsid sleep ${tag} </dev/null >/dev/null 2>&1 & exit 3`;
    const { session_id: mine } = await rpc(host, "session.create", { workspace: home });
    const one = await run({ argv: ["sh", "-c", daemon], session_id: mine });
    const two = await run({ argv: ["sh", "-c", daemon], session_id: mine });
    const closed = async ({ row }: typeof one) =>
      (await rpc(host, "process.poll", { process_id: row.process_id })).closed;
    await eventually("their output has ended", async () => (await closed(one)) && (await closed(two)));
    await eventually("both sleep", async () => (await alive(`sleep ${tag}`)).length === 2);
    const killed = await rpc(host, "process.kill", { process_id: one.row.process_id });
    assert.deepEqual(
      [killed.status, killed.process.exit_code, killed.process.completion_reason],
      ["already_exited", 3, "exited"],
    );
    assert.equal((await alive(`sleep ${tag}`)).length, 1);
    assert.deepEqual(await rpc(host, "process.kill_all", { session_id: mine }), { killed: 0 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
  });

  it("P14, P22: a process whose descendant holds its output has ended; a wait is over at once", async () => {
    const later = join(home, "later");
    const held = `echo mine; (while [ ! -e '${later}' ]; do sleep 0.05; done; echo later) & exit 6`;
    const { row, end } = await run({ argv: ["sh", "-c", held] });
    assert.deepEqual([end.status, end.exit_code, end.output], ["exited", 6, "mine\n"]);
    const { process_id } = row;
    const poll = await rpc(host, "process.poll", { process_id });
    assert.deepEqual([poll.status, poll.closed, poll.bytes_at_exit], ["exited", false, 5]);
    await writeFile(later, "");
    const output = await host.fetch(`/api/processes/${process_id}/output?from=0&follow=1`);
    assert.equal(await output.text(), "mine\nlater\n");
  });
});

describe("a notice", () => {
  it("P29, S11: wakes the agent exactly once, however often the host is killed around the end", async (t) => {
    const rounds = new Rounds(4);
    const gate = await mkdtemp(join(tmpdir(), "hearth-gate-"));
    t.after(() => rm(gate, { recursive: true, force: true }));
    await using host = await RunningHost.start();
    const client = await host.client();
    for (const round of rounds) {
      const { session_id } = await client.call("session.create", { workspace: gate });
      using watched = new Watched(client, session_id);
      const wait = `while [ ! -e ${round} ]; do sleep 0.02; done; echo over; exit 3`;
      const { process_id } = await client.call("process.start", {
        argv: ["sh", "-c", wait],
        session_id,
        cwd: gate,
        notify_on_complete: true,
      });
      // Before the end, with it, after it, and in the turn that it wakes.
      if (round % 2 === 0) await host.kill9();
      await writeFile(join(gate, String(round)), "");
      if (round % 2 === 0) await host.restart();
      const moment = ["process.ended", "turn.started", "message.delta", "process.ended"][round % 4] ?? "";
      await watched.seen(moment);
      await host.kill9();
      await host.restart();
      await watched.seen("turn.ended");
      await host.kill9();
      await host.restart();
      await client.call("host.status", {});
      await watched.seen("process.closed");
      const notices = watched.of("notice").map((event) => event.payload as Payload<"notice">);
      assert.equal(notices.length, 1);
      assert.match(notices[0]?.text ?? "", /exit code 3[\s\S]*over/);
      const told = watched.of("turn.started").map((event) => (event.payload as Payload<"turn.started">).notices);
      assert.deepEqual(told, [[notices[0]?.notice_id]]);
      assert.equal(watched.of("turn.ended").length, 1);
      assert.equal(watched.of("process.ended").length, 1);
      assert.equal((await client.call("process.poll", { process_id })).exit_code, 3);
    }
    rounds.report(t, "");
  });
});
