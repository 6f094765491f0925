import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Script, ScriptedModel } from "../../test/support/scripted-model.ts";
import { sessionStream } from "../protocol/events.ts";
import { asks, only, TestTurns, tool, types } from "./testing/test-turns.ts";

const t = new TestTurns();

describe("a cancel", () => {
  it("S7: in mid-stream keeps what was said, marked as cut short", async () => {
    await t.host(new ScriptedModel([[{ text: "half a" }, { wait: new Promise(() => undefined) }]]));
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "message.delta");
    assert.equal(await t.turns.interrupt(id), true);
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(types(events).slice(-2), ["message.complete", "turn.ended"]);
    assert.equal(only(events, "turn.ended")[0]?.payload.status, "cancelled");
    const last = (await t.turns.history({ session_id: id }))?.messages.at(-1);
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
    await t.host(
      new ScriptedModel([
        [
          { tool: "slow", args: {} },
          { tool: "slow", args: {} },
        ],
      ]),
      [slow],
    );
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "tool.start");
    await t.turns.interrupt(id);
    await reached.promise;
    const events = await t.seen(id, "turn.ended");
    assert.deepEqual(
      only(events, "tool.complete").map((e) => e.payload.status),
      ["cancelled", "cancelled"],
    );
    assert.equal(events.at(-1)?.type, "turn.ended");
    assert.equal(slow.runs, 1);
  });

  it("S7: while waiting for approval settles the request; before the start it never starts; unknown answers false", async () => {
    const shell = tool("terminal", asks());
    await t.host(new ScriptedModel([[{ tool: "terminal", args: {} }]], { typedByPerson: false }), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const queued = await t.turns.submit({ session_id: id, text: "later" });
    await t.seen(id, "approval.request");
    assert.equal(await t.turns.cancelTurn(queued?.turn_id ?? ""), true);
    await t.turns.interrupt(id);
    const events = await t.seen(id, "turn.ended", 2);
    assert.equal(only(events, "approval.settled")[0]?.payload.choice, "cancelled");
    assert.equal(only(events, "turn.started").length, 1);
    assert.equal(shell.runs, 0);
    assert.equal(await t.turns.cancelTurn("turn_000000000000"), false);
    assert.equal(await t.turns.interrupt(id), false);
  });

  it("S7: between a call's start and its run: it does not run, and nobody's rejection is left over", async () => {
    const tidy = tool("tidy", {
      run: async (_args, ctx) => {
        ctx.signal.throwIfAborted();
        return { status: "ok", result: "ran" };
      },
    });
    await t.host(new ScriptedModel([[{ tool: "tidy", args: {} }]]), [tidy]);
    const id = await t.session();
    // At the very moment at which its start is durable.
    using _cancel = t.log.tap((_, records) => {
      if (types(records).includes("tool.start")) void t.turns.interrupt(id);
    });
    await t.turns.submit({ session_id: id, text: "go" });
    const events = await t.seen(id, "turn.ended");
    assert.equal(tidy.runs, 0);
    assert.deepEqual(types(events).slice(-3), ["tool.start", "tool.complete", "turn.ended"]);
    assert.equal(only(events, "tool.complete")[0]?.payload.status, "cancelled");
  });

  it("S7: of a call that does not heed it, and then the host leaves: the turn is over all the same", async () => {
    const deaf = tool("deaf", { run: () => new Promise(() => undefined) });
    await t.host(new ScriptedModel([[{ tool: "deaf", args: {} }]]), [deaf]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "tool.start");
    await t.turns.interrupt(id);
    await t.turns.close();
    assert.equal(only(await t.all(id), "turn.ended")[0]?.payload.status, "cancelled");
  });

  it("F43: after any event of a turn ends it once, and nothing of the turn follows", async () => {
    const script: Script[] = [
      [{ reasoning: "hm" }, { text: "a" }, { tool: "one", args: {} }],
      [{ text: "b" }, { tool: "two", args: {} }],
      [{ text: "c" }],
    ];
    await t.host(new ScriptedModel(script), [tool("one"), tool("two")]);
    const whole = await t.session();
    await t.turns.submit({ session_id: whole, text: "go" });
    const length = (await t.seen(whole, "turn.ended")).length;
    await t.turns.close();
    for (let k = 2; k < length; k++) {
      await t.host(new ScriptedModel(script), [tool("one"), tool("two")]);
      const id = await t.session();
      const cancelling = (async () => {
        for await (const page of t.log.follow(sessionStream(id), 0, new AbortController().signal)) {
          if ((page.at(-1)?.seq ?? 0) >= k) return t.turns.interrupt(id);
        }
        return false;
      })();
      const { turn_id } = (await t.turns.submit({ session_id: id, text: "go" })) ?? {};
      await cancelling;
      await t.seen(id, "turn.ended");
      await t.turns.close();
      const events = await t.all(id);
      assert.equal(only(events, "turn.ended").length, 1, `cancelled after event ${k}`);
      const after = events.slice(events.findIndex((e) => e.type === "turn.ended") + 1);
      assert.deepEqual(
        after.filter((e) => "turn_id" in e.payload && e.payload.turn_id === turn_id),
        [],
      );
    }
  });
});
