import assert from "node:assert/strict";
import { mkdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { isAlive } from "../keeper/testing/bed.ts";
import type { Attachment } from "../processes/attachment.ts";
import { SmallHost } from "../processes/testing/small-host.ts";
import { HostError } from "../protocol/errors.ts";
import { Terminals, terminalEnvironment } from "./terminals.ts";

const reasonOf = (reason: string) => (error: unknown) => error instanceof HostError && error.reason === reason;

/** Reads a terminal until its output holds `text`; fails when it ends before. */
async function sees(view: Attachment, text: string | RegExp): Promise<string> {
  const patience = AbortSignal.timeout(60_000);
  for (;;) {
    const { bytes } = await view.spool.read(0, 1 << 20);
    const shown = bytes.toString("utf8");
    if (typeof text === "string" ? shown.includes(text) : text.test(shown)) return shown;
    if (view.spool.ended || patience.aborted) assert.fail(`no ${String(text)} in ${JSON.stringify(shown)}`);
    await view.spool.grown(bytes.length, patience);
  }
}

function terminalsOf(host: SmallHost): Promise<Terminals> {
  return Terminals.open({
    keepers: host.keepers,
    log: host.log,
    adopted: host.adopted,
    baseEnvironment: host.base,
    settings: () => host.settings,
    onWarning: host.warn,
  });
}

describe("a terminal", () => {
  let host: SmallHost;
  let terminals: Terminals;
  before(async () => {
    host = await SmallHost.start();
    host.base = { ...host.base, SHELL: "/bin/sh", OPENAI_API_KEY: "k", SOMETHING: "secret", LC_TIME: "C" };
    terminals = await terminalsOf(host);
  });
  after(async () => {
    await terminals.endAll();
    await terminals.close();
    await host[Symbol.asyncDispose]();
  });
  const open = (session_id: string, o: Partial<Parameters<Terminals["open"]>[0]> = {}) =>
    terminals.open({ session_id, workspace: host.home, rows: 24, cols: 80, ...o });
  const type = (id: string, text: string) => terminals.input(id, Buffer.from(text));

  it("T1: is one per session and name, also when asked for at the same time, and is resized when asked again", async () => {
    const [one, two] = await Promise.all([open("ses_1"), open("ses_1")]);
    assert.equal(one.terminal_id, two.terminal_id);
    assert.notEqual(one.existed, two.existed);
    const again = await open("ses_1", { rows: 50, cols: 200 });
    assert.deepEqual([again.terminal_id, again.rows, again.cols], [one.terminal_id, 50, 200]);
    assert.notEqual((await open("ses_1", { name: "other" })).terminal_id, one.terminal_id);
    assert.notEqual((await open("ses_2")).terminal_id, one.terminal_id);
    assert.deepEqual(
      terminals.list({ session_id: "ses_1" }).map(({ name }) => name),
      ["main", "other"],
    );
  });
  it("T1, T13: restart and another workspace replace it; the old shell is gone first and its stream says so", async () => {
    const one = await open("ses_replace");
    const view = terminals.attach(one.terminal_id);
    const two = await open("ses_replace", { restart: true });
    assert.deepEqual([two.existed, terminals.has(one.terminal_id)], [false, false]);
    assert.equal((await view.ended).cause, "replaced");
    await mkdir(path.join(host.userHome, "w"));
    const three = await open("ses_replace", { workspace: "~/w" });
    assert.equal(three.workspace, await realpath(path.join(host.userHome, "w")));
    const events = await host.log.read("session/ses_replace", 0, 100);
    assert.deepEqual(
      events.map((event) => [event.type, "terminal_id" in event.payload ? event.payload.terminal_id : ""]),
      [
        ["terminal.opened", one.terminal_id],
        ["terminal.ended", one.terminal_id],
        ["terminal.opened", two.terminal_id],
        ["terminal.ended", two.terminal_id],
        ["terminal.opened", three.terminal_id],
      ],
    );
    await symlink(path.join(host.userHome, "w"), path.join(host.home, "link"));
    assert.equal((await open("ses_replace", { workspace: path.join(host.home, "link") })).existed, true);
  });
  it("T1: is the living one, resized, wherever it is, if no workspace was asked for; a new one begins in the one given", async () => {
    const folder = path.join(host.userHome, "elsewhere");
    await mkdir(folder);
    const one = await open("ses_where", { workspace: folder });
    const again = await open("ses_where", { anywhere: true, rows: 30 });
    assert.deepEqual(
      [again.terminal_id, again.existed, again.rows, again.workspace],
      [one.terminal_id, true, 30, await realpath(folder)],
    );
    const gone = await open("ses_where", { anywhere: true, workspace: "/no/such/folder" });
    assert.equal(gone.terminal_id, one.terminal_id, "where a new one would begin does not matter");
    const anew = { anywhere: true, workspace: "/no/such/folder", restart: true };
    await assert.rejects(open("ses_where", anew), reasonOf("workspace_invalid"));
    assert.equal(terminals.get(one.terminal_id).status, "running", "nothing is ended for one that cannot begin");
    const other = await open("ses_where", { anywhere: true, restart: true });
    assert.deepEqual([other.existed, other.workspace], [false, await realpath(host.home)]);
    assert.equal((await open("ses_where", { workspace: folder })).existed, false);
  });
  it("T1: what cannot be opened, found or resized is said by a reason", async () => {
    await assert.rejects(open(" "), reasonOf("invalid_params"));
    await assert.rejects(open("ses_3", { workspace: "/no/such/folder" }), reasonOf("workspace_invalid"));
    await assert.rejects(terminals.resize("term_nosuch", 24, 80), reasonOf("terminal_not_found"));
    assert.equal(await terminals.end("term_nosuch"), false);
  });
  it("T1, T5: stays readable after its end until it is opened again; typing into it is an error", async () => {
    const { terminal_id } = await open("ses_end");
    const view = terminals.attach(terminal_id);
    await type(terminal_id, "echo last words; exit 3\r");
    assert.deepEqual(await view.ended, { exit_code: 3, signal: null, cause: "exited" });
    assert.equal(terminals.get(terminal_id).status, "exited");
    await sees(terminals.attach(terminal_id), "\nlast words");
    await assert.rejects(type(terminal_id, "x"), reasonOf("not_running"));
    assert.notEqual((await open("ses_end")).terminal_id, terminal_id);
    assert.equal(terminals.has(terminal_id), false);
  });
  it("T13: that one which had ended was closed is told once; one that is closed while it runs tells it with its end", async () => {
    const { terminal_id } = await open("ses_closed");
    await type(terminal_id, "exit 3\r");
    await terminals.attach(terminal_id).ended;
    assert.deepEqual(await Promise.all([terminals.end(terminal_id), terminals.end(terminal_id)]), [true, false]);
    const other = await open("ses_closed");
    await terminals.end(other.terminal_id);
    const events = await host.log.read("session/ses_closed", 0, 100);
    assert.deepEqual(
      events.map(({ type, payload }) => [type, (payload as { terminal_id?: string }).terminal_id]),
      [
        ["terminal.opened", terminal_id],
        ["terminal.ended", terminal_id],
        ["terminal.closed", terminal_id],
        ["terminal.opened", other.terminal_id],
        ["terminal.ended", other.terminal_id],
      ],
    );
    // The next host does not know it either.
    assert.ok(!(await host.log.views("terminal")).has(terminal_id));
  });
  it("T1: asked for at the very moment its shell ends it is a new one, and no error", async () => {
    const { terminal_id } = await open("ses_moment");
    const view = terminals.attach(terminal_id);
    const gate = Promise.withResolvers<void>();
    const { append } = host.log;
    host.log.append = async (stream, events, options) => {
      if (events.some(({ type }) => type === "terminal.ended")) await gate.promise;
      return append.call(host.log, stream, events, options);
    };
    await type(terminal_id, "exit 3\r");
    while (!view.spool.ended) await view.spool.grown(view.spool.length, AbortSignal.timeout(60_000));
    assert.equal(terminals.get(terminal_id).status, "running", "its end is not recorded yet");
    const opening = open("ses_moment", { rows: 40, cols: 100 });
    gate.resolve();
    const next = await opening;
    host.log.append = append;
    assert.deepEqual([next.existed, next.rows, next.status], [false, 40, "running"]);
    assert.notEqual(next.terminal_id, terminal_id);
    assert.equal((await view.ended).exit_code, 3);
  });
  it("T2, T3: runs the person's shell in the workspace, with an allow-list of the environment", async () => {
    const { terminal_id, shell } = await open("ses_env", { workspace: host.userHome });
    assert.equal(shell, "/bin/sh");
    const view = terminals.attach(terminal_id);
    await type(terminal_id, "env; echo in $(pwd -P) $-; printf do; echo ne\r");
    const shown = await sees(view, "\ndone");
    assert.ok(shown.includes(`in ${await realpath(host.userHome)}`));
    assert.match(shown, /in \S+ \S*i/);
    for (const line of ["TERM=xterm-256color", "COLORTERM=truecolor", "HEARTH_TERMINAL=1", "LC_TIME=C"])
      assert.ok(shown.includes(line), line);
    assert.doesNotMatch(shown, /OPENAI_API_KEY|SOMETHING=/);
  });
  it("T3: tells the shell its folder and which shell it is", () => {
    assert.deepEqual(terminalEnvironment({ base: {}, passed: [], folder: "/w", shell: "/bin/zsh" }), {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      TERM: "xterm-256color",
      COLORTERM: "truecolor",
      PWD: "/w",
      SHELL: "/bin/zsh",
      HEARTH_TERMINAL: "1",
    });
  });
  it("T4: a resize is clamped, reaches the foreground program and every viewer", async () => {
    const { terminal_id } = await open("ses_size", { rows: "junk", cols: null });
    assert.partialDeepStrictEqual(terminals.attach(terminal_id).sizes?.last, { rows: 24, cols: 80 });
    const view = terminals.attach(terminal_id);
    const seen: number[][] = [];
    using _listening = view.onResize((rows, cols) => seen.push([rows, cols]));
    assert.deepEqual(await terminals.resize(terminal_id, 3, 9_999), { rows: 8, cols: 1000 });
    await terminals.resize(terminal_id, 40, 120);
    assert.deepEqual(seen, [
      [8, 1000],
      [40, 120],
    ]);
    await type(terminal_id, "stty size\r");
    await sees(view, "\n40 120");
    assert.deepEqual([terminals.get(terminal_id).rows, terminals.get(terminal_id).cols], [40, 120]);
  });
  it("T4: a running program that asks for the size as ncurses does sees the new one", async () => {
    const { terminal_id } = await open("ses_ncurses", { rows: 30, cols: 90 });
    const view = terminals.attach(terminal_id);
    const program = "trap 'echo now $(tput cols) by $(tput lines)' WINCH; echo ready; while :; do sleep 0.05; done";
    await type(terminal_id, `sh -c "${program.replaceAll("$", "\\$")}"\r`);
    await sees(view, "\nready");
    await terminals.resize(terminal_id, 40, 120);
    await sees(view, "now 120 by 40");
  });
  it("T5, T6: input and output go through unchanged, as bytes", async () => {
    const { terminal_id } = await open("ses_bytes");
    const view = terminals.attach(terminal_id);
    await type(terminal_id, "stty raw -echo; printf ready; head -c 6 | od -An -tx1; stty sane\r");
    await sees(view, /ready$/);
    await terminals.input(terminal_id, Buffer.from([0x1b, 0x5b, 0x41, 0xff, 0x00, 0x03]));
    await sees(view, /1b 5b 41 ff 00 03\s+[#$] $/);
    await type(terminal_id, "printf '\\033[31m\\303\\251\\377'\r");
    await sees(view, "é\ufffd");
    const { bytes } = await view.spool.read(0, 1 << 20);
    assert.ok(bytes.includes(Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xc3, 0xa9, 0xff])));
  });
  it("T10: closing one whose shell has ended ends what that shell left running, and keeps how it ended", async () => {
    const { terminal_id } = await open("ses_left");
    const view = terminals.attach(terminal_id);
    const left = "trap '' HUP; setsid sh -c 'echo $$ > left; exec sleep 300' </dev/null >/dev/null 2>&1 &";
    await type(terminal_id, `${left} while ! [ -s left ]; do sleep 0.02; done; exit 4\r`);
    assert.equal((await view.ended).exit_code, 4);
    const pid = Number(await readFile(path.join(host.home, "left"), "utf8"));
    assert.equal(await isAlive(pid), true);
    assert.equal(await terminals.end(terminal_id), true);
    assert.equal(await isAlive(pid), false);
    assert.equal((await host.events("session/ses_left", "terminal.ended")).length, 1);
  });
  it("T10, T13: closing hangs up, insists, and leaves nothing behind", async () => {
    const { terminal_id } = await open("ses_close");
    const view = terminals.attach(terminal_id);
    await type(terminal_id, "trap '' HUP; (trap '' HUP; exec setsid sleep 300) & echo up $((40 + 2))\r");
    await sees(view, "up 42");
    assert.equal(await terminals.end(terminal_id), true);
    assert.deepEqual(await view.ended, { exit_code: -9, signal: "SIGKILL", cause: "closed" });
    assert.deepEqual([terminals.has(terminal_id), await terminals.end(terminal_id)], [false, false]);
    const [ended] = await host.events("session/ses_close", "terminal.ended");
    assert.deepEqual([ended?.payload.cause, ended?.payload.terminal.signal], ["closed", "SIGKILL"]);
    await sees(view, "up 42"); // whoever watched can still read the end
  });
});

describe("terminals over a restart of the host", () => {
  it("T11: the shells run on, keep their names and sizes, and are told once when they end", async () => {
    await using host = await SmallHost.start();
    const first = await terminalsOf(host);
    const workspace = host.home;
    const one = await first.open({ session_id: "ses_a", workspace, rows: 30, cols: 90 });
    const two = await first.open({ session_id: "ses_b", workspace, rows: 30, cols: 90 });
    await first.resize(one.terminal_id, 33, 99);
    await first.input(one.terminal_id, Buffer.from("x=kept\r"));
    await first.input(two.terminal_id, Buffer.from("while [ ! -e go ]; do sleep 0.02; done; exit 6\r"));
    await first.close();
    await host.down();
    await writeFile(path.join(host.home, "go"), "");
    await host.up();
    const second = await terminalsOf(host);
    const again = await second.open({ session_id: "ses_a", workspace });
    assert.deepEqual(
      [again.terminal_id, again.existed, again.recovered, again.rows, again.cols],
      [one.terminal_id, true, true, 33, 99],
    );
    await second.input(one.terminal_id, Buffer.from("echo $x\r"));
    await sees(second.attach(one.terminal_id), /[\r\n]kept/);
    assert.equal((await second.attach(two.terminal_id).ended).exit_code, 6);
    assert.equal(second.running(), 1);
    assert.equal(await second.endAll(), 1);
    await second.close();
    await host.down();
    await host.up();
    const third = await terminalsOf(host);
    assert.deepEqual(
      third.list({}).map(({ terminal_id, status }) => [terminal_id, status]),
      [[two.terminal_id, "exited"]],
    );
    assert.equal((await host.events("session/ses_b", "terminal.ended")).length, 1);
    assert.equal((await host.events("session/ses_a", "terminal.opened")).length, 1);
    assert.equal((await host.keepers.adopt()).length, 1);
    await third.close();
  });
});
