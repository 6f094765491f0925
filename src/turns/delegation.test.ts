import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ScriptedModel } from "../../test/support/scripted-model.ts";
import { Delegation } from "../protocol/delegation.ts";
import { samples } from "../secrets/testing/samples.ts";
import { delegatedText, MOST_CHARACTERS } from "./delegation.ts";
import { only, TestTurns } from "./testing/test-turns.ts";
import { nextNotices } from "./wakes.ts";

const single: Delegation = {
  ...{
    session_id: "ses_1",
    delegation_id: "d 1",
    goal: "Find out why the build\nis slow.",
    context: "It was fast on Monday.",
  },
  ...{ duration_s: 125, results: [{ status: "done", summary: "The cache was off.\n" }] },
};
const { session_id: _, ...told } = single;

describe("the notice of delegated work", () => {
  it("P30: of a single task says what was asked for, with what, how long it took, and what came of it", () => {
    assert.equal(
      delegatedText(single, 0),
      `Work you handed out is done after 2 min 5 s (delegation d 1).
You may have turned to other things since: this is all of it.

Goal:
Find out why the build
is slow.

Context you gave:
It was fast on Monday.

Result (done):
The cache was off.`,
    );
  });

  it("P30: of a batch says how many tasks came out how, and gives each with its status and time", () => {
    const started_at = Date.UTC(2026, 0, 2, 3, 4, 5);
    const { duration_s: __, context: ___, ...rest } = single;
    const text = delegatedText(
      {
        ...{ ...rest, started_at },
        results: [
          { task: "the cache", status: "done", summary: "It was off.", duration_s: 7200 },
          { task: "the network", status: "failed", summary: "No route.", duration_s: 0.2 },
          { status: "cancelled", summary: "" },
        ],
      },
      started_at + 26 * 3_600_000,
    );
    assert.equal(
      text,
      `Work you handed out in 3 tasks is over: 1 done, 1 failed, 1 cancelled, after 1 day 2 h (delegation d 1).
Handed out at 2026-01-02T03:04:05.000Z. You may have turned to other things since: this is all of it.

Goal:
Find out why the build
is slow.

Result 1 of 3 (done, 2 h):
Task: the cache
It was off.

Result 2 of 3 (failed, less than a second):
Task: the network
No route.

Result 3 of 3 (cancelled):
Nothing was said about it.`,
    );
  });

  it("P30: says of a single task that it has failed or was cancelled, and of time that runs backwards nothing odd", () => {
    for (const [status, words] of [
      ["failed", "has failed"],
      ["cancelled", "was cancelled"],
    ] as const) {
      const { duration_s: __, ...rest } = single;
      const text = delegatedText({ ...rest, started_at: 5000, results: [{ status, summary: "x" }] }, 1000);
      assert.ok(text.startsWith(`Work you handed out ${words} after less than a second (`), text);
    }
  });

  it("P30: keeps goal and context whole at their longest, fits its bound, and says what it has cut where", () => {
    const goal = "g".repeat(20_000);
    const context = "c".repeat(20_000);
    for (const count of [1, 2, 100]) {
      const one = { status: "cancelled" as const, task: "t".repeat(4_000), duration_s: 315_360_000 };
      const results = Array.from({ length: count }, () => ({ ...one, summary: "😀".repeat(10_000) }));
      const text = delegatedText({ ...single, goal, context, delegation_id: "i".repeat(200), results }, 0);
      assert.ok(text.length <= MOST_CHARACTERS, `${count}: ${text.length}`);
      assert.ok(text.includes(goal) && text.includes(context));
      assert.ok(text.isWellFormed());
      assert.match(text, /… \[cut: \d+ of 20000 characters not shown\]/);
      assert.equal(text.match(/Result /g)?.length, count);
    }
  });

  it("P30: cuts what is long, and leaves short results whole beside it", () => {
    const short = Array.from({ length: 40 }, (__, n) => ({ status: "done" as const, summary: `all of ${n}.` }));
    const long = { status: "done" as const, summary: "x".repeat(20_000) };
    const text = delegatedText({ ...single, results: [long, ...short, long, long] }, 0);
    assert.ok(text.length <= MOST_CHARACTERS);
    for (const { summary } of short) assert.ok(text.includes(summary));
    assert.equal(text.match(/\[cut: /g)?.length, 3);
    const roomy = delegatedText({ ...single, results: [long, ...short] }, 0);
    assert.ok(!roomy.includes("[cut: ") && roomy.includes(long.summary));
  });

  it("P30: has bounds, needs a time and a result, and takes a number as an id", () => {
    const wrong: Record<string, object> = {
      "goal too long": { goal: "x".repeat(20_001) },
      "no goal": { goal: "" },
      "context too long": { context: "x".repeat(20_001) },
      "no result": { results: [] },
      "too many results": { results: Array(101).fill(single.results[0]) },
      "summary too long": { results: [{ status: "done", summary: "x".repeat(20_001) }] },
      "task too long": { results: [{ status: "done", summary: "", task: "x".repeat(4_001) }] },
      "unknown status": { results: [{ status: "fine", summary: "" }] },
      "no time": { duration_s: undefined },
      "negative time": { duration_s: -1 },
      "no such date": { started_at: 1e300 },
      "no id": { delegation_id: "" },
    };
    for (const [why, patch] of Object.entries(wrong))
      assert.ok(!Delegation.safeParse({ ...single, ...patch }).success, why);
    assert.equal(Delegation.parse({ ...single, delegation_id: 7 }).delegation_id, "7");
  });

  it("P30: long ones do not all go into one turn", () => {
    const waiting = new Map(Array.from({ length: 60 }, (__, n) => [`n${n}`, "x".repeat(n < 5 ? 60_000 : 10)]));
    assert.deepEqual(nextNotices(waiting), ["n0", "n1", "n2"]);
    assert.equal(nextNotices(new Map(Array.from({ length: 60 }, (__, n) => [`n${n}`, "x"]))).length, 50);
    assert.deepEqual(nextNotices(new Map([["one", "x".repeat(300_000)]])), ["one"]);
  });
});

describe("delegated work", () => {
  const t = new TestTurns();

  it("P30: wakes an idle agent once; told twice, also after a restart and in other words, it is told as it was first", async () => {
    const model = new ScriptedModel([]);
    await t.host(model);
    const session_id = await t.session();
    const tell = (goal: string) => t.turns.delegated({ ...told, session_id, goal });
    const [first, again] = await Promise.all([tell("first"), tell("second")]);
    await t.seen(session_id, "turn.ended");
    const late = await tell("third");
    await t.host(new ScriptedModel([]));
    const after = await tell("fourth");
    assert.deepEqual([again, late, after], [first, first, first]);
    // A turn that a repeat had started would come before this one.
    await t.turns.submit({ session_id, text: "hello" });
    const events = await t.seen(session_id, "turn.ended", 2);
    const [notice, ...more] = only(events, "notice");
    assert.deepEqual(more, []);
    assert.deepEqual([notice?.payload.kind, notice?.payload.process_id], ["delegated", undefined]);
    assert.match(notice?.payload.text ?? "", /Goal:\nfirst\n/);
    assert.deepEqual(
      only(events, "turn.started").map(({ payload }) => payload.notices),
      [[first.notice_id], []],
    );
    assert.deepEqual(model.requests[0]?.messages, [{ role: "user", from: "notice", text: notice?.payload.text ?? "" }]);
    assert.equal((await t.log.views("notice")).size, 0);
  });

  it("P30: told in the last moment before a restart wakes the agent after it, and each session has ids of its own", async () => {
    await t.host(new ScriptedModel([]));
    const sessions = [await t.session(), await t.session()];
    const ids = await Promise.all(sessions.map((session_id) => t.turns.delegated({ ...told, session_id })));
    assert.equal(new Set(ids.map(({ notice_id }) => notice_id)).size, 2);
    await t.host(new ScriptedModel([]));
    for (const [index, session_id] of sessions.entries()) {
      const started = only(await t.seen(session_id, "turn.ended"), "turn.started");
      assert.deepEqual(
        started.map(({ payload }) => payload.notices),
        [[ids[index]?.notice_id]],
      );
    }
  });

  it("P30: wakes no more often than other notices, and waits for the person's next words past that", async () => {
    await t.host(new ScriptedModel([]), [], { wakesPerHour: 1 });
    const session_id = await t.session();
    await t.turns.delegated({ ...told, session_id });
    await t.seen(session_id, "turn.ended");
    t.expectWarning(/woken 1 times/);
    const { notice_id } = await t.turns.delegated({ ...told, session_id, delegation_id: "another" });
    await t.turns.submit({ session_id, text: "hello" });
    const events = await t.seen(session_id, "turn.ended", 2);
    assert.deepEqual(only(events, "turn.started").at(-1)?.payload.notices, [notice_id]);
  });

  it("P30: of a session that is not there is refused, and past 200 untold notices too, but for those among them", async () => {
    await t.host(new ScriptedModel([]), [], { wakesPerHour: 1 });
    await assert.rejects(t.turns.delegated({ ...told, session_id: "ses_none" }), {
      reason: "session_not_found",
      message: /No conversation "ses_none"/,
    });
    const session_id = await t.session();
    await t.turns.delegated({ ...told, session_id });
    await t.seen(session_id, "turn.ended");
    t.expectWarning(/woken 1 times/);
    const tell = (n: number) => t.turns.delegated({ ...told, session_id, delegation_id: String(n) });
    await Promise.all(Array.from({ length: 200 }, (__, n) => tell(n)));
    await assert.rejects(tell(200), { reason: "too_many" });
    assert.deepEqual(await tell(7), await tell(7));
  });

  it("P30, P19: hides secrets and shows no control characters, and hands routing back", async () => {
    await t.host(new ScriptedModel([]));
    const session_id = await t.session();
    const secret = samples["github-pat"]?.secret ?? "";
    assert.ok(secret);
    const routing = { chat: "7", answer: secret };
    const said = `\x1b[31mred\x1b[0m ${secret.slice(0, 9)}\x1b[1m${secret.slice(9)}`;
    await t.turns.delegated({
      ...{
        ...told,
        session_id,
        routing,
        delegation_id: `d-${secret}`,
        goal: `use ${secret}`,
        context: `have ${secret}`,
      },
      results: [{ task: `with ${secret}`, status: "done", summary: said }],
    });
    const events = await t.seen(session_id, "notice");
    assert.ok(!JSON.stringify(events).includes(secret));
    const [notice] = only(events, "notice");
    assert.match(notice?.payload.text ?? "", /\nred \[redacted: /);
    assert.match(notice?.payload.routing?.answer ?? "", /^\[redacted: /);
    assert.equal(notice?.payload.routing?.chat, "7");
  });
});
