import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Script, ScriptedModel } from "../../test/support/scripted-model.ts";
import { newEvent, type Recorded, sessionStream } from "../protocol/events.ts";
import { samples } from "../secrets/testing/samples.ts";
import { asks, type CountedTool, only, TestTurns, tool, types, untrusted } from "./testing/test-turns.ts";

const t = new TestTurns();

describe("a restart", () => {
  /** Runs a turn of three calls to its end, then for each prefix of its events starts a host on that prefix. */
  async function atEveryEvent(
    tools: () => CountedTool[],
    check: (tools: CountedTool[], events: readonly Recorded[], cut: readonly Recorded[]) => void,
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
    await t.host(new ScriptedModel(script), first);
    const recordedAs = await t.session();
    await t.turns.submit({ session_id: recordedAs, text: "go" });
    const whole = await t.seen(recordedAs, "turn.ended");
    await t.turns.close();
    for (let k = 3; k < whole.length; k++) {
      const id = `ses_${k.toString(16).padStart(12, "0")}`;
      const prefix = whole.slice(0, k);
      const row = {
        ...((await t.log.view("session", recordedAs)) as object),
        session_id: id,
        turn_id: "x",
        queued: 0,
        pending: 0,
      };
      await t.log.append(sessionStream(id), prefix, { views: [{ view: "session", key: id, value: row }] });
      const answered = only(prefix, "message.complete").length;
      const again = tools();
      await t.host(new ScriptedModel(script.slice(answered)), again);
      const events = await t.seen(id, "turn.ended");
      check(again, events, prefix);
      await t.turns.close();
      await t.log.remove(sessionStream(id));
      await t.log.append("host", [], { views: [{ view: "session", key: id, value: null }] });
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

  it("P19: a call whose secret died with the host is not run without it, and the agent is told", async () => {
    const secret = samples["github-pat"]?.secret ?? "";
    const never = new Promise<undefined>(() => undefined);
    const begun = Promise.withResolvers<void>();
    const asked = (): CountedTool[] => [
      tool("reads", { ...asks(), afterCrash: "again" }),
      tool("stuck", {
        afterCrash: "again",
        run: async (args) => {
          assert.equal(args.token, secret, "what runs is what the model wrote");
          begun.resolve();
          return (await never) ?? { status: "ok", result: "" };
        },
      }),
    ];
    for (const name of ["reads", "stuck"]) {
      await t.host(untrusted([[{ tool: name, args: { token: secret } }]]), asked());
      const id = await t.session();
      await t.turns.submit({ session_id: id, text: "go" });
      const before = await t.seen(id, name === "reads" ? "approval.request" : "tool.start");
      if (name === "stuck") await begun.promise;
      assert.ok(!JSON.stringify(before).includes(secret));
      const again = [tool("reads", { ...asks(), afterCrash: "again" }), tool("stuck", { afterCrash: "again" })];
      await t.host(untrusted([[{ text: "I see." }]]), again);
      const events = await t.seen(id, "turn.ended");
      assert.deepEqual(
        again.map((one) => one.runs),
        [0, 0],
        name,
      );
      const [complete] = only(events, "tool.complete");
      assert.equal(complete?.payload.status, name === "reads" ? "failed" : "unknown");
      assert.match(complete?.payload.result ?? "", /held a secret, which Hearth keeps in memory alone/);
    }
  });

  it("S10: marks an open turn interrupted where the configuration says so", async () => {
    await t.host(new ScriptedModel([[{ text: "half" }, { wait: new Promise(() => undefined) }]]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "message.delta");
    await t.turns.close();
    const model = new ScriptedModel([]);
    await t.host(model, [], { onRestart: "interrupt" });
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-2), ["message.dropped", "turn.ended"]);
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "interrupted");
    assert.equal(model.requests.length, 0);
  });

  it("S10: runs prompts that were accepted and had not begun", async () => {
    const gate = new Promise(() => undefined);
    await t.host(new ScriptedModel([[{ wait: gate }]]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "one" });
    await t.turns.submit({ session_id: id, text: "two" });
    await t.turns.close();
    await t.host(new ScriptedModel([]));
    const events = await t.seen(id, "turn.ended", 2);
    assert.equal(only(events, "turn.started").length, 2);
  });
});

