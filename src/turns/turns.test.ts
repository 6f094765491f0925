import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Script, ScriptedModel, scriptedModels } from "../../test/support/scripted-model.ts";
import type { EventLog } from "../log/event-log.ts";
import { openLog } from "../log/open.ts";
import { type Model, ModelError } from "../models/model.ts";
import { type EventType, newEvent, type Recorded, sessionStream } from "../protocol/events.ts";
import type { Plan, Tool, ToolOutcome } from "../tools/tool.ts";
import { Turns, type TurnsOptions } from "./turns.ts";

type Settings = ReturnType<TurnsOptions["settings"]>;
let home: string;
let workspace: string;
let log: EventLog;
let turns: Turns | undefined;
const warnings: string[] = [];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "hearth-turns-")));
  workspace = home;
  log = await openLog({ home });
  warnings.length = 0;
});
afterEach(async () => {
  await turns?.close();
  turns = undefined;
  await log[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
  assert.deepEqual(warnings, []);
});

const settings: Settings = {
  model: "scripted/one",
  workspace: "/",
  fallbackModel: undefined,
  personality: undefined,
  approvals: "ask",
  onRestart: "continue",
  toolLimitMs: 60_000,
  mostAnswers: 20,
};

/** A tool whose runs a test counts. */
function tool(name: string, more: Partial<Tool> & { plan?: () => Promise<Plan> } = {}): Tool & { runs: number } {
  const counted = {
    spec: { name, description: name, parameters: { type: "object" } },
    afterCrash: "unknown" as const,
    plan: async (): Promise<Plan> => ({ preview: name }),
    ...more,
    runs: 0,
    async run(...given: Parameters<Tool["run"]>): Promise<ToolOutcome> {
      counted.runs += 1;
      return more.run === undefined ? { status: "ok", result: `${name} ran` } : more.run(...given);
    },
  };
  return counted;
}

async function host(models: Model | readonly Model[], tools: readonly Tool[] = [], patch: Partial<Settings> = {}) {
  const all = Array.isArray(models) ? models : [models];
  turns = await Turns.open({
    log,
    models: scriptedModels(...(all as Model[])),
    settings: () => ({ ...settings, workspace, ...patch }),
    warn: (text) => warnings.push(text),
  });
  await turns.start(new Map(tools.map((t) => [t.spec.name, t])));
  return turns;
}
async function session(): Promise<string> {
  assert.ok(turns);
  return (await turns.create({ workspace })).session.session_id;
}
async function all(id: string): Promise<readonly Recorded[]> {
  return log.read(sessionStream(id), 0, 10_000);
}
/** Resolves with the stream once an event of this type (the n-th) is durable. */
async function seen(id: string, type: EventType, n = 1): Promise<readonly Recorded[]> {
  const enough = new AbortController();
  const found: Recorded[] = [];
  for await (const page of log.follow(sessionStream(id), 0, enough.signal)) {
    found.push(...page);
    if (found.filter((event) => event.type === type).length >= n) break;
  }
  enough.abort();
  return found;
}
const types = (events: readonly Recorded[]) => events.map((event) => event.type);
const only = <T extends EventType>(events: readonly Recorded[], type: T) =>
  events.filter((event): event is Extract<Recorded, { type: T }> => event.type === type);
const asks = (reason = "it changes things", dangerous = false, grantKey?: string) => ({
  plan: async (): Promise<Plan> => ({
    preview: "do it",
    approval: { reason, dangerous },
    ...(grantKey === undefined ? {} : { grantKey }),
  }),
});

describe("a turn", () => {
  it("S1: is answered with its id at once; a second prompt waits for the first; sessions do not wait for each other", async () => {
    const gate = Promise.withResolvers<void>();
    await host(
      new ScriptedModel([[{ wait: gate.promise }, { text: "first" }], [{ text: "other" }], [{ text: "second" }]]),
    );
    const [a, b] = [await session(), await session()];
    const first = await turns?.submit({ session_id: a, text: "one" });
    const second = await turns?.submit({ session_id: a, text: "two" });
    assert.equal(first?.status, "started");
    assert.equal(second?.status, "queued");
    await turns?.submit({ session_id: b, text: "else" });
    await seen(b, "turn.ended");
    assert.deepEqual(only(await all(a), "turn.ended"), []);
    gate.resolve();
    const events = await seen(a, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.turn_id),
      [first?.turn_id, second?.turn_id],
    );
  });

  it("S1: the same key twice is one prompt, and with other words it is refused", async () => {
    await host(new ScriptedModel([]));
    const id = await session();
    const [one, two] = await Promise.all([
      turns?.submit({ session_id: id, text: "hi", key: "k" }),
      turns?.submit({ session_id: id, text: "hi", key: "k" }),
    ]);
    assert.equal(one?.turn_id, two?.turn_id);
    await assert.rejects(async () => turns?.submit({ session_id: id, text: "ho", key: "k" }), { reason: "key_reused" });
    const events = await seen(id, "turn.ended");
    assert.equal(only(events, "prompt.accepted").length, 1);
  });

  it("S1: a prompt that steers joins the running turn before its next answer", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel([[{ wait: gate.promise }, { text: "first" }], [{ text: "as you wish" }]]);
    await host(model);
    const id = await session();
    const turn = await turns?.submit({ session_id: id, text: "go" });
    const steered = await turns?.submit({ session_id: id, text: "left", mode: "steer" });
    assert.deepEqual([steered?.status, steered?.turn_id], ["steered", turn?.turn_id]);
    gate.resolve();
    const events = await seen(id, "turn.ended");
    assert.equal(only(events, "turn.started").length, 1);
    assert.deepEqual(
      model.requests[1]?.messages.map((m) => m.text),
      ["go", "first", "left"],
    );
  });

  it("S3: shows a model nothing but roles, words and calls; what is only for display stays in the transcript", async () => {
    const model = new ScriptedModel([], { typedByPerson: false });
    await host(model);
    const id = await session();
    await turns?.submit({ session_id: id, text: "look", attachments: [{ name: "a.png", _private: 1 }] });
    await seen(id, "turn.ended");
    assert.deepEqual(model.requests[0]?.messages, [
      { role: "user", from: "person", text: `[Workspace: ${workspace}]\nlook` },
    ]);
    const history = await turns?.history({ session_id: id });
    assert.deepEqual(history?.messages[0]?.attachments, [{ name: "a.png", _private: 1 }]);
    assert.equal(history?.messages[0]?.text, "look", "S4: the stored words carry no tag");
  });

  it("S4: a prompt may bring a workspace, and the next session remembers it", async () => {
    await host(new ScriptedModel([]));
    const id = await session();
    const other = await realpath(await mkdtemp(join(home, "other-")));
    await turns?.submit({ session_id: id, text: "here", workspace: other });
    await seen(id, "turn.ended");
    assert.equal((await turns?.create({}))?.session.workspace, other);
    const missing = turns?.submit({ session_id: id, text: "x", workspace: join(home, "missing") });
    await assert.rejects(async () => missing, { reason: "workspace_invalid" });
  });

  it("S5: reads personality and default model at the time of the turn, and stores neither in the transcript", async () => {
    const [one, two] = [new ScriptedModel([]), new ScriptedModel([], { id: "scripted/two" })];
    const patch: Partial<Settings> = {};
    await host([one, two], [], patch);
    const id = await session();
    await turns?.submit({ session_id: id, text: "a" });
    await seen(id, "turn.ended");
    await turns?.close();
    await host([one, two], [], {
      model: "scripted/two",
      personality: { system_prompt: "You are a pirate", tone: "salty" },
    });
    await turns?.submit({ session_id: id, text: "b" });
    const events = await seen(id, "turn.ended", 2);
    assert.match(two.requests[0]?.system ?? "", /You are a pirate\nTone: salty/);
    assert.doesNotMatch(JSON.stringify(events), /pirate/);
  });

  it("S8: a model's failure is a typed end of the turn, and what it had begun is dropped", async () => {
    const fail = new ModelError("rate_limit", "Too many requests", "Wait a minute.");
    await host(new ScriptedModel([[{ text: "half" }, { fail }]]));
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    const events = await seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-3), ["message.delta", "message.dropped", "turn.ended"]);
    const [ended] = only(events, "turn.ended");
    assert.equal(ended?.payload.error?.type, "rate_limit");
    assert.match(ended?.payload.error?.hint ?? "", /No fallback model is set/);
  });

  it("S8: the fallback model answers where the first is overloaded", async () => {
    const fail = new ModelError("rate_limit", "Too many requests", "Wait.");
    const second = new ScriptedModel([[{ text: "I can" }]], { id: "scripted/two" });
    await host([new ScriptedModel([[{ fail }]]), second], [], { fallbackModel: "scripted/two" });
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    const events = await seen(id, "turn.ended");
    assert.equal(only(events, "message.complete")[0]?.payload.model, "scripted/two");
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "done");
  });

  it("S14: sends no event before it is durable, and loses no part of a streamed answer", async () => {
    const words = Array.from({ length: 500 }, (_, n) => ({ text: `w${n} ` }));
    await host(new ScriptedModel([words]));
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    const events = await seen(id, "turn.ended");
    const streamed = only(events, "message.delta")
      .map((e) => e.payload.text)
      .join("");
    assert.equal(streamed, words.map((w) => w.text).join(""));
    assert.equal(only(events, "message.complete")[0]?.payload.text, streamed);
  });
});

