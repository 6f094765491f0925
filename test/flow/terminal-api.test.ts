// Terminals as a script from outside meets them: a real host, POST /api/rpc, the session's events, and kill -9.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isAlive } from "../../src/keeper/testing/bed.ts";
import type { Payload } from "../../src/protocol/events.ts";
import type { Params } from "../../src/protocol/methods.ts";
import { eventually } from "../support/eventually.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

describe("terminals over the API", () => {
  let host: RunningHost;
  let home: string;
  let session_id: string;
  let watched: Watched;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-terminals-")));
    await mkdir(join(home, "other"));
    await writeFile(join(home, "file"), "");
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/sh", ANTHROPIC_API_KEY: "host-key" });
    session_id = (await rpc(host, "session.create", { workspace: home })).session_id;
    watched = new Watched(await host.client(), session_id);
  });
  after(async () => {
    watched[Symbol.dispose]();
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  const open = (o: Partial<Params<"terminal.open">> = {}) =>
    rpc(host, "terminal.open", { session_id, name: "main", workspace: home, rows: 24, cols: 80, ...o });
  const shown = async (id: string) => (await host.fetch(`/api/processes/${id}/output?from=0`)).text();
  const type = (terminal_id: string, data: string) => rpc(host, "terminal.input", { terminal_id, data });
  const ends = (id: string) =>
    watched
      .of("terminal.ended")
      .map((event) => event.payload as Payload<"terminal.ended">)
      .filter((payload) => payload.terminal_id === id);

  it("T1, T13: is the living one, over kill -9 too; restart and another workspace replace it, and the stream says so once", async () => {
    const first = await open();
    assert.equal(first.existed, false);
    await type(first.terminal_id, "kept=yes\r");
    await host.kill9();
    await host.restart();
    const again = await open({ rows: 30, cols: 90 });
    assert.deepEqual([again.terminal_id, again.pid, again.existed], [first.terminal_id, first.pid, true]);
    await type(first.terminal_id, "stty size; echo is $kept\r");
    await eventually("the same shell, resized", async () => /30 90\r\nis yes/.test(await shown(first.terminal_id)));

    const second = await open({ restart: true });
    assert.notEqual(second.terminal_id, first.terminal_id);
    assert.equal(await isAlive(first.pid ?? 0), false, "the old shell is gone first");
    const third = await open({ workspace: "~/other" });
    assert.equal(third.workspace, join(home, "other"));
    assert.equal(await isAlive(second.pid ?? 0), false);
    const same = await rpc(host, "terminal.open", { session_id, name: "main" });
    assert.deepEqual(
      [same.terminal_id, same.workspace],
      [third.terminal_id, third.workspace],
      "no other was asked for",
    );
    await watched.seen("terminal.ended", 2);
    for (const { terminal_id } of [first, second])
      assert.deepEqual(
        ends(terminal_id).map(({ cause }) => cause),
        ["replaced"],
      );
    const { terminals } = await rpc(host, "terminal.list", { session_id });
    assert.deepEqual(
      terminals.map((row) => [row.terminal_id, row.status]),
      [[third.terminal_id, "running"]],
    );
  });

  it("T1, T13: an ended one stays readable with its code, over kill -9 too, until it is closed", async () => {
    const { terminal_id } = await open({ name: "ends" });
    await type(terminal_id, "echo last words; exit 7\r");
    await watched.until(() => ends(terminal_id).length > 0);
    assert.deepEqual(
      ends(terminal_id).map(({ cause, terminal }) => [cause, terminal.exit_code, terminal.signal]),
      [["exited", 7, null]],
    );
    await host.kill9();
    await host.restart();
    const { terminals } = await rpc(host, "terminal.list", { session_id });
    const row = terminals.find((one) => one.terminal_id === terminal_id);
    assert.deepEqual([row?.status, row?.exit_code], ["exited", 7]);
    assert.match(await shown(terminal_id), /\r\nlast words\r\n/);
    assert.equal((await refused(host, "terminal.input", { terminal_id, data: "x" })).data.reason, "not_running");
    assert.deepEqual(await rpc(host, "terminal.close", { terminal_id }), { closed: true });
    assert.deepEqual(await rpc(host, "terminal.close", { terminal_id }), { closed: false });
    assert.equal(ends(terminal_id).length, 1);
    const next = await open({ name: "ends" });
    await rpc(host, "terminal.close", { terminal_id: next.terminal_id });
    await watched.until(() => ends(next.terminal_id).length > 0);
    assert.equal(ends(next.terminal_id)[0]?.cause, "closed");
    assert.equal(await isAlive(next.pid ?? 0), false);
  });

  it("T1: what is missing or is no directory is said by a reason", async () => {
    const size = { rows: 24, cols: 80 };
    for (const [params, reason] of [
      [{ name: "x", workspace: home, ...size }, "invalid_params"],
      [{ session_id: "", workspace: home, ...size }, "invalid_params"],
      [{ session_id: "ses_000000000000", workspace: home, ...size }, "session_not_found"],
      [{ session_id, workspace: join(home, "nowhere"), ...size }, "workspace_invalid"],
      [{ session_id, workspace: join(home, "file"), ...size }, "workspace_invalid"],
    ] as const)
      assert.equal((await refused(host, "terminal.open", params)).data.reason, reason);
    const terminal_id = "term_000000000000";
    assert.deepEqual(await rpc(host, "terminal.close", { terminal_id }), { closed: false });
    const resize = await refused(host, "terminal.resize", { terminal_id, ...size });
    assert.equal(resize.data.reason, "terminal_not_found");
  });

  it("T4: sizes are clamped, garbage is 24 × 80, and the foreground program is told", async () => {
    const { terminal_id } = await open({ name: "sizes" });
    for (const [rows, cols, real] of [
      [1, 1, [8, 20]],
      [9999, 9999, [500, 1000]],
      ["thirty", null, [24, 80]],
      [{}, [], [24, 80]],
      [33.7, 77, [33, 77]],
    ] as const) {
      const size = await rpc(host, "terminal.resize", { terminal_id, rows, cols });
      assert.deepEqual([size.rows, size.cols], real, `${String(rows)} × ${String(cols)}`);
    }
    await type(terminal_id, `sh -c 'trap "stty size" WINCH; echo rea""dy; while :; do sleep 0.05; done'\r`);
    await eventually("the program runs", async () => (await shown(terminal_id)).includes("\nready"));
    await rpc(host, "terminal.resize", { terminal_id, rows: 40, cols: 111 });
    await eventually("it was told", async () => (await shown(terminal_id)).includes("40 111"));
  });

  it("T3, T5, T6: bytes go through unchanged, and no secret of the host is in its environment", async () => {
    const { terminal_id } = await open({ name: "bytes" });
    await type(terminal_id, "env; stty raw -echo; echo rea''dy; head -c 5 | od -An -tx1; stty sane\r");
    await eventually("it reads", async () => (await shown(terminal_id)).includes("ready"));
    const base64 = Buffer.of(0xff, 0, 0x1b, 0xc3, 0xa9).toString("base64");
    assert.deepEqual(await rpc(host, "terminal.input", { terminal_id, data: { base64 } }), { bytes: 5 });
    await eventually("it has read them", async () => (await shown(terminal_id)).includes("ff 00 1b c3 a9"));
    const environment = await shown(terminal_id);
    assert.match(environment, /^TERM=xterm-256color\r$/m);
    assert.match(environment, /^COLORTERM=truecolor\r$/m);
    assert.doesNotMatch(environment, /API_KEY|HEARTH_HOME|HEARTH_PORT|HEARTH_CONFIG|npm_/);
  });
});
