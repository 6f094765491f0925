// What a session is, as a fold over its events: the turn loop, the transcript and the lists all read from here.

import type { Payload, Recorded, ToolCall, Usage } from "../protocol/events.ts";
import type { Routing } from "../protocol/rows.ts";

export interface Prompt {
  prompt_id: string;
  /** null: it came too late to steer its turn, and gets a new one. */
  turn_id: string | null;
  text: string;
  mode: Payload<"prompt.accepted">["mode"];
  workspace: string | undefined;
  model: string | undefined;
  attachments: unknown[] | undefined;
  routing: Routing | undefined;
}

/** One thing that was said or done, in order. `seq` is the event that made it final. */
export type Entry = { seq: number; time: number; turn_id: string } & (
  | { kind: "user"; text: string; workspace: string; attachments: unknown[] | undefined }
  | { kind: "notice"; text: string }
  | {
      kind: "assistant";
      message_id: string;
      text: string;
      reasoning: string;
      tool_calls: readonly ToolCall[];
      /** `dropped`: shown as cut, never sent to the model. */
      end: "whole" | "cut" | "dropped";
    }
  | { kind: "tool"; call_id: string; name: string; status: Payload<"tool.complete">["status"]; text: string }
);

export interface Approval {
  request: Payload<"approval.request">;
  choice: Payload<"approval.settled">["choice"] | undefined;
}
export interface Clarify {
  request: Payload<"clarify.request">;
  /** undefined: open; null: cancelled. */
  answer: string | null | undefined;
}
export interface Call {
  call: ToolCall;
  approval?: Approval;
  clarify?: Clarify;
  start?: Payload<"tool.start">;
  complete?: Payload<"tool.complete">;
}

/** The turn that has started and not ended. */
export interface OpenTurn {
  turn_id: string;
  workspace: string;
  model: string;
  /** A message that has deltas and no end yet. */
  message: { message_id: string; text: string; reasoning: string } | undefined;
  /** The last finished message; undefined before the first. */
  last: Payload<"message.complete"> | undefined;
  /** Messages finished so far. */
  answers: number;
  /** The calls of the last finished message. */
  calls: Map<string, Call>;
  /** Prompts that want to join and have not. */
  steers: Prompt[];
  /** True if something the model has not answered came after its last message. */
  heard: boolean;
}

/** As many as the largest budget of wake-ups an hour looks at. */
const WAKES_KEPT = 1_000;
/** Prompts remembered for their `key`, oldest forgotten first: a retry comes soon or never. */
const KEYS_KEPT = 1000;