describe("an approval", () => {
  const untrusted = (scripts: Script[]) => new ScriptedModel(scripts, { typedByPerson: false });
  const call = (name: string): Script => [{ tool: name, args: {} }];

  it("S6: is asked for before the tool runs, and a denial is the model's to hear", async () => {
    const shell = tool("terminal", asks());
    const model = untrusted([call("terminal")]);
    await host(model, [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    assert.equal(shell.runs, 0);
    const [request] = (await turns?.pending(id)) ?? [];
    assert.ok(request);
    assert.deepEqual(await turns?.respond(request.request_id, "deny"), { settled: true, choice: "deny" });
    await seen(id, "turn.ended");
    assert.equal(shell.runs, 0);
    assert.match(model.requests[1]?.messages.at(-1)?.text ?? "", /denied/);
  });

  it("S6: for the session covers the next calls, in later turns too", async () => {
    const shell = tool("terminal", asks());
    await host(untrusted([call("terminal"), call("terminal"), [{ text: "ok" }], call("terminal")]), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    const [first] = (await turns?.pending(id)) ?? [];
    await turns?.respond(first?.request_id ?? "", "session");
    await seen(id, "turn.ended");
    await turns?.submit({ session_id: id, text: "again" });
    const events = await seen(id, "turn.ended", 2);
    assert.equal(shell.runs, 3);
    assert.equal(only(events, "approval.request").length, 1);
  });

  it("S6: a dangerous command asks although the tool is granted for the session", async () => {
    const dangers = [false, true];
    const shell = tool("terminal", { plan: () => asks("why", dangers.shift() ?? true).plan() });
    await host(untrusted([call("terminal"), call("terminal")]), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    const [first] = (await turns?.pending(id)) ?? [];
    await turns?.respond(first?.request_id ?? "", "session");
    await seen(id, "approval.request", 2);
    assert.equal(shell.runs, 1);
    const [second] = (await turns?.pending(id)) ?? [];
    assert.deepEqual(second?.choices, ["once", "deny"], "no grant is offered that would not hold");
    const refused = turns?.respond(second?.request_id ?? "", "session");
    await assert.rejects(async () => refused, { reason: "invalid_params" });
  });

  it("S6: the first answer wins and the others learn it; after the turn there is nothing to answer", async () => {
    await host(untrusted([call("terminal")]), [tool("terminal", asks())]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    const request = (await turns?.pending(id))?.[0]?.request_id ?? "";
    const answers = await Promise.all([turns?.respond(request, "once"), turns?.respond(request, "deny")]);
    assert.deepEqual(answers, [
      { settled: true, choice: "once" },
      { settled: false, choice: "once" },
    ]);
    await seen(id, "turn.ended");
    await assert.rejects(async () => turns?.respond(request, "deny"), { reason: "request_not_found" });
  });

  it("S6: survives a restart, and is not asked twice", async () => {
    const shell = tool("terminal", asks());
    await host(untrusted([call("terminal")]), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    await turns?.close();
    await host(untrusted([]), [shell]);
    const [request] = (await turns?.pending(id)) ?? [];
    await turns?.respond(request?.request_id ?? "", "once");
    const events = await seen(id, "turn.ended");
    assert.equal(shell.runs, 1);
    assert.equal(only(events, "approval.request").length, 1);
  });

  it("S6: what was granted for always is not asked again, in any session", async () => {
    const shell = tool("terminal", asks("why", false, "terminal:ls"));
    await host(untrusted([call("terminal"), [{ text: "ok" }], call("terminal")]), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "approval.request");
    await turns?.respond((await turns?.pending(id))?.[0]?.request_id ?? "", "always");
    await seen(id, "turn.ended");
    const other = await session();
    await turns?.submit({ session_id: other, text: "go" });
    const events = await seen(other, "turn.ended");
    assert.equal(only(events, "approval.request").length, 0);
    assert.equal(shell.runs, 2);
  });

  it("S6: what the person typed to the offline model does not ask", async () => {
    const shell = tool("terminal", asks());
    await host(new ScriptedModel([call("terminal")], { typedByPerson: true }), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "run ls" });
    const events = await seen(id, "turn.ended");
    assert.equal(only(events, "approval.request").length, 0);
    assert.equal(shell.runs, 1);
  });
});

describe("a cancel", () => {
  it("S7: in mid-stream keeps what was said, marked as cut short", async () => {
    await host(new ScriptedModel([[{ text: "half a" }, { wait: new Promise(() => undefined) }]]));
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "message.delta");
    assert.equal(await turns?.interrupt(id), true);
    const events = await seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-2), ["message.complete", "turn.ended"]);
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "cancelled");
    const last = (await turns?.history({ session_id: id }))?.messages.at(-1);
    assert.deepEqual([last?.text, last?.cut], ["half a", true]);
  });

  it("S7: reaches a running tool, and completes every call of the answer as cancelled", async () => {
    const reached = Promise.withResolvers<void>();
    const slow = tool("slow", {
      run: (_args, ctx) =>
        new Promise((_, reject) => {
          ctx.signal.addEventListener("abort", () => {
            reached.resolve();
            reject(ctx.signal.reason);
          });
        }),
    });
    await host(
      new ScriptedModel([
        [
          { tool: "slow", args: {} },
          { tool: "slow", args: {} },
        ],
      ]),
      [slow],
    );
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "tool.start");
    await turns?.interrupt(id);
    await reached.promise;
    const events = await seen(id, "turn.ended");
    assert.deepEqual(
      only(events, "tool.complete").map((e) => e.payload.status),
      ["cancelled", "cancelled"],
    );
    assert.equal(events.at(-1)?.type, "turn.ended");
    assert.equal(slow.runs, 1);
  });

  it("S7: while waiting for approval settles the request; before the start it never starts; unknown answers false", async () => {
    const shell = tool("terminal", asks());
    await host(new ScriptedModel([[{ tool: "terminal", args: {} }]], { typedByPerson: false }), [shell]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    const queued = await turns?.submit({ session_id: id, text: "later" });
    await seen(id, "approval.request");
    assert.equal(await turns?.cancelTurn(queued?.turn_id ?? ""), true);
    await turns?.interrupt(id);
    const events = await seen(id, "turn.ended", 2);
    assert.equal(only(events, "approval.settled")[0]?.payload.choice, "cancelled");
    assert.equal(only(events, "turn.started").length, 1);
    assert.equal(shell.runs, 0);
    assert.equal(await turns?.cancelTurn("turn_000000000000"), false);
    assert.equal(await turns?.interrupt(id), false);
  });

  it("F43: after any event of a turn ends it once, and nothing of the turn follows", async () => {
    const script: Script[] = [
      [{ reasoning: "hm" }, { text: "a" }, { tool: "one", args: {} }],
      [{ text: "b" }, { tool: "two", args: {} }],
      [{ text: "c" }],
    ];
    await host(new ScriptedModel(script), [tool("one"), tool("two")]);
    const whole = await session();
    await turns?.submit({ session_id: whole, text: "go" });
    const length = (await seen(whole, "turn.ended")).length;
    await turns?.close();
    for (let k = 2; k < length; k++) {
      await host(new ScriptedModel(script), [tool("one"), tool("two")]);
      const id = await session();
      const cancelling = (async () => {
        for await (const page of log.follow(sessionStream(id), 0, new AbortController().signal)) {
          if ((page.at(-1)?.seq ?? 0) >= k) return turns?.interrupt(id);
        }
        return false;
      })();
      const { turn_id } = (await turns?.submit({ session_id: id, text: "go" })) ?? {};
      await cancelling;
      await seen(id, "turn.ended");
      await turns?.close();
      const events = await all(id);
      assert.equal(only(events, "turn.ended").length, 1, `cancelled after event ${k}`);
      const after = events.slice(events.findIndex((e) => e.type === "turn.ended") + 1);
      assert.deepEqual(
        after.filter((e) => "turn_id" in e.payload && e.payload.turn_id === turn_id),
        [],
      );
    }
  });
});

describe("a restart", () => {
  /** Runs a turn of three calls to its end, then for each prefix of its events starts a host on that prefix. */
  async function atEveryEvent(
    tools: () => (Tool & { runs: number })[],
    check: (tools: (Tool & { runs: number })[], events: readonly Recorded[], cut: readonly Recorded[]) => void,
  ) {
    const script: Script[] = [
      [{ text: "first " }, { tool: "one", args: { n: 1 } }],
      [
        { tool: "two", args: {} },
        { tool: "three", args: {} },
      ],
      [{ text: "done" }],
    ];
    const first = tools();
    await host(new ScriptedModel(script), first);
    const recordedAs = await session();
    await turns?.submit({ session_id: recordedAs, text: "go" });
    const whole = await seen(recordedAs, "turn.ended");
    await turns?.close();
    for (let k = 3; k < whole.length; k++) {
      const id = `ses_${k.toString(16).padStart(12, "0")}`;
      const prefix = whole.slice(0, k);
      const row = {
        ...((await log.view("session", recordedAs)) as object),
        session_id: id,
        turn_id: "x",
        queued: 0,
        pending: 0,
      };
      await log.append(sessionStream(id), prefix, { views: [{ view: "session", key: id, value: row }] });
      const answered = only(prefix, "message.complete").length;
      const again = tools();
      await host(new ScriptedModel(script.slice(answered)), again);
      const events = await seen(id, "turn.ended");
      check(again, events, prefix);
      await turns?.close();
      await log.remove(sessionStream(id));
      await log.append("host", [], { views: [{ view: "session", key: id, value: null }] });
    }
  }

  it("S10: after any event goes on from there, runs no finished tool again, and shows no half message as whole", async () => {
    await atEveryEvent(
      () => [
        tool("one", { afterCrash: "again" }),
        tool("two", { afterCrash: "again" }),
        tool("three", { afterCrash: "again" }),
      ],
      (tools, events, cut) => {
        assert.equal(only(events, "turn.ended")[0]?.payload.status, "done");
        const finished = only(cut, "tool.complete").map((e) => e.payload.name);
        for (const t of tools)
          assert.equal(t.runs, finished.includes(t.spec.name) ? 0 : 1, `${t.spec.name} after ${cut.length}`);
        const whole = new Set(only(events, "message.complete").map((e) => e.payload.message_id));
        const dropped = new Set(only(events, "message.dropped").map((e) => e.payload.message_id));
        for (const delta of only(events, "message.delta")) {
          assert.ok(whole.has(delta.payload.message_id) !== dropped.has(delta.payload.message_id));
        }
        const calls = only(events, "message.complete").flatMap((e) => e.payload.tool_calls);
        assert.equal(calls.length, 3);
        assert.equal(only(events, "tool.complete").length, 3);
      },
    );
  });

  it("S10: a call that had started and cannot be looked up is unknown, and never run again unasked", async () => {
    await atEveryEvent(
      () => [tool("one"), tool("two"), tool("three")],
      (tools, events, cut) => {
        const started = new Set(only(cut, "tool.start").map((e) => e.payload.name));
        const finished = new Set(only(cut, "tool.complete").map((e) => e.payload.name));
        for (const t of tools) assert.equal(t.runs, started.has(t.spec.name) ? 0 : 1);
        for (const { payload } of only(events, "tool.complete")) {
          assert.equal(payload.status, started.has(payload.name) && !finished.has(payload.name) ? "unknown" : "ok");
        }
      },
    );
  });

  it("S10: marks an open turn interrupted where the configuration says so", async () => {
    await host(new ScriptedModel([[{ text: "half" }, { wait: new Promise(() => undefined) }]]));
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "message.delta");
    await turns?.close();
    const model = new ScriptedModel([]);
    await host(model, [], { onRestart: "interrupt" });
    const events = await seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-2), ["message.dropped", "turn.ended"]);
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "interrupted");
    assert.equal(model.requests.length, 0);
  });

  it("S10: runs prompts that were accepted and had not begun", async () => {
    const gate = new Promise(() => undefined);
    await host(new ScriptedModel([[{ wait: gate }]]));
    const id = await session();
    await turns?.submit({ session_id: id, text: "one" });
    await turns?.submit({ session_id: id, text: "two" });
    await turns?.close();
    await host(new ScriptedModel([]));
    const events = await seen(id, "turn.ended", 2);
    assert.equal(only(events, "turn.started").length, 2);
  });
});

