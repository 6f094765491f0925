import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { HostError } from "../protocol/errors.ts";
import { endedNotice, processIdOfCall } from "./processes.ts";
import { freshBook, Recorder } from "./record.ts";
import { SmallHost } from "./testing/small-host.ts";

const person = { owner: "person" } as const;
const reasonOf = (reason: string) => (error: unknown) => error instanceof HostError && error.reason === reason;

describe("a process", () => {
  let host: SmallHost;
  before(async () => {
    host = await SmallHost.start(async ({ userHome }) => {
      await writeFile(
        path.join(userHome, ".bash_profile"),
        "echo noise from the profile\nexport FROM_PROFILE=yes OPENAI_API_KEY=secret PATH=$PATH:/from/profile\nshopt -s nosuch\n",
      );
    });
  });
  after(() => host[Symbol.asyncDispose]());
  /** Runs a command to its end and answers its output. */
  async function run(request: Parameters<typeof host.processes.start>[0]) {
    const row = await host.processes.start(request);
    const end = await host.processes.wait(row.process_id, {});
    return { row, end, output: await host.processes.tail(row.process_id, 10_000) };
  }

  it("P1: runs a command in the login shell's environment, and the profile's noise stays out", async () => {
    const { output } = await run({ ...person, command: "echo $FROM_PROFILE $PATH" });
    assert.match(output, /^yes \S+:\/from\/profile\n$/);
  });
  it("P1: reads the profile again once it has changed", async () => {
    await writeFile(path.join(host.userHome, ".profile"), "# new\n");
    await writeFile(path.join(host.userHome, ".bash_profile"), "export FROM_PROFILE=changed\n");
    assert.equal((await run({ ...person, command: "echo $FROM_PROFILE" })).output, "changed\n");
  });
  it("P1: an argv has the profile's environment too, also as the very first that is started", async () => {
    await using fresh = await SmallHost.start(async ({ userHome }) => {
      await mkdir(path.join(userHome, "bin"));
      await writeFile(path.join(userHome, "bin", "mine"), "#!/bin/sh\necho mine $FROM_PROFILE\n", { mode: 0o755 });
      await writeFile(path.join(userHome, ".profile"), "export FROM_PROFILE=yes PATH=$PATH:$HOME/bin\n");
    });
    const { process_id } = await fresh.processes.start({ ...person, argv: ["mine"] });
    assert.equal((await fresh.processes.wait(process_id, {})).output, "mine yes\n");
  });
  it("P1: runs an argv without a shell", async () => {
    const { row, output } = await run({ ...person, argv: ["printf", "%s|", "$HOME", "a b"] });
    assert.equal(output, "$HOME|a b|");
    assert.equal(row.command, "printf '%s|' '$HOME' 'a b'");
  });
  it("P1: starts in the nearest folder that exists and says so", async () => {
    await mkdir(path.join(host.userHome, "project"));
    const { row, output } = await run({ ...person, argv: ["pwd"], cwd: "~/project/gone/deeper" });
    assert.equal(output, `${path.join(host.userHome, "project")}\n`);
    assert.match(row.notes.join(), /project\/gone\/deeper is not there/);
  });
  it("P2: stdin works on pipes and in a PTY, whose size is 30 × 120", async () => {
    const pipe = await host.processes.start({ ...person, argv: ["cat"] });
    assert.equal(await host.processes.write(pipe.process_id, Buffer.from("abc")), 3);
    await host.processes.submit(pipe.process_id, "def");
    await host.processes.closeInput(pipe.process_id);
    assert.equal((await host.processes.wait(pipe.process_id, {})).output, "abcdef\n");
    const pty = await host.processes.start({ ...person, command: "stty size; read x; echo got $x", mode: "pty" });
    assert.equal(pty.mode, "pty");
    await host.processes.submit(pty.process_id, "it");
    assert.match((await host.processes.wait(pty.process_id, {})).output, /30 120\n[\s\S]*got it/);
  });
  it("P3: sees no secret of the host or of a model provider, and only file descriptors 0–2", async () => {
    host.base = { ...host.base, ANTHROPIC_API_KEY: "k", HEARTH_HOME: "/x", npm_config_a: "b", GITHUB_TOKEN: "t" };
    const { output } = await run({ ...person, command: "env; ls /proc/self/fd", env: { MINE: "1" } });
    assert.doesNotMatch(output, /API_KEY|HEARTH_HOME|npm_|GITHUB_TOKEN|node_modules/);
    assert.match(output, /^MINE=1$/m);
    assert.match(output, /^PYTHONUNBUFFERED=1$/m);
    assert.match(output, /\n0\n1\n2\n3\n$/); // 3 is the folder that ls itself reads
  });
  it("P4: is known by id, pid and the kernel's start time of that pid", async () => {
    const row = await host.processes.start({ ...person, argv: ["sleep", "60"], task_id: "t", session_id: "ses_p4" });
    assert.match(row.process_id, /^proc_[0-9a-f]{12}$/);
    assert.ok(row.pid !== null && row.start_tick !== null && row.task_id === "t");
    assert.deepEqual((await host.event("session/ses_p4", "process.started")).payload.process, row);
    await host.processes.kill(row.process_id, { source: "test" });
  });
  it("P4: a caller that derives the id gets the same process when it asks twice", async () => {
    const process_id = processIdOfCall("call_1");
    const request = { ...person, process_id, command: "echo once >> once; cat once", cwd: host.userHome };
    const [one, two] = await Promise.all([host.processes.start(request), host.processes.start(request)]);
    assert.equal(one.pid, two.pid);
    assert.equal((await host.processes.wait(process_id, {})).output, "once\n");
    assert.equal((await host.processes.start(request)).status, "exited");
  });
  it("P6: that cannot start is told in words, listed, and has no exit code", async () => {
    const process_id = "proc_00000000f00d";
    const start = host.processes.start({ ...person, process_id, argv: ["/no/such/program"] });
    await assert.rejects(start, reasonOf("failed_start"));
    const row = host.processes.get(process_id);
    assert.deepEqual([row.status, row.exit_code, row.completion_reason], ["failed_start", null, "failed_start"]);
    assert.equal((await host.processes.wait(process_id, {})).completion_reason, "failed_start");
  });
  it("P5: is ended when its start cannot be recorded", async () => {
    await using broken = await SmallHost.start();
    broken.log.append = () => Promise.reject(new HostError("storage_full", "no room"));
    await assert.rejects(broken.processes.start({ ...person, argv: ["sleep", "60"] }), reasonOf("storage_full"));
    assert.deepEqual(await broken.keepers.adopt(), []);
    assert.equal(broken.processes.running(), 0);
  });
  it("P5: whoever started it is told why it is not recorded, also by a keeper that is stopped", async () => {
    await using broken = await SmallHost.start();
    let keeper = 0;
    // The keeper of the login shell whose environment was read may be there still.
    const found = async () =>
      (await broken.keepers.adopt()).find((one) => "child" in one && one.child.id.startsWith("proc_"));
    broken.log.append = async () => {
      const started = await found();
      keeper = started !== undefined && "child" in started ? (started.child.live?.keeperPid ?? 0) : 0;
      process.kill(keeper, "SIGSTOP");
      throw new HostError("storage_full", "no room");
    };
    try {
      await assert.rejects(broken.processes.start({ ...person, argv: ["sleep", "60"] }), reasonOf("storage_full"));
    } finally {
      process.kill(keeper, "SIGCONT"); // and now it hears that its child is to end
    }
    assert.match(broken.warnings.join("\n"), /was not recorded, and stays: .*still running/);
    const left = await found();
    assert.ok(left !== undefined && "child" in left);
    await left.child.closed;
  });
  it("P7: merges stdout and stderr in their order", async () => {
    assert.equal((await run({ ...person, command: "echo 1; echo 2 >&2; echo 3" })).output, "1\n2\n3\n");
  });
  it("P12: poll shows how it stands, without escape sequences", async () => {
    const { row } = await run({ ...person, command: "printf '\\033[31mred\\033[0m'; exit 3" });
    const poll = await host.processes.poll(row.process_id);
    assert.deepEqual([poll.output, poll.status, poll.exit_code, poll.detached], ["red", "exited", 3, false]);
  });
  it("P14: wait ends at its limit with a note, and when it is interrupted", async () => {
    host.settings = { ...host.settings, waitLimitMs: 10 };
    const { process_id } = await host.processes.start({ ...person, argv: ["sleep", "60"] });
    const clamped = await host.processes.wait(process_id, { timeoutMs: 60_000 });
    assert.equal(clamped.status, "timeout");
    assert.match(clamped.note ?? "", /60 s were asked for; the limit is 0.01 s/);
    host.settings = { ...host.settings, waitLimitMs: 20_000 };
    const stop = new AbortController();
    const waiting = host.processes.wait(process_id, { signal: stop.signal });
    stop.abort();
    assert.equal((await waiting).status, "interrupted");
    await host.processes.kill(process_id, { source: "test" });
  });
  it("P15, P17: what cannot be done is said by a reason", async () => {
    const { row } = await run({ ...person, argv: ["true"] });
    await assert.rejects(host.processes.write(row.process_id, Buffer.from("x")), reasonOf("already_exited"));
    await assert.rejects(host.processes.closeInput(row.process_id), reasonOf("already_exited"));
    await assert.rejects(host.processes.poll("proc_nosuch"), reasonOf("process_not_found"));
    await assert.rejects(host.processes.start(person), reasonOf("invalid_params"));
  });
  it("P16: lists a task's processes, and those of its session flagged", async () => {
    const mine = await run({ ...person, argv: ["echo", "x".repeat(300)], task_id: "t16", session_id: "ses_16" });
    const other = await run({ ...person, argv: ["true"], session_id: "ses_16" });
    await run({ ...person, argv: ["true"], session_id: "ses_17" });
    const list = await host.processes.list({ task_id: "t16", session_id: "ses_16" });
    assert.deepEqual(
      list.map((row) => [row.process_id, row.session_scoped]),
      [
        [other.row.process_id, true],
        [mine.row.process_id, false],
      ],
    );
    assert.equal(list[1]?.command.length, 200);
    assert.equal(list[1]?.tail.length, 200);
  });

  it("P20: kill ends the whole tree and says who asked", async () => {
    const { process_id } = await host.processes.start({
      ...person,
      command: "sleep 300 & setsid sleep 300 & echo up; exec sleep 300",
    });
    const { spool } = host.processes.attach(process_id);
    await spool.grown(0, AbortSignal.timeout(60_000));
    const { status, process } = await host.processes.kill(process_id, { source: "process.kill" });
    assert.equal(status, "killed");
    const { exit_code, signal, completion_reason, termination_source, closed } = process;
    assert.deepEqual(
      { exit_code, signal, completion_reason, termination_source, closed },
      {
        exit_code: -15,
        signal: "SIGTERM",
        completion_reason: "killed",
        termination_source: "process.kill",
        closed: true,
      },
    );
  });
  it("P20: a program that traps TERM keeps its own code; one that ignores it is killed after the grace", async () => {
    const trap = await host.processes.start({
      ...person,
      command: "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done",
    });
    const deaf = await host.processes.start({
      ...person,
      command: "trap '' TERM; echo up; while :; do sleep 0.05; done",
    });
    for (const { process_id } of [trap, deaf])
      await host.processes.attach(process_id).spool.grown(0, AbortSignal.timeout(60_000));
    const [one, two] = await Promise.all([
      host.processes.kill(trap.process_id, { source: "a" }),
      host.processes.kill(deaf.process_id, { source: "b", graceMs: 200 }),
    ]);
    assert.deepEqual([one.process.exit_code, one.process.status], [0, "killed"]);
    assert.deepEqual([two.process.exit_code, two.process.signal, two.process.status], [-9, "SIGKILL", "killed"]);
  });
  it("P20: with a grace of 0 nothing follows the TERM", async () => {
    const { process_id } = await host.processes.start({
      ...person,
      command: "trap 'echo no' TERM; echo up; while :; do sleep 0.05; done",
    });
    await host.processes.attach(process_id).spool.grown(0, AbortSignal.timeout(60_000));
    const asked = await host.processes.kill(process_id, { source: "a", graceMs: 0 });
    assert.deepEqual([asked.status, asked.process.status], ["running", "running"]);
    assert.equal((await host.processes.kill(process_id, { source: "b", graceMs: 100 })).process.exit_code, -9);
  });
  it("P20, P23: killing an ended process answers already_exited, with its true code, and ends its stragglers", async () => {
    const { row, end } = await run({ ...person, command: "sleep 300 & exit 7" });
    assert.equal(end.exit_code, 7);
    const { status, process } = await host.processes.kill(row.process_id, { source: "late" });
    assert.deepEqual(
      [status, process.exit_code, process.completion_reason, process.closed],
      ["already_exited", 7, "exited", true],
    );
  });
  it("P22: is reported as ended at once although a descendant holds its output; the end of output is a second event", async () => {
    const command = "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early; exit 4";
    const { row, end } = await run({ ...person, command, cwd: host.userHome, session_id: "ses_22" });
    assert.deepEqual([end.exit_code, end.output], [4, "early\n"]);
    assert.deepEqual(
      [host.processes.get(row.process_id).bytes_at_exit, host.processes.get(row.process_id).closed],
      [6, false],
    );
    await writeFile(path.join(host.userHome, "go"), "");
    const closed = await host.event("session/ses_22", "process.closed");
    assert.equal(closed.payload.bytes, 11);
    assert.equal(await host.processes.tail(row.process_id, 100), "early\nlate\n");
  });
  it("P23: a kill that races the end yields one completion", async () => {
    for (let round = 0; round < 10; round++) {
      const session_id = `ses_race${round}`;
      const { process_id } = await host.processes.start({ ...person, command: "exit 5", session_id });
      const { status, process } = await host.processes.kill(process_id, { source: "race" });
      assert.equal(status, process.status === "killed" ? "killed" : "already_exited");
      assert.ok(process.exit_code === 5 || process.exit_code === -15);
      assert.equal((await host.events(`session/${session_id}`, "process.ended")).length, 1);
    }
  });

  it("P25, P29: tells matches before the end, each with its notice, and the end with its notice in the same breath", async () => {
    const { row } = await run({
      ...person,
      command: "echo building; printf 'all pas'; sleep 0.1; echo sed; exit 2",
      session_id: "ses_25",
      watch_patterns: ["passed"],
      notify_on_complete: true,
    });
    const events = await host.log.read("session/ses_25", 0, 100);
    assert.deepEqual(
      events.map(({ type }) => type).filter((type) => type !== "process.closed"),
      ["process.started", "process.matched", "notice", "process.ended", "notice"],
    );
    const [matched] = await host.events("session/ses_25", "process.matched");
    assert.deepEqual(
      [matched?.payload.pattern, matched?.payload.lines, matched?.payload.hits],
      ["passed", ["all passed"], 1],
    );
    const notices = await host.events("session/ses_25", "notice");
    assert.equal(notices[1]?.payload.notice_id, endedNotice(row.process_id));
    assert.match(notices[1]?.payload.text ?? "", /ended \(exit code 2\)[\s\S]*all passed/);
    assert.equal(host.processes.get(row.process_id).watch_hits, 1);
  });
  it("P28: what a straggler prints after the exit is no match", async () => {
    const command = "(while [ ! -e go28 ]; do sleep 0.02; done; echo word) & exit 0";
    await run({ ...person, command, cwd: host.userHome, session_id: "ses_28", watch_patterns: ["word"] });
    await writeFile(path.join(host.userHome, "go28"), "");
    await host.event("session/ses_28", "process.closed");
    assert.equal((await host.events("session/ses_28", "process.matched")).length, 0);
  });
  it("P8: output past the quota is dropped oldest first, and the rest is read on", async () => {
    host.settings = { ...host.settings, spoolBytes: 256 * 1024 };
    const { row } = await run({ ...person, command: "seq 1 200000" });
    host.settings = { ...host.settings, spoolBytes: 1 << 20 };
    const page = await host.processes.log(row.process_id, { limit: 2 });
    assert.equal(page.output, "199999\n200000");
    const { spool } = host.processes.attach(row.process_id);
    assert.ok(spool.firstKept > 0 && spool.length === 1_288_895);
  });
  it("P39: kill_all of a session answers how many it ended", async () => {
    const start = (session_id: string) => host.processes.start({ ...person, argv: ["sleep", "300"], session_id });
    const [one, , other] = [await start("ses_39"), await start("ses_39"), await start("ses_40")];
    assert.equal(await host.processes.killAll({ session_id: "ses_39" }, "kill_all"), 2);
    assert.equal(host.processes.get(one.process_id).termination_source, "kill_all");
    assert.equal(host.processes.get(other.process_id).status, "running");
    await host.processes.kill(other.process_id, { source: "test" });
    assert.equal(host.processes.running(), 0);
  });
  it("P2: a viewer sees each resize of a PTY; one of a pipe is refused", async () => {
    const { process_id } = await host.processes.start({ ...person, argv: ["cat"], mode: "pty", rows: 40, cols: 100 });
    const view = host.processes.attach(process_id);
    assert.partialDeepStrictEqual(view.sizes?.last, { rows: 40, cols: 100 });
    const seen: number[][] = [];
    using _listening = view.onResize((rows, cols) => seen.push([rows, cols]));
    assert.deepEqual(await host.processes.resize(process_id, 50, 5000), { rows: 50, cols: 1000 });
    assert.deepEqual(seen, [[50, 1000]]);
    await host.processes.kill(process_id, { source: "test" });
    assert.equal((await view.ended).cause, "killed");
    const pipe = await host.processes.start({ ...person, argv: ["cat"] });
    await assert.rejects(host.processes.resize(pipe.process_id, 50, 50), reasonOf("invalid_params"));
    await host.processes.kill(pipe.process_id, { source: "test" });
  });
});

