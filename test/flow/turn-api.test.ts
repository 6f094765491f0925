// Turns as a script from outside meets them: a real host, POST /api/rpc, the session's events, and what really runs.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readlink, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { alive } from "../../src/keeper/testing/bed.ts";
import type { Payload } from "../../src/protocol/events.ts";
import { eventually } from "../support/eventually.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

describe("turns over the API", () => {
  let host: RunningHost;
  let base: string;
  before(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "hearth-turns-")));
    host = await RunningHost.start({ SHELL: "/bin/sh" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  async function session(name: string) {
    const workspace = join(base, name);
    await mkdir(workspace, { recursive: true });
    const { session_id } = await rpc(host, "session.create", { workspace });
    return { workspace, session_id, watched: new Watched(await host.client(), session_id) };
  }
  const ends = (watched: Watched) => watched.of("turn.ended").map((event) => event.payload as Payload<"turn.ended">);
  const results = (watched: Watched) =>
    watched.of("tool.complete").map((event) => event.payload as Payload<"tool.complete">);

  it("S1, S2, S4: twelve sessions at once, each in its own workspace, and the host stands where it stood", async () => {
    const before = await readlink(`/proc/${host.pid}/cwd`);
    const names = Array.from({ length: 12 }, (_, n) => `session ${n}`);
    const all = await Promise.all(names.map(session));
    const commands = "run pwd; sleep 0.2; pwd\nwrite mine.txt: here\nread mine.txt";
    const answers = await Promise.all(
      all.map(({ session_id }) => rpc(host, "prompt.submit", { session_id, text: commands })),
    );
    for (const [at, { workspace, watched }] of all.entries()) {
      await watched.seen("turn.ended");
      assert.equal(answers[at]?.stream_id, answers[at]?.turn_id);
      assert.deepEqual(
        results(watched).map(({ status }) => status),
        ["ok", "ok", "ok"],
      );
      assert.ok(results(watched)[0]?.result.startsWith(`${workspace}\n${workspace}\n`), results(watched)[0]?.result);
      watched[Symbol.dispose]();
    }
    assert.equal(await readlink(`/proc/${host.pid}/cwd`), before);
  });

  it("S1: one turn at a time; what comes meanwhile queues, or interrupts, as it says", async () => {
    const { session_id, watched } = await session("modes");
    const submit = (text: string, mode?: "queue" | "interrupt") =>
      rpc(host, "prompt.submit", { session_id, text, ...(mode === undefined ? {} : { mode }) });
    const first = await submit("wait 60");
    await watched.seen("turn.started");
    const second = await submit("say second");
    assert.deepEqual([first.status, second.status], ["started", "queued"]);
    await submit("say third", "interrupt");
    await watched.seen("turn.ended", 3);
    assert.deepEqual(
      ends(watched).map(({ status }) => status),
      ["cancelled", "done", "done"],
    );
    let open = 0;
    for (const { type } of watched.events) {
      if (type === "turn.started") open++;
      if (type === "turn.ended") open--;
      assert.ok(open === 0 || open === 1, "never two at a time");
    }
    watched[Symbol.dispose]();
  });

  it("S7: a cancel in a tool ends its process tree, keeps what was done, and nothing of the turn follows", async () => {
    const tag = `57.${process.pid}`;
    const { session_id, watched } = await session("cancel");
    const { stream_id } = await rpc(host, "prompt.submit", {
      session_id,
      text: `run echo first\nrun setsid sleep ${tag} & sleep ${tag}1\nsay never`,
    });
    await eventually("both run", async () => (await alive(`sleep ${tag}`)).length === 2);
    const cancel = async (id: string) => {
      const response = await host.fetch("/api/chat/cancel", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ stream_id: id }),
      });
      return ((await response.json()) as { cancelled: boolean }).cancelled;
    };
    assert.equal(await cancel(stream_id), true);
    await watched.seen("turn.ended");
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    assert.equal(ends(watched)[0]?.status, "cancelled");
    assert.deepEqual(
      results(watched).map(({ status }) => status),
      ["ok", "cancelled"],
    );
    assert.equal(await cancel(stream_id), false, "it is over");
    assert.equal(await cancel("turn_000000000000"), false, "there is none");
    assert.deepEqual(await rpc(host, "session.interrupt", { session_id }), { interrupted: false });
    await rpc(host, "prompt.submit", { session_id, text: "say on we go" });
    await watched.seen("turn.ended", 2);
    const end = watched.events.findIndex(({ type }) => type === "turn.ended");
    const later = watched.events.slice(end + 1).map(({ payload }) => (payload as { turn_id?: string }).turn_id);
    assert.ok(!later.includes(stream_id));
    const { messages } = await rpc(host, "session.history", { session_id });
    assert.ok(messages.some(({ role, text }) => role === "tool" && text.startsWith("first\n")));
    watched[Symbol.dispose]();
  });

  it("S7: a cancelled answer keeps what was said, marked as cut, also after kill -9", async () => {
    const { session_id, watched } = await session("cut");
    await rpc(host, "prompt.submit", { session_id, text: `say ${"word ".repeat(2000)}` });
    await watched.seen("message.delta", 3);
    assert.deepEqual(await rpc(host, "session.interrupt", { session_id }), { interrupted: true });
    await watched.seen("turn.ended");
    await host.kill9();
    await host.restart();
    const { messages } = await rpc(host, "session.history", { session_id });
    const said = messages.find(({ role }) => role === "assistant");
    assert.equal(said?.cut, true);
    assert.match(said?.text ?? "", /^word word word/);
    assert.ok((said?.text.length ?? 0) < 5 * 2000);
    assert.equal(ends(watched).length, 1);
    watched[Symbol.dispose]();
  });

  it("S6, S10: a question to the person waits through kill -9, is shown to whoever comes next, and is answered once", async () => {
    const { session_id, watched } = await session("ask");
    await rpc(host, "prompt.submit", { session_id, text: "ask Which colour?\nsay thank you" });
    await watched.seen("clarify.request");
    await host.kill9();
    await host.restart();
    const { pending } = await rpc(host, "session.resume", { session_id });
    assert.deepEqual(
      pending.map(({ kind, text }) => [kind, text]),
      [["clarify", "Which colour?"]],
    );
    const request_id = pending[0]?.request_id ?? "";
    const answered = await rpc(host, "clarify.respond", { request_id, answer: "blue" });
    assert.deepEqual(answered, { settled: true, answer: "blue" });
    await watched.seen("turn.ended");
    assert.equal(ends(watched)[0]?.status, "done");
    assert.equal(watched.of("clarify.request").length, 1, "asked once");
    assert.equal(watched.of("clarify.settled").length, 1);
    assert.match(results(watched)[0]?.result ?? "", /blue/);
    const late = await refused(host, "clarify.respond", { request_id, answer: "red" });
    assert.match(late.data.reason, /^(already_settled|request_not_found)$/);
    watched[Symbol.dispose]();
  });

  it("P30: work handed out and told over wakes the agent once, through kill -9 right after the answer", async () => {
    const { session_id, watched } = await session("delegated");
    const work = { session_id, delegation_id: 12, goal: "count the stars", duration_s: 3700 };
    const results = [
      { task: "the north", status: "done" as const, summary: "many" },
      { task: "the south", status: "failed" as const, summary: "clouds" },
    ];
    const first = await rpc(host, "delegation.complete", { ...work, results });
    await host.kill9();
    await host.restart();
    await watched.seen("turn.ended");
    const again = await rpc(host, "delegation.complete", { ...work, goal: "count the sheep", results });
    assert.deepEqual(again, first);
    await rpc(host, "prompt.submit", { session_id, text: "say hello" });
    await watched.until(() => ends(watched).length === 2);
    const told = watched.of("turn.started").map((event) => (event.payload as Payload<"turn.started">).notices);
    assert.deepEqual(told, [[first.notice_id], []]);
    const { messages } = await rpc(host, "session.history", { session_id });
    const [notice, ...more] = messages.filter(({ role }) => role === "notice");
    assert.deepEqual(more, []);
    assert.match(
      notice?.text ?? "",
      /in 2 tasks is over: 1 done, 1 failed, after 1 h 1 min [\s\S]*count the stars[\s\S]*clouds/,
    );
    assert.equal((await refused(host, "delegation.complete", { ...work, results: [] })).data.reason, "invalid_params");
    const unknown = await refused(host, "delegation.complete", { ...work, session_id: "ses_none", results });
    assert.equal(unknown.data.reason, "session_not_found");
    watched[Symbol.dispose]();
  });
});
