import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EventParams, EventType, Payload } from "../protocol/events.ts";
import { emptySession, foldSession, foldSessionAll, type SessionState } from "./fold.ts";

const S = "ses_000000000001";
function script(...steps: { [T in EventType]: [T, Payload<T>] }[EventType][]): EventParams[] {
  return steps.map(([type, payload], at) => ({ type, payload, session_id: S, seq: at + 1, time: 1000 + at }));
}
const turn = { turn_id: "turn_1" };
const message = { ...turn, message_id: "msg_1" };
const call = { ...turn, call_id: "call_1" };
const prompt = { ...turn, prompt_id: "prompt_1", text: "hello", mode: "queue" } as const;
const started = { ...turn, prompt_id: "prompt_1", notices: [], workspace: "/w", model: "offline" };
const tool = { ...call, name: "terminal", arguments: { command: "ls" }, preview: "ls" };
const done: Payload<"tool.complete"> = {
  ...{ ...call, name: "terminal", status: "ok", result: "a\nb", duration_ms: 3, notices: [] },
};
const request = { ...tool, request_id: "req_1", reason: "runs a command", choices: ["once" as const, "deny" as const] };
const kinds = (state: SessionState) => state.items.map((item) => item.kind);

const whole = script(
  ["session.info", { title: "A title", workspace: "/w", model: null, approvals: "ask" }],
  ["prompt.accepted", prompt],
  ["turn.started", started],
  ["reasoning.delta", { ...message, text: "hm" }],
  ["message.delta", { ...message, text: "Hel" }],
  ["message.delta", { ...message, text: "lo" }],
  [
    "message.complete",
    { ...message, text: "Hello", reasoning: "hm", tool_calls: [], finish: "tool_calls", model: "m" },
  ],
  ["approval.request", request],
  ["approval.settled", { ...call, request_id: "req_1", choice: "once" }],
  ["tool.start", { ...tool, process_id: "proc_1" }],
  ["tool.complete", done],
  ["usage", { ...turn, model: "m", input_tokens: 5, output_tokens: 2, cached_tokens: 1 }],
  ["turn.ended", { ...turn, status: "done" }],
);