export class SessionState {
  head = 0;
  turn: OpenTurn | undefined;
  readonly queue: Prompt[] = [];
  readonly entries: Entry[] = [];
  /** Notices the agent has not been told. */
  readonly notices = new Map<string, string>();
  /** Tools granted for the session. */
  readonly grants = new Set<string>();
  readonly keys = new Map<string, { text: string; turn_id: string }>();
  /** When notices alone have started a turn, ms since the epoch, the newest last; only as many as a budget looks at. */
  readonly wakes: number[] = [];
  /** Where the person's latest words came from, if they said so. */
  routing: Routing | undefined;
  readonly usage: Usage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0 };
  /** The turn that ended last. */
  #over: string | undefined;
  /** Told by a tool result before their `notice` event came. */
  readonly #consumed = new Set<string>();

  /** Takes the next event of the stream; they must come in order, without a gap. */
  apply(event: Recorded): void {
    this.head = event.seq;
    switch (event.type) {
      case "prompt.accepted":
        this.#accepted(event.payload);
        return;
      case "turn.started":
        this.#started(event, event.payload);
        return;
      case "turn.steered":
        this.#steered(event, event.payload.prompt_id);
        return;
      case "turn.ended":
        this.#ended(event, event.payload);
        return;
      case "notice":
        if (!this.#consumed.delete(event.payload.notice_id))
          this.notices.set(event.payload.notice_id, event.payload.text);
        return;
      case "usage":
        this.usage.input_tokens += event.payload.input_tokens;
        this.usage.output_tokens += event.payload.output_tokens;
        this.usage.cached_tokens += event.payload.cached_tokens;
        return;
      default:
        if (this.turn !== undefined) this.#during(this.turn, event);
    }
  }

  #accepted(payload: Payload<"prompt.accepted">): void {
    const prompt: Prompt = {
      prompt_id: payload.prompt_id,
      // A turn that is over begins no second time: its words get a new one.
      turn_id: payload.turn_id === this.#over ? null : payload.turn_id,
      text: payload.text,
      mode: payload.mode,
      workspace: payload.workspace,
      model: payload.model,
      attachments: payload.attachments,
      routing: payload.routing,
    };
    if (payload.key !== undefined) {
      this.keys.set(payload.key, { text: payload.text, turn_id: payload.turn_id });
      for (const oldest of this.keys.keys()) {
        if (this.keys.size <= KEYS_KEPT) break;
        this.keys.delete(oldest);
      }
    }
    if (this.turn?.turn_id === prompt.turn_id) this.turn.steers.push(prompt);
    else if (prompt.mode === "interrupt") this.queue.unshift(prompt);
    else this.queue.push(prompt);
  }

  #started(event: Recorded, payload: Payload<"turn.started">): void {
    const { turn_id, workspace, model } = payload;
    this.turn = {
      turn_id,
      workspace,
      model,
      message: undefined,
      last: undefined,
      answers: 0,
      calls: new Map(),
      steers: [],
      heard: true,
    };
    if (payload.prompt_id === undefined) {
      this.wakes.push(event.time);
      if (this.wakes.length > WAKES_KEPT) this.wakes.shift();
    }
    for (const id of payload.notices) {
      const text = this.notices.get(id);
      if (text !== undefined) this.entries.push({ ...at(event, turn_id), kind: "notice", text });
      this.#consume(id);
    }
    const queued = this.queue.findIndex((prompt) => prompt.prompt_id === payload.prompt_id);
    const [prompt] = queued === -1 ? [] : this.queue.splice(queued, 1);
    if (prompt !== undefined) this.#hear(event, prompt, workspace);
  }

  #steered(event: Recorded, promptId: string): void {
    if (this.turn === undefined) return;
    const index = this.turn.steers.findIndex((prompt) => prompt.prompt_id === promptId);
    const [prompt] = index === -1 ? [] : this.turn.steers.splice(index, 1);
    if (prompt === undefined) return;
    this.#hear(event, prompt, this.turn.workspace);
    this.turn.heard = true;
  }

  #hear(event: Recorded, prompt: Prompt, workspace: string): void {
    const { text, attachments, routing } = prompt;
    if (routing !== undefined) this.routing = routing;
    const turn_id = this.turn?.turn_id ?? "";
    this.entries.push({ ...at(event, turn_id), kind: "user", text, workspace, attachments });
  }

  #ended(event: Recorded, payload: Payload<"turn.ended">): void {
    const queued = this.queue.findIndex((prompt) => prompt.turn_id === payload.turn_id);
    if (queued !== -1) this.queue.splice(queued, 1);
    this.#over = payload.turn_id;
    if (this.turn?.turn_id !== payload.turn_id) return;
    // Words that came too late to steer are still the person's: answered next, or where the person has cancelled, kept.
    if (payload.status === "done")
      this.queue.unshift(...this.turn.steers.map((prompt) => ({ ...prompt, turn_id: null })));
    else for (const prompt of this.turn.steers) this.#hear(event, prompt, this.turn.workspace);
    this.turn = undefined;
  }

  #during(turn: OpenTurn, event: Recorded): void {
    switch (event.type) {
      case "message.delta":
      case "reasoning.delta": {
        const { message_id, text } = event.payload;
        if (turn.message?.message_id !== message_id) turn.message = { message_id, text: "", reasoning: "" };
        turn.message[event.type === "message.delta" ? "text" : "reasoning"] += text;
        return;
      }
      case "message.complete": {
        const { message_id, text, reasoning, tool_calls, finish } = event.payload;
        turn.message = undefined;
        turn.last = event.payload;
        turn.answers += 1;
        turn.calls = new Map(tool_calls.map((call) => [call.call_id, { call }]));
        turn.heard = false;
        this.entries.push({
          ...at(event, turn.turn_id),
          kind: "assistant",
          message_id,
          text,
          reasoning: reasoning ?? "",
          tool_calls,
          end: finish === "cut" ? "cut" : "whole",
        });
        return;
      }
      case "message.dropped": {
        const open = turn.message;
        turn.message = undefined;
        if (open?.message_id !== event.payload.message_id) return;
        this.entries.push({ ...at(event, turn.turn_id), kind: "assistant", ...open, tool_calls: [], end: "dropped" });
        return;
      }
      case "approval.request": {
        const call = turn.calls.get(event.payload.call_id);
        if (call !== undefined) call.approval = { request: event.payload, choice: undefined };
        return;
      }
      case "approval.settled": {
        const approval = turn.calls.get(event.payload.call_id)?.approval;
        if (approval === undefined) return;
        approval.choice = event.payload.choice;
        if (event.payload.choice === "session") this.grants.add(approval.request.name);
        return;
      }
      case "clarify.request": {
        const call = turn.calls.get(event.payload.call_id);
        if (call !== undefined) call.clarify = { request: event.payload, answer: undefined };
        return;
      }
      case "clarify.settled": {
        const clarify = turn.calls.get(event.payload.call_id)?.clarify;
        if (clarify !== undefined) clarify.answer = event.payload.answer;
        return;
      }
      case "tool.start": {
        const call = turn.calls.get(event.payload.call_id);
        if (call !== undefined) call.start = event.payload;
        return;
      }
      case "tool.complete": {
        const { call_id, name, status, result, notices } = event.payload;
        const call = turn.calls.get(call_id);
        if (call !== undefined) call.complete = event.payload;
        for (const id of notices) this.#consume(id);
        turn.heard = true;
        this.entries.push({ ...at(event, turn.turn_id), kind: "tool", call_id, name, status, text: result });
        return;
      }
      default:
        return; // processes, terminals and info: other folds' business
    }
  }

  #consume(noticeId: string): void {
    // A tool result may tell of an end whose own event is still on its way: remember, so that it wakes nobody.
    if (!this.notices.delete(noticeId)) this.#consumed.add(noticeId);
  }

  /** Requests of the open turn that wait for a person. */
  *waiting(): Generator<{ kind: "approval"; approval: Approval } | { kind: "clarify"; clarify: Clarify }> {
    for (const { approval, clarify, complete } of this.turn?.calls.values() ?? []) {
      if (complete !== undefined) continue;
      if (approval !== undefined && approval.choice === undefined) yield { kind: "approval", approval };
      if (clarify !== undefined && clarify.answer === undefined) yield { kind: "clarify", clarify };
    }
  }
}

function at(event: Recorded, turn_id: string): { seq: number; time: number; turn_id: string } {
  return { seq: event.seq, time: event.time, turn_id };
}

/** What the journal asks for next; the same question after a crash as in the middle of a run. */
export type Step =
  | { kind: "ask" }
  | { kind: "steer"; prompts: readonly Prompt[] }
  | { kind: "call"; call: Call }
  | { kind: "end" };

/** Decides from the journal alone how a turn goes on. */
export function nextStep(turn: OpenTurn): Step {
  for (const call of turn.calls.values()) if (call.complete === undefined) return { kind: "call", call };
  if (turn.steers.length > 0) return { kind: "steer", prompts: turn.steers };
  if (turn.last === undefined || turn.heard || turn.last.finish === "continue") return { kind: "ask" };
  return { kind: "end" };
}