describe("a watch on a server that colours its output", () => {
  it("P25: hears that it is ready", async () => {
    await using host = await SmallHost.start();
    const session_id = "ses_coloured";
    const vite = String.raw`printf '\n  \e[32m\e[1mVITE\e[22m v7\e[39m  \e[2mready in \e[0m\e[1m300\e[22m ms\n'; sleep 60`;
    const asked = { owner: "agent", argv: ["bash", "-c", vite], mode: "pty", session_id } as const;
    await host.processes.start({ ...asked, watch_patterns: ["ready in 300 ms"] });
    const { payload } = await host.event(`session/${session_id}`, "process.matched");
    assert.deepEqual([payload.pattern, payload.lines], ["ready in 300 ms", ["  VITE v7  ready in 300 ms"]]);
  });
});

describe("a watch that cannot go on as it was", () => {
  it("P30: is told to its session once, with what is no longer looked for", async () => {
    await using host = await SmallHost.start();
    const [session_id, watch_patterns] = ["ses_unwatched", ["ready", { regex: "slow" }]];
    const { process_id } = await host.processes.start({
      owner: "agent",
      argv: ["sleep", "60"],
      session_id,
      watch_patterns,
    });
    const recorder = new Recorder(host.log);
    const row = host.processes.get(process_id);
    for (let n = 0; n < 2; n++)
      await recorder.unwatched(row, freshBook(null), { patterns: [1], why: "it took too long" });
    const notices = await host.events(`session/${session_id}`, "notice");
    assert.equal(notices.length, 1);
    const [told] = notices;
    assert.equal(told?.payload.kind, "unwatched");
    assert.match(told?.payload.text ?? "", /no longer watched for "\/slow\/": it took too long/);
    assert.equal(await recorder.untold(told?.payload.notice_id ?? ""), true);
  });
});