describe("the view of a conversation", () => {
  it("shows a whole turn in reading order", () => {
    const state = foldSessionAll(emptySession(S), whole);
    assert.deepEqual(kinds(state), ["prompt", "message", "approval", "tool", "turn_end"]);
    const [, said, , card] = state.items;
    assert.deepEqual(said?.kind === "message" && [said.text, said.reasoning, said.state], ["Hello", "hm", "complete"]);
    assert.deepEqual(card?.kind === "tool" && [card.status, card.result, card.process_id], ["ok", "a\nb", "proc_1"]);
    assert.deepEqual([state.title, state.busy, state.seq, state.pending], ["A title", false, whole.length, []]);
    assert.equal(state.usage.input_tokens, 5);
  });

  it("S6: shows a refused or withdrawn call where it was asked for, and nowhere else", () => {
    const failed = { ...done, status: "failed" as const, result: "denied" };
    const asked = (choice: "once" | "deny" | "cancelled") =>
      script(
        ["approval.request", { ...request, diff: "@@ -1 +1 @@\n-a\n+b\n" }],
        ["approval.settled", { ...call, request_id: "req_1", choice }],
        ["tool.complete", failed],
      );
    for (const choice of ["deny", "cancelled"] as const) {
      const state = foldSessionAll(emptySession(S), asked(choice));
      assert.deepEqual(kinds(state), ["approval"]);
      const [card] = state.items;
      assert.deepEqual(card?.kind === "approval" && [card.choice, card.diff?.includes("+b")], [choice, true]);
    }
    // Allowed, and it failed before it began: that has to be seen.
    assert.deepEqual(kinds(foldSessionAll(emptySession(S), asked("once"))), ["approval", "tool"]);
  });

  it("S6: keeps with a call what it changes, told with its start or with the question before it", () => {
    const diff = "@@ -1 +1 @@\n-a\n+b\n";
    const change = (...events: Parameters<typeof script>) =>
      foldSessionAll(emptySession(S), script(...events)).items.flatMap((item) =>
        item.kind === "tool" ? [item.diff] : [],
      );
    assert.deepEqual(change(["tool.start", { ...tool, diff }], ["tool.complete", done]), [diff]);
    const asked = { ...request, diff };
    const settled = { ...call, request_id: "req_1", choice: "once" as const };
    assert.deepEqual(change(["approval.request", asked], ["approval.settled", settled], ["tool.start", tool]), [diff]);
    assert.deepEqual(
      change(["approval.request", asked], ["turn.ended", { ...turn, status: "done" }], ["tool.start", tool]),
      [null],
      "in another turn it is another call",
    );
  });

  it("T13: knows a terminal that had ended and was closed for closed, whatever cause its end had", () => {
    const terminal = {
      terminal_id: "term_1",
      name: "main",
      status: "exited",
    } as Payload<"terminal.opened">["terminal"];
    const events = script(
      ["terminal.opened", { terminal_id: "term_1", terminal }],
      ["terminal.ended", { terminal_id: "term_1", cause: "exited", terminal }],
      ["terminal.closed", { terminal_id: "term_1" }],
      ["terminal.closed", { terminal_id: "term_2" }],
    );
    const closed = (count: number) =>
      foldSessionAll(emptySession(S), events.slice(0, count)).terminals.get("term_1")?.closed;
    assert.deepEqual([closed(2), closed(3), closed(4)], [undefined, true, true]);
  });

  it("P30: shows a notice about no process, and one about a process as before", () => {
    const state = foldSessionAll(
      emptySession(S),
      script(
        ["notice", { notice_id: "n1", kind: "delegated", text: "Work you handed out is done." }],
        ["notice", { notice_id: "n2", kind: "ended", process_id: "proc_1", text: "It ended." }],
      ),
    );
    assert.deepEqual(
      state.items.map((item) => item.kind === "notice" && [item.notice, item.process_id]),
      [
        ["delegated", null],
        ["ended", "proc_1"],
      ],
    );
  });

  it("is the same whether events come one by one, in groups, or some of them twice", () => {
    const expected = foldSessionAll(emptySession(S), whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 6 }), (cuts) => {
        let state = emptySession(S);
        for (const cut of [...cuts.sort((a, b) => a - b), whole.length])
          state = foldSessionAll(state, whole.slice(Math.max(0, Math.min(cut, state.seq) - 2), cut));
        assert.deepEqual(state, expected);
      }),
    );
  });

  it("never changes the state it was given, and keeps what did not change", () => {
    let state = emptySession(S);
    for (const event of whole) {
      const frozen = structuredClone(state);
      const next = foldSession(state, event);
      assert.deepEqual(state, frozen);
      const same = next.items.filter((item) => state.items.includes(item)).length;
      assert.ok(same >= state.items.length - 1, `${event.type} replaced more than one item`);
      state = next;
    }
    assert.equal(foldSession(state, whole[3] as EventParams), state);
  });

  it("is busy from the accepted prompt to the end of the turn, and knows who waits for a person", () => {
    const busy = whole.map((_, at) => foldSessionAll(emptySession(S), whole.slice(0, at + 1)).busy);
    assert.deepEqual(busy.indexOf(true), 1);
    assert.deepEqual(busy.lastIndexOf(true), whole.length - 2);
    const waiting = foldSessionAll(emptySession(S), whole.slice(0, 8));
    assert.deepEqual(
      waiting.pending.map((item) => item.request_id),
      ["req_1"],
    );
  });

  it("shows a queued prompt where its turn begins, not where it was typed", () => {
    const second = { turn_id: "turn_2", prompt_id: "prompt_2" };
    const events = script(
      ["prompt.accepted", prompt],
      ["turn.started", started],
      ["prompt.accepted", { ...prompt, ...second, text: "and then" }],
      ["message.complete", { ...message, text: "one", tool_calls: [], finish: "stop", model: "m" }],
      ["turn.ended", { ...turn, status: "done" }],
      ["turn.started", { ...started, ...second }],
    );
    const before = foldSessionAll(emptySession(S), events.slice(0, 5));
    assert.deepEqual([kinds(before), before.queued.length, before.busy], [["prompt", "message", "turn_end"], 1, true]);
    const after = foldSession(before, events[5] as EventParams);
    assert.deepEqual([kinds(after), after.queued.length], [["prompt", "message", "turn_end", "prompt"], 0]);
  });

  it("S7: keeps the prompt of a turn that was cancelled before it began", () => {
    const events = script(["prompt.accepted", prompt], ["turn.ended", { ...turn, status: "cancelled" }]);
    const state = foldSessionAll(emptySession(S), events);
    assert.deepEqual([kinds(state), state.busy], [["prompt", "turn_end"], false]);
  });

  it("S7, S10: marks what a cancel or a crash cut short", () => {
    const events = script(
      ["turn.started", started],
      ["message.delta", { ...message, text: "half" }],
      ["message.dropped", { ...message, reason: "host restarted" }],
      ["message.delta", { ...turn, message_id: "msg_2", text: "again ha" }],
      [
        "message.complete",
        { ...turn, message_id: "msg_2", text: "again ha", tool_calls: [], finish: "cut", model: "m" },
      ],
      ["tool.start", tool],
      ["clarify.request", { ...call, request_id: "req_2", question: "which?", choices: [] }],
      ["turn.ended", { ...turn, status: "cancelled" }],
    );
    const state = foldSessionAll(emptySession(S), events);
    assert.deepEqual(
      state.items.map((item) => ("state" in item ? item.state : "status" in item ? item.status : item.kind)),
      ["cut", "cut", "unknown", "clarify", "cancelled"],
    );
    assert.deepEqual(state.pending, []);
  });

  it("draws nothing for an answer that is only tool calls, and takes the types of a newer host in its stride", () => {
    const events = script(
      ["turn.started", started],
      ["message.complete", { ...message, text: "", tool_calls: [], finish: "tool_calls", model: "m" }],
    );
    events.push({ type: "from.the.future", session_id: S, seq: 3, payload: null });
    const state = foldSessionAll(emptySession(S), events);
    assert.deepEqual([state.items, state.seq], [[], 3]);
  });
});