describe("a notice", () => {
  const notices = (told: readonly { id: string; text: string }[], session_id: string) =>
    t.log.append(
      sessionStream(session_id),
      told.map(({ id, text }) => newEvent("notice", id, { notice_id: id, kind: "ended", process_id: "proc_1", text })),
      {
        views: told.map(({ id }) => ({ view: "notice", key: id, value: { session_id } })),
      },
    );
  const notice = (id: string, text: string, session_id: string) => notices([{ id, text }], session_id);

  it("S11: wakes an idle agent once, and reads as Hearth's words, not the person's", async () => {
    const model = new ScriptedModel([]);
    await t.host(model);
    const id = await t.session();
    await notice("n1", "[Notice] it ended", id);
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(only(events, "turn.started")[0]?.payload.notices, ["n1"]);
    assert.deepEqual(model.requests[0]?.messages, [{ role: "user", from: "notice", text: "[Notice] it ended" }]);
    assert.equal((await t.log.views("notice")).size, 0);
    assert.equal(only(events, "turn.started").length, 1);
  });

  it("P29: several that come together while the agent is idle are one wake-up", async () => {
    await t.host(new ScriptedModel([]));
    const id = await t.session();
    // In one append: a busy disk may take longer for five than they are waited for.
    const five = [1, 2, 3, 4, 5].map((n) => ({ id: `n${n}`, text: `notice ${n}` }));
    await notices(five, id);
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.notices),
      [["n1", "n2", "n3", "n4", "n5"]],
    );
  });

  it("S11: joins the next turn while one runs; several are told together", async () => {
    const gate = Promise.withResolvers<void>();
    const model = new ScriptedModel([[{ wait: gate.promise }, { text: "first" }]]);
    await t.host(model);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "turn.started");
    await notice("n1", "one", id);
    await notice("n2", "two", id);
    gate.resolve();
    const events = await t.seen(id, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.notices),
      [[], ["n1", "n2"]],
    );
  });

  it("S11: wakes an agent at most 20 times an hour; what comes after waits, and the person's next words bring it along", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    await t.host(new ScriptedModel([]));
    const id = await t.session();
    for (let n = 1; n <= 20; n++) {
      await notice(`n${n}`, `notice ${n}`, id);
      await t.seen(id, "turn.ended", n);
    }
    t.expectWarning(/woken 20 times/);
    await notice("n21", "one more", id);
    await notice("n22", "and another", id);
    await t.turns.submit({ session_id: id, text: "hello" });
    const events = await t.seen(id, "turn.ended", 21);
    const last = only(events, "turn.started").at(-1);
    assert.deepEqual(last?.payload.notices, ["n21", "n22"]);
    assert.ok(last.payload.prompt_id);
    context.mock.timers.setTime(Date.now() + 2 * 3_600_000);
    await notice("n23", "hours later", id);
    await t.seen(id, "turn.ended", 22);
  });

  it("S11: wakes an agent no more often than the settings say", async () => {
    await t.host(new ScriptedModel([]), [], { wakesPerHour: 2 });
    const id = await t.session();
    for (let n = 1; n <= 2; n++) {
      await notice(`n${n}`, `notice ${n}`, id);
      await t.seen(id, "turn.ended", n);
    }
    t.expectWarning(/woken 2 times within an hour: notices wait, and are told together/);
    await notice("n3", "one more", id);
    await t.turns.submit({ session_id: id, text: "hello" });
    assert.deepEqual(only(await t.seen(id, "turn.ended", 3), "turn.started").at(-1)?.payload.notices, ["n3"]);
  });

  it("P29: told by a tool's result it wakes nobody, whichever of the two comes first", async () => {
    const tells = tool("process", { run: async () => ({ status: "ok", result: "exited 0", notices: ["n1", "n2"] }) });
    const gate = Promise.withResolvers<void>();
    await t.host(new ScriptedModel([[{ wait: gate.promise }, { tool: "process", args: {} }]]), [tells]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "turn.started");
    await notice("n1", "one", id);
    gate.resolve();
    await t.seen(id, "turn.ended");
    await notice("n2", "two", id);
    await t.turns.submit({ session_id: id, text: "anything else?" });
    const events = await t.seen(id, "turn.ended", 2);
    assert.deepEqual(
      only(events, "turn.started").map((e) => e.payload.notices),
      [[], []],
    );
  });

  it("P29: that came while the host was down wakes the agent when it is back", async () => {
    await t.host(new ScriptedModel([]));
    const id = await t.session();
    await t.turns.close();
    await notice("n1", "it ended meanwhile", id);
    await t.host(new ScriptedModel([]));
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(only(events, "turn.started")[0]?.payload.notices, ["n1"]);
  });
});
