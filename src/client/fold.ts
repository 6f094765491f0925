// What a conversation looks like after an event: one pure fold, from which the page and the terminal client draw.
import type { EventParams, EventType, NoticeKind, Payload, TurnError, Usage } from "../protocol/events.ts";
import type { ProcessRow, TerminalRow } from "../protocol/rows.ts";

interface ItemBase {
  /** Stable and unique within the session: a React key. */
  readonly key: string;
  readonly seq: number;
  readonly time: number;
}
export interface PromptItem extends ItemBase {
  readonly kind: "prompt";
  readonly prompt_id: string;
  readonly turn_id: string;
  readonly text: string;
  readonly mode: "queue" | "steer" | "interrupt";
  readonly attachments: readonly unknown[];
}
export interface MessageItem extends ItemBase {
  readonly kind: "message";
  readonly message_id: string;
  readonly turn_id: string;
  readonly text: string;
  readonly reasoning: string;
  /** `cut`: it ended in the middle, by a cancel, a crash or a broken stream. */
  readonly state: "streaming" | "complete" | "cut";
  readonly finish: Payload<"message.complete">["finish"] | null;
  readonly model: string | null;
}
export interface ToolItem extends ItemBase {
  readonly kind: "tool";
  readonly call_id: string;
  readonly turn_id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly preview: string;
  /** What a write changes in a file that is there, as unified diff, bounded; null: nothing to compare. */
  readonly diff: string | null;
  readonly status: "running" | Payload<"tool.complete">["status"];
  readonly result: string | null;
  readonly process_id: string | null;
  readonly duration_ms: number | null;
}
export interface ApprovalItem extends ItemBase {
  readonly kind: "approval";
  readonly request_id: string;
  readonly call_id: string;
  readonly turn_id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly preview: string;
  /** What a write would change in a file that is there, as unified diff; null: nothing to compare. */
  readonly diff: string | null;
  readonly reason: string;
  readonly choices: Payload<"approval.request">["choices"];
  /** null while it waits for a person. */
  readonly choice: Payload<"approval.settled">["choice"] | null;
}
export interface ClarifyItem extends ItemBase {
  readonly kind: "clarify";
  readonly request_id: string;
  readonly call_id: string;
  readonly turn_id: string;
  readonly question: string;
  readonly choices: readonly string[];
  readonly settled: boolean;
  /** null while it waits, and when it was cancelled. */
  readonly answer: string | null;
}
export interface NoticeItem extends ItemBase {
  readonly kind: "notice";
  readonly notice_id: string;
  readonly notice: (typeof NoticeKind)["options"][number];
  /** null where it is about no process. */
  readonly process_id: string | null;
  readonly text: string;
}
/** The end of a turn. One that ended `done` is seldom worth drawing. */
export interface TurnEndItem extends ItemBase {
  readonly kind: "turn_end";
  readonly turn_id: string;
  readonly status: Payload<"turn.ended">["status"];
  readonly error: TurnError | null;
}
export type Item = PromptItem | MessageItem | ToolItem | ApprovalItem | ClarifyItem | NoticeItem | TurnEndItem;
/** `closed`: ended on purpose and forgotten by the host; one that ended by itself can still be read. */
export type FoldedTerminal = TerminalRow & { readonly closed?: boolean };

export interface SessionState {
  readonly session_id: string;
  /** Number of the last event folded in: where to go on reading. */
  readonly seq: number;
  readonly title: string;
  readonly workspace: string;
  readonly model: string | null;
  readonly approvals: "ask" | "dangerous" | "off" | null;
  /** In reading order. An item that did not change is the same object as before. */
  readonly items: readonly Item[];
  /** Prompts accepted and not yet begun; they join `items` where their turn begins. */
  readonly queued: readonly PromptItem[];
  /** The requests in `items` that wait for a person. */
  readonly pending: readonly (ApprovalItem | ClarifyItem)[];
  readonly processes: ReadonlyMap<string, ProcessRow>;
  readonly terminals: ReadonlyMap<string, FoldedTerminal>;
  /** The turn that runs; null when idle. */
  readonly turn_id: string | null;
  /** A turn runs or is about to. */
  readonly busy: boolean;
  readonly usage: Usage;
}

