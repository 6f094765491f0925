import assert from "node:assert/strict";
import { mkdtemp, realpath } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ScriptedModel } from "../../test/support/scripted-model.ts";
import { LogBehind } from "../log/event-log.ts";
import { ModelError } from "../models/model.ts";
import { HostError } from "../protocol/errors.ts";
import { newEvent, sessionStream } from "../protocol/events.ts";
import { only, type Settings, TestTurns, tool, types } from "./testing/test-turns.ts";

const t = new TestTurns();

describe("a turn", () => {
  it("S1: is answered with its id at once; a second prompt waits for the first; sessions do not wait for each other", async () => {
    const gate = Promise.withResolvers<void>();
    await t.host(
      new ScriptedModel([[{ wait: gate.promise }, { text: "first" }], [{ text: "other" }], [{ text: "second" }]]),
    );
    const [a, b] = [await t.session(), await t.session()];
    const first = await t.turns.submit({ session_id: a, text: "one" });
    const second = await t.turns.submit({ session_id: a, text: "two" });
    assert.equal(first?.status, "started");
    assert.equal(second?.status, "queued");
    await t.turns.submit({ session_id: b, text: "else" });
    await t.seen(b, "turn.ended");
    assert.deepEqual(only(await t.all(a), "turn.ended"), []);
    gate.resolve();
    const events = await t.seen(a, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.turn_id),
      [first?.turn_id, second?.turn_id],
    );
  });

  it("S1: the same key twice is one prompt, and with other words it is refused", async () => {
    await t.host(new ScriptedModel([]));
    const id = await t.session();
    const [one, two] = await Promise.all([
      t.turns.submit({ session_id: id, text: "hi", key: "k" }),
      t.turns.submit({ session_id: id, text: "hi", key: "k" }),
    ]);
    assert.equal(one?.turn_id, two?.turn_id);
    await assert.rejects(async () => t.turns.submit({ session_id: id, text: "ho", key: "k" }), {
      reason: "key_reused",
    });
    const events = await t.seen(id, "turn.ended");
    assert.equal(only(events, "prompt.accepted").length, 1);
  });

  it("S1: a prompt that steers joins the running turn before its next answer", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel([[{ wait: gate.promise }, { text: "first" }], [{ text: "as you wish" }]]);
    await t.host(model);
    const id = await t.session();
    const turn = await t.turns.submit({ session_id: id, text: "go" });
    const steered = await t.turns.submit({ session_id: id, text: "left", mode: "steer" });
    assert.deepEqual([steered?.status, steered?.turn_id], ["steered", turn?.turn_id]);
    gate.resolve();
    const events = await t.seen(id, "turn.ended");
    assert.equal(only(events, "turn.started").length, 1);
    assert.deepEqual(
      model.requests[1]?.messages.map((m) => m.text),
      ["go", "first", "left"],
    );
  });

  it("S3: shows a model nothing but roles, words and calls; what is only for display stays in the transcript", async () => {
    const model = new ScriptedModel([], { typedByPerson: false });
    await t.host(model);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "look", attachments: [{ name: "a.png", _private: 1 }] });
    await t.seen(id, "turn.ended");
    assert.deepEqual(model.requests[0]?.messages, [
      { role: "user", from: "person", text: `[Workspace: ${t.home}]\nlook` },
    ]);
    const history = await t.turns.history({ session_id: id });
    assert.deepEqual(history?.messages[0]?.attachments, [{ name: "a.png", _private: 1 }]);
    assert.equal(history?.messages[0]?.text, "look", "S4: the stored words carry no tag");
  });

  it("S4: a prompt may bring a workspace, and the next session remembers it", async () => {
    await t.host(new ScriptedModel([]));
    const id = await t.session();
    const other = await realpath(await mkdtemp(join(t.home, "other-")));
    await t.turns.submit({ session_id: id, text: "here", workspace: other });
    await t.seen(id, "turn.ended");
    assert.equal((await t.turns.create({}))?.session.workspace, other);
    const missing = t.turns.submit({ session_id: id, text: "x", workspace: join(t.home, "missing") });
    await assert.rejects(async () => missing, { reason: "workspace_invalid" });
  });

  it("S4: the workspace of a session can be changed between turns", async () => {
    const model = new ScriptedModel([], { typedByPerson: false });
    await t.host(model);
    const id = await t.session();
    const other = await realpath(await mkdtemp(join(t.home, "other-")));
    await assert.rejects(t.turns.setWorkspace(id, "relative"), { reason: "workspace_invalid" });
    assert.equal((await t.turns.setWorkspace(id, other)).workspace, other);
    await t.turns.submit({ session_id: id, text: "where" });
    await t.seen(id, "turn.ended");
    assert.match(model.requests[0]?.system ?? "", new RegExp(`active workspace is ${other}`));
  });

  it("P14: a tool that waits hears at once that the person has sent a message", async () => {
    const patient = tool("process", {
      run: (_args, ctx) =>
        new Promise((resolve) => {
          ctx.newMessage.addEventListener("abort", () => resolve({ status: "ok", result: "interrupted" }));
        }),
    });
    await t.host(new ScriptedModel([[{ tool: "process", args: {} }], [{ text: "yes?" }]]), [patient]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "wait for it" });
    await t.seen(id, "tool.start");
    await t.turns.submit({ session_id: id, text: "are you there?", mode: "steer" });
    const events = await t.seen(id, "turn.ended");
    assert.equal(only(events, "tool.complete")[0]?.payload.result, "interrupted");
    assert.equal(only(events, "turn.started").length, 1);
  });

  it("S5: reads personality and default model at the time of the turn, and stores neither in the transcript", async () => {
    const [one, two] = [new ScriptedModel([]), new ScriptedModel([], { id: "scripted/two" })];
    const patch: Partial<Settings> = {};
    await t.host([one, two], [], patch);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "a" });
    await t.seen(id, "turn.ended");
    await t.turns.close();
    await t.host([one, two], [], {
      model: "scripted/two",
      personality: { system_prompt: "You are a pirate", tone: "salty" },
    });
    await t.turns.submit({ session_id: id, text: "b" });
    const events = await t.seen(id, "turn.ended", 2);
    assert.match(two.requests[0]?.system ?? "", /You are a pirate\nTone: salty/);
    assert.doesNotMatch(JSON.stringify(events), /pirate/);
  });

  it("S5: the agent has the tools that the settings name at the time, and no others", async () => {
    const patch: Partial<Settings> = { tools: ["read_file"] };
    const model = new ScriptedModel([[{ tool: "terminal", args: {} }]]);
    const shell = tool("terminal");
    await t.host(model, [shell, tool("read_file")], patch);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(
      model.requests[0]?.tools.map((one) => one.name),
      ["read_file"],
    );
    assert.match(only(events, "tool.complete")[0]?.payload.result ?? "", /no tool "terminal"/);
    assert.equal(shell.runs, 0);
  });

  it("tells the agent at each answer what it has running, so that it never forgets it", async () => {
    const model = new ScriptedModel([[{ tool: "terminal", args: {} }]]);
    const running: string[] = [];
    const shell = tool("terminal", {
      run: async () => {
        running.push("- proc_1: npm run dev");
        return { status: "ok", result: "started" };
      },
    });
    await t.host(model, [shell], {}, () => running);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "turn.ended");
    assert.doesNotMatch(model.requests[0]?.system ?? "", /Running in the background/);
    assert.match(model.requests[1]?.system ?? "", /Running in the background now.*\n- proc_1: npm run dev/);
  });

  it("S8: a model's failure is a typed end of the turn, and what it had begun is dropped", async () => {
    const fail = new ModelError("rate_limit", "Too many requests", "Wait a minute.");
    await t.host(new ScriptedModel([[{ text: "half" }, { fail }]]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-3), ["message.delta", "message.dropped", "turn.ended"]);
    const [ended] = only(events, "turn.ended");
    assert.equal(ended?.payload.error?.type, "rate_limit");
    assert.match(ended?.payload.error?.hint ?? "", /No fallback model is set/);
  });

  it("S8: the fallback model answers where the first is overloaded", async () => {
    const fail = new ModelError("rate_limit", "Too many requests", "Wait.");
    const second = new ScriptedModel([[{ text: "I can" }]], { id: "scripted/two" });
    await t.host([new ScriptedModel([[{ fail }]]), second], [], { fallbackModel: "scripted/two" });
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const events = await t.seen(id, "turn.ended");
    assert.equal(only(events, "message.complete")[0]?.payload.model, "scripted/two");
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "done");
  });

  it("S14: sends no event before it is durable, and loses no part of a streamed answer", async () => {
    const words = Array.from({ length: 500 }, (_, n) => ({ text: `w${n} ` }));
    await t.host(new ScriptedModel([words]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const events = await t.seen(id, "turn.ended");
    const streamed = only(events, "message.delta")
      .map((e) => e.payload.text)
      .join("");
    assert.equal(streamed, words.map((w) => w.text).join(""));
    assert.equal(only(events, "message.complete")[0]?.payload.text, streamed);
  });

  it("S15: waits for a full disk, says so meanwhile to whoever listens, and goes on by itself", async () => {
    const { log } = t;
    const gate = Promise.withResolvers<void>();
    await t.host(new ScriptedModel([[{ wait: gate.promise }, { text: "answer" }]]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "turn.started");
    const append = log.append.bind(log);
    let full = 2;
    log.append = (stream, events, options) =>
      stream === sessionStream(id) && full-- > 0
        ? Promise.reject(new HostError("storage_full", "no room"))
        : append(stream, events, options);
    const told: [string, boolean][] = [];
    using _listening = t.turns.onStalled((session, stalled) => told.push([session, stalled]));
    gate.resolve();
    const events = await t.seen(id, "turn.ended");
    log.append = append;
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "done");
    assert.deepEqual(told, [
      [id, true],
      [id, true],
      [id, false],
    ]);
  });

  it("S15: waits for a log that is far behind as well, and is not left open by it", async () => {
    const { log } = t;
    await t.host(new ScriptedModel([[{ text: "answer" }]]));
    const id = await t.session();
    const append = log.append.bind(log);
    let behind = 1;
    log.append = (stream, events, options) =>
      types(events).includes("turn.ended") && behind-- > 0
        ? Promise.reject(new LogBehind(100_000))
        : append(stream, events, options);
    await t.turns.submit({ session_id: id, text: "go" });
    assert.equal(only(await t.seen(id, "turn.ended"), "turn.ended")[0]?.payload.status, "done");
    log.append = append;
  });

  it("F20: that waits for room on the disk does not keep the host from leaving", async () => {
    const { log } = t;
    await t.host(new ScriptedModel([[{ text: "answer" }]]));
    const id = await t.session();
    const append = log.append.bind(log);
    const stalled = Promise.withResolvers<void>();
    using _listening = t.turns.onStalled(() => stalled.resolve());
    log.append = (stream, events, options) =>
      types(events).includes("message.complete")
        ? Promise.reject(new HostError("storage_full", "no room"))
        : append(stream, events, options);
    await t.turns.submit({ session_id: id, text: "go" });
    await stalled.promise;
    await t.turns.close();
    log.append = append;
    // The next host goes on with it.
    await t.host(new ScriptedModel([[{ text: "answer" }]]));
    assert.equal(only(await t.seen(id, "turn.ended"), "turn.ended")[0]?.payload.status, "done");
  });

  it("S7: ends where a tool takes longer than tools may, and does not even heed being told so", async (context) => {
    const late = Promise.withResolvers<void>();
    const deaf = tool("deaf", {
      run: (_args, ctx) => {
        context.mock.timers.enable({ apis: ["setTimeout"] }); // what is left is the patience with it
        ctx.signal.addEventListener("abort", () => late.resolve());
        return new Promise(() => undefined);
      },
    });
    await t.host(new ScriptedModel([[{ tool: "deaf", args: {} }], [{ text: "sorry" }]]), [deaf], { toolLimitMs: 20 });
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await late.promise;
    context.mock.timers.tick(15_000);
    context.mock.timers.reset();
    const events = await t.seen(id, "turn.ended");
    assert.match(only(events, "tool.complete")[0]?.payload.result ?? "", /took longer than 0.02 s/);
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "done");
  });

  it("S1: words that were meant for a turn that is over by then get a turn of their own", async () => {
    await t.host(new ScriptedModel([[{ text: "one" }], [{ text: "two" }], [{ text: "three" }]]));
    const id = await t.session();
    const { turn_id } = await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "turn.ended");
    const prompt = { turn_id, prompt_id: "prompt_late", text: "and that", mode: "steer" as const };
    await t.log.append(sessionStream(id), [newEvent("prompt.accepted", "prompt_late:accepted", prompt)]);
    await t.turns.submit({ session_id: id, text: "later" });
    const started = only(await t.seen(id, "turn.ended", 3), "turn.started").map(({ payload }) => payload);
    assert.equal(started[1]?.prompt_id, "prompt_late");
    assert.equal(new Set(started.map((one) => one.turn_id)).size, 3);
  });

  it("P38: gives its tools the routing of the person's latest words", async () => {
    const heard: unknown[] = [];
    const look = tool("look", {
      run: async (_args, ctx) => {
        heard.push(ctx.routing);
        return { status: "ok", result: "" };
      },
    });
    await t.host(new ScriptedModel([[{ tool: "look", args: {} }], [{ text: "one" }], [{ tool: "look", args: {} }]]), [
      look,
    ]);
    const id = await t.session();
    const routing = { platform: "irc", chat: "#ops" };
    await t.turns.submit({ session_id: id, text: "one", routing });
    await t.seen(id, "turn.ended");
    await t.turns.submit({ session_id: id, text: "two" });
    await t.seen(id, "turn.ended", 2);
    assert.deepEqual(heard, [routing, routing]);
  });
});