describe("a notice", () => {
  const notice = (id: string, text: string, session_id: string) =>
    log.append(
      sessionStream(session_id),
      [newEvent("notice", id, { notice_id: id, kind: "ended", process_id: "proc_1", text })],
      {
        views: [{ view: "notice", key: id, value: { session_id } }],
      },
    );

  it("S11: wakes an idle agent once, and reads as Hearth's words, not the person's", async () => {
    const model = new ScriptedModel([]);
    await host(model);
    const id = await session();
    await notice("n1", "[Notice] it ended", id);
    const events = await seen(id, "turn.ended");
    assert.deepEqual(only(events, "turn.started")[0]?.payload.notices, ["n1"]);
    assert.deepEqual(model.requests[0]?.messages, [{ role: "user", from: "notice", text: "[Notice] it ended" }]);
    assert.equal((await log.views("notice")).size, 0);
    assert.equal(only(events, "turn.started").length, 1);
  });

  it("S11: joins the next turn while one runs; several are told together", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel([[{ wait: gate.promise }, { text: "first" }]]);
    await host(model);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "turn.started");
    await notice("n1", "one", id);
    await notice("n2", "two", id);
    gate.resolve();
    const events = await seen(id, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.notices),
      [[], ["n1", "n2"]],
    );
  });

  it("P29: told by a tool's result it wakes nobody, whichever of the two comes first", async () => {
    const tells = tool("process", { run: async () => ({ status: "ok", result: "exited 0", notices: ["n1", "n2"] }) });
    const gate = Promise.withResolvers<void>();
    await host(new ScriptedModel([[{ wait: gate.promise }, { tool: "process", args: {} }]]), [tells]);
    const id = await session();
    await turns?.submit({ session_id: id, text: "go" });
    await seen(id, "turn.started");
    await notice("n1", "one", id);
    gate.resolve();
    await seen(id, "turn.ended");
    await notice("n2", "two", id);
    await turns?.submit({ session_id: id, text: "anything else?" });
    const events = await seen(id, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.notices),
      [[], []],
    );
  });

  it("P29: that came while the host was down wakes the agent when it is back", async () => {
    await host(new ScriptedModel([]));
    const id = await session();
    await turns?.close();
    await notice("n1", "it ended meanwhile", id);
    await host(new ScriptedModel([]));
    const events = await seen(id, "turn.ended");
    assert.deepEqual(only(events, "turn.started")[0]?.payload.notices, ["n1"]);
  });
});