export function emptySession(sessionId: string): SessionState {
  return {
    session_id: sessionId,
    seq: 0,
    title: "",
    workspace: "",
    model: null,
    approvals: null,
    items: [],
    queued: [],
    pending: [],
    processes: new Map(),
    terminals: new Map(),
    turn_id: null,
    busy: false,
    usage: { input_tokens: 0, output_tokens: 0, cached_tokens: 0 },
  };
}

/** The state after one more event; `state` itself is never changed. Events already folded in change nothing. */
export function foldSession(state: SessionState, event: EventParams): SessionState {
  return foldSessionAll(state, [event]);
}

/**
 * The same for many events at once, with one copy for all of them: fold a page, or what came since the last frame was
 * drawn, and the cost per event does not depend on how long the conversation is.
 */
export function foldSessionAll(state: SessionState, events: Iterable<EventParams>): SessionState {
  const draft = new Draft(state);
  for (const event of events) draft.fold(event);
  return draft.done();
}

type Open = ApprovalItem | ClarifyItem;
type Mutable = { -readonly [K in keyof SessionState]: SessionState[K] };

/** A state being changed: lists and maps are copied once, when first touched. */
class Draft {
  readonly #before: SessionState;
  readonly #now: Mutable;
  #items: Item[] | undefined;
  #processes: Map<string, ProcessRow> | undefined;
  #terminals: Map<string, FoldedTerminal> | undefined;
  #changed = false;

  constructor(state: SessionState) {
    this.#before = state;
    this.#now = { ...state };
  }

  done(): SessionState {
    if (!this.#changed) return this.#before;
    this.#now.busy = this.#now.turn_id !== null || this.#now.queued.length > 0;
    return this.#now;
  }

  fold(event: EventParams): void {
    const seq = event.seq ?? 0;
    if (seq <= this.#now.seq) return;
    this.#now.seq = seq;
    this.#changed = true;
    const step = (steps as Record<string, Step<EventType> | undefined>)[event.type];
    // A type we do not know comes from a newer host: its number counts, the rest is not for us.
    step?.(this, event.payload as Payload<EventType>, { seq, time: event.time ?? 0 });
  }

  get state(): Mutable {
    return this.#now;
  }
  get processes(): Map<string, ProcessRow> {
    this.#processes ??= new Map(this.#now.processes);
    this.#now.processes = this.#processes;
    return this.#processes;
  }
  get terminals(): Map<string, FoldedTerminal> {
    this.#terminals ??= new Map(this.#now.terminals);
    this.#now.terminals = this.#terminals;
    return this.#terminals;
  }

  add(item: Item): void {
    this.#own().push(item);
    if (item.kind === "approval" || item.kind === "clarify") this.#now.pending = [...this.#now.pending, item];
  }

  /** Replaces the item with this key. False if there is none. */
  update<K extends Item["kind"]>(kind: K, key: string, change: (item: Extract<Item, { kind: K }>) => Item): boolean {
    const items = this.#now.items;
    // Turns follow one another: what an event can still change is younger than the end of the turn before.
    const at = items.findLastIndex((item) => item.kind === "turn_end" || (item.key === key && item.kind === kind));
    const old = items[at];
    if (old === undefined || old.key !== key) return false;
    this.#own()[at] = change(old as Extract<Item, { kind: K }>);
    return true;
  }

  /** What a person was asked about this call, in this turn. */
  asked(callId: string): ApprovalItem | undefined {
    const found = this.#now.items.findLast(
      (item) => item.kind === "turn_end" || (item.kind === "approval" && item.call_id === callId),
    );
    return found?.kind === "approval" ? found : undefined;
  }

  /** Closes what a turn that ends has left open. */
  closeTurn(turnId: string): void {
    for (let at = this.#now.items.length - 1; at >= 0; at--) {
      const item = this.#now.items[at];
      if (item === undefined || item.kind === "turn_end") break;
      if (!("turn_id" in item) || item.turn_id !== turnId) continue;
      if (item.kind === "message" && item.state === "streaming") this.#own()[at] = { ...item, state: "cut" };
      if (item.kind === "tool" && item.status === "running") this.#own()[at] = { ...item, status: "unknown" };
      if (item.kind === "approval" && item.choice === null) this.settle({ ...item, choice: "cancelled" });
      if (item.kind === "clarify" && !item.settled) this.settle({ ...item, settled: true });
    }
  }

  settle(item: Open): void {
    this.update(item.kind, item.key, () => item);
    this.#now.pending = this.#now.pending.filter((open) => open.request_id !== item.request_id);
  }

  /** A queued prompt takes its place in the conversation. */
  take(which: (prompt: PromptItem) => boolean): void {
    for (const prompt of this.#now.queued) if (which(prompt)) this.add(prompt);
    this.#now.queued = this.#now.queued.filter((prompt) => !which(prompt));
  }

  #own(): Item[] {
    this.#items ??= [...this.#now.items];
    this.#now.items = this.#items;
    return this.#items;
  }
}

type At = { seq: number; time: number };
type Step<T extends EventType> = (draft: Draft, payload: Payload<T>, at: At) => void;

function streamed(
  draft: Draft,
  id: { message_id: string; turn_id: string },
  part: "text" | "reasoning",
  text: string,
  at: At,
) {
  const grown = draft.update("message", id.message_id, (item) => ({ ...item, [part]: item[part] + text }));
  if (grown) return;
  draft.add({ ...newMessage(id, at), [part]: text });
}
function newMessage(id: { message_id: string; turn_id: string }, at: At): MessageItem {
  const { message_id, turn_id } = id;
  const blank = { text: "", reasoning: "", state: "streaming", finish: null, model: null } as const;
  return { kind: "message", key: message_id, message_id, turn_id, ...blank, ...at };
}

const steps: { [T in EventType]: Step<T> } = {
  "session.info": ({ state }, info) => {
    if (info.title !== undefined) state.title = info.title;
    if (info.workspace !== undefined) state.workspace = info.workspace;
    if (info.model !== undefined) state.model = info.model;
    if (info.approvals !== undefined) state.approvals = info.approvals;
  },
  "prompt.accepted": ({ state }, { prompt_id, turn_id, text, mode, attachments = [] }, at) => {
    const prompt = { kind: "prompt", key: prompt_id, prompt_id, turn_id, text, mode, attachments, ...at } as const;
    state.queued = [...state.queued, prompt];
  },
  "turn.started": (draft, { turn_id, prompt_id }) => {
    draft.state.turn_id = turn_id;
    if (prompt_id !== undefined) draft.take((prompt) => prompt.prompt_id === prompt_id);
  },
  "turn.steered": (draft, { prompt_id }) => draft.take((prompt) => prompt.prompt_id === prompt_id),
  "message.delta": (draft, delta, at) => streamed(draft, delta, "text", delta.text, at),
  "reasoning.delta": (draft, delta, at) => streamed(draft, delta, "reasoning", delta.text, at),
  "message.complete": (draft, { message_id, turn_id, text, reasoning = "", finish, model }, at) => {
    const state = finish === "cut" ? "cut" : "complete";
    const known = draft.update("message", message_id, (item) => ({ ...item, text, reasoning, finish, model, state }));
    // An answer that is nothing but tool calls has nothing to draw of its own.
    if (known || (text === "" && reasoning === "" && finish !== "refusal")) return;
    draft.add({ ...newMessage({ message_id, turn_id }, at), text, reasoning, finish, model, state });
  },
  "message.dropped": (draft, { message_id }) => {
    draft.update("message", message_id, (item) => ({ ...item, state: "cut" }));
  },
  "tool.start": (draft, { call_id, turn_id, name, arguments: args, preview, diff, process_id = null }, at) => {
    // Of what a person has approved it is told with the question, and not again.
    const change = diff ?? draft.asked(call_id)?.diff ?? null;
    const facts = { call_id, turn_id, name, arguments: args, preview, diff: change, process_id };
    // A resumed turn may record the same call again: it is one card.
    if (draft.update("tool", call_id, (item) => ({ ...item, ...facts, status: "running" }))) return;
    draft.add({ kind: "tool", key: call_id, ...facts, status: "running", result: null, duration_ms: null, ...at });
  },
  "tool.complete": (draft, { call_id, turn_id, name, status, result, process_id, duration_ms }, at) => {
    const ended = { status, result, duration_ms, ...(process_id === undefined ? {} : { process_id }) };
    if (draft.update("tool", call_id, (item) => ({ ...item, ...ended }))) return;
    const known = draft.asked(call_id) ?? { arguments: {}, preview: name, diff: null };
    // It never began, and what became of it stands where it was asked for.
    if ("choice" in known && (known.choice === "deny" || known.choice === "cancelled")) return;
    const { arguments: args, preview, diff } = known;
    const facts = { call_id, turn_id, name, arguments: args, preview, diff, process_id: null };
    draft.add({ kind: "tool", key: call_id, ...facts, ...ended, ...at });
  },
  "approval.request": (draft, request, at) => {
    const { request_id, call_id, turn_id, name, arguments: args, preview, diff = null, reason, choices } = request;
    const facts = { request_id, call_id, turn_id, name, arguments: args, preview, diff, reason, choices };
    draft.add({ kind: "approval", key: request_id, ...facts, choice: null, ...at });
  },
  "approval.settled": (draft, { request_id, choice }) => {
    const open = draft.state.pending.find((item) => item.request_id === request_id);
    if (open?.kind === "approval") draft.settle({ ...open, choice });
  },
  "clarify.request": (draft, { request_id, call_id, turn_id, question, choices }, at) => {
    const facts = { request_id, call_id, turn_id, question, choices };
    draft.add({ kind: "clarify", key: request_id, ...facts, settled: false, answer: null, ...at });
  },
  "clarify.settled": (draft, { request_id, answer }) => {
    const open = draft.state.pending.find((item) => item.request_id === request_id);
    if (open?.kind === "clarify") draft.settle({ ...open, settled: true, answer });
  },
  usage: ({ state }, used) => {
    const sum = state.usage;
    state.usage = {
      input_tokens: sum.input_tokens + used.input_tokens,
      output_tokens: sum.output_tokens + used.output_tokens,
      cached_tokens: sum.cached_tokens + used.cached_tokens,
    };
  },
  "turn.ended": (draft, { turn_id, status, error = null }, at) => {
    // A turn cancelled before it began never started: its prompt still belongs to the conversation.
    draft.take((prompt) => prompt.turn_id === turn_id);
    draft.closeTurn(turn_id);
    draft.add({ kind: "turn_end", key: `${turn_id}:end`, turn_id, status, error, ...at });
    if (draft.state.turn_id === turn_id) draft.state.turn_id = null;
  },
  "process.started": ({ processes }, { process_id, process }) => void processes.set(process_id, process),
  "process.matched": ({ processes }, { process_id, hits, promoted }) => {
    const row = processes.get(process_id);
    if (!row) return;
    processes.set(process_id, { ...row, watch_hits: hits, ...(promoted === true && { notify_on_complete: true }) });
  },
  "process.drain_overdue": ({ processes }, { process_id }) => {
    const row = processes.get(process_id);
    if (row) processes.set(process_id, { ...row, drain_overdue: true });
  },
  "process.limited": ({ processes }, { process_id, limit }) => {
    const row = processes.get(process_id);
    if (row && limit !== "spool") processes.set(process_id, { ...row, limit_hit: limit });
  },
  "process.ended": ({ processes }, { process_id, process }) => void processes.set(process_id, process),
  "process.closed": ({ processes }, { process_id }) => {
    const row = processes.get(process_id);
    if (row) processes.set(process_id, { ...row, closed: true });
  },
  notice: (draft, { notice_id, kind, process_id, text }, at) => {
    draft.add({ kind: "notice", key: notice_id, notice_id, notice: kind, process_id: process_id ?? null, text, ...at });
  },
  "terminal.opened": ({ terminals }, { terminal_id, terminal }) => void terminals.set(terminal_id, terminal),
  "terminal.renamed": ({ terminals }, { terminal_id, title }) => {
    const row = terminals.get(terminal_id);
    if (row) terminals.set(terminal_id, { ...row, title });
  },
  "terminal.ended": ({ terminals }, { terminal_id, terminal, cause }) =>
    void terminals.set(terminal_id, cause === "closed" ? { ...terminal, closed: true } : terminal),
  "terminal.closed": ({ terminals }, { terminal_id }) => {
    const row = terminals.get(terminal_id);
    if (row) terminals.set(terminal_id, { ...row, closed: true });
  },
  // Facts of the host's own stream: they say nothing about one conversation.
  "session.listed": () => undefined,
  "config.changed": () => undefined,
  "host.started": () => undefined,
  // Nothing is known of what it was; that its number counts is all that can be done.
  "event.damaged": () => undefined,
};
