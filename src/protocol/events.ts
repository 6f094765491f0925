// Every event: its type and what it carries. An event is in exactly one stream, `session/<id>` or `host`, and is durable
// before anyone sees it. This table is the transcript's format on disk too: fields are added, never renamed.
import * as z from "zod";
import { ApprovalMode, ProcessRow, Routing, TerminalRow } from "./rows.ts";

const turn = { turn_id: z.string() };
const message = { ...turn, message_id: z.string() };
const call = { ...turn, call_id: z.string() };

export const ToolCall = z.object({
  call_id: z.string(),
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  /** Something secret was taken out of the arguments; what runs has it, as long as this host lives. */
  redacted: z.boolean().optional(),
});
export type ToolCall = z.infer<typeof ToolCall>;

export const Usage = z.object({
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cached_tokens: z.number().int(),
});
export type Usage = z.infer<typeof Usage>;

/** What a failed turn or message tells people: `type` is stable, `message` says what happened, `hint` what to do. */
export const TurnError = z.object({
  type: z.enum(["rate_limit", "authentication", "context_too_long", "network", "refusal", "tool", "error"]),
  message: z.string(),
  hint: z.string().optional(),
});
export type TurnError = z.infer<typeof TurnError>;

export const PromptMode = z.enum(["queue", "steer", "interrupt"]);
export const ApprovalChoice = z.enum(["once", "session", "always", "deny"]);
/**
 * `check`: a periodic look at what still runs. `overflow`: matches of too many processes are held back, or are not any
 * more. `delegated`: work that the agent had handed out is over.
 */
export const NoticeKind = z.enum(["ended", "matched", "check", "overflow", "unwatched", "delegated"]);

export const events = {
  /** First event of a session, and again whenever one of these changes: a patch, absent fields stay as they were. */
  "session.info": z.object({
    title: z.string().optional(),
    workspace: z.string().optional(),
    model: z.string().nullable().optional(),
    approvals: ApprovalMode.optional(),
  }),
  /** A person's words, kept exactly; `turn_id` is the turn that will hold them. */
  "prompt.accepted": z.object({
    ...turn,
    prompt_id: z.string(),
    text: z.string(),
    mode: PromptMode,
    key: z.string().optional(),
    workspace: z.string().optional(),
    model: z.string().optional(),
    attachments: z.array(z.unknown()).optional(),
    /** Where the words came from; processes that their turn starts have it too. */
    routing: Routing.optional(),
  }),
  /** `prompt_id` is absent in a turn that notices alone have woken. */
  "turn.started": z.object({
    ...turn,
    prompt_id: z.string().optional(),
    notices: z.array(z.string()),
    workspace: z.string(),
    model: z.string(),
  }),
  /** A prompt sent with `steer` joins the running turn here, before the next model answer. */
  "turn.steered": z.object({ ...turn, prompt_id: z.string() }),
  "message.delta": z.object({ ...message, text: z.string() }),
  "reasoning.delta": z.object({ ...message, text: z.string() }),
  "message.complete": z.object({
    ...message,
    text: z.string(),
    reasoning: z.string().optional(),
    tool_calls: z.array(ToolCall),
    /** `continue`: the model has more to say without a tool call in between. `cut`: cancelled in mid-stream. */
    finish: z.enum(["stop", "tool_calls", "length", "refusal", "continue", "cut"]),
    model: z.string(),
  }),
  /** The message will never be completed (the host died, the stream broke): shown as cut, never sent to the model. */
  "message.dropped": z.object({ ...message, reason: z.string() }),
  "tool.start": z.object({
    ...call,
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    /** One line for people. */
    preview: z.string(),
    process_id: z.string().optional(),
    /** SHA-256 of the file before and after, so that a restart can tell whether a write has happened. */
    before: z.string().nullable().optional(),
    after: z.string().optional(),
    /** What a write changes in a file that is there, as in `approval.request`; absent where that has told it already. */
    diff: z.string().optional(),
  }),
  "tool.complete": z.object({
    ...call,
    name: z.string(),
    status: z.enum(["ok", "failed", "cancelled", "unknown"]),
    /** What the model is told. */
    result: z.string(),
    process_id: z.string().optional(),
    duration_ms: z.number(),
    /** Notices that this result has told the agent already. */
    notices: z.array(z.string()),
  }),
  "approval.request": z.object({
    ...call,
    request_id: z.string(),
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    preview: z.string(),
    /** What a write changes in a file that is there: unified diff without its head. A line that begins with `\\` is a note. */
    diff: z.string().optional(),
    /** Why a person is asked. */
    reason: z.string(),
    choices: z.array(ApprovalChoice),
  }),
  "approval.settled": z.object({
    ...call,
    request_id: z.string(),
    choice: z.union([ApprovalChoice, z.literal("cancelled")]),
  }),
  "clarify.request": z.object({ ...call, request_id: z.string(), question: z.string(), choices: z.array(z.string()) }),
  "clarify.settled": z.object({ ...call, request_id: z.string(), answer: z.string().nullable() }),
  usage: z.object({ ...turn, model: z.string(), ...Usage.shape }),
  /** Exactly one per turn, the last of its events. */
  "turn.ended": z.object({
    ...turn,
    status: z.enum(["done", "failed", "cancelled", "interrupted"]),
    error: TurnError.optional(),
  }),

  "process.started": z.object({ process_id: z.string(), process: ProcessRow }),
  "process.matched": z.object({
    process_id: z.string(),
    pattern: z.string(),
    /** At most 20 lines and 2,000 characters. */
    lines: z.array(z.string()),
    /** Matches since the last such event that are not in `lines`. */
    suppressed: z.number().int(),
    /** All matches so far. */
    hits: z.number().int(),
    /** From here on its end is told as well, because it matches more than can be told. */
    promoted: z.boolean().optional(),
  }),
  /** It has ended, and something it has started holds its output open past `processes.drain_s`: bytes may still come. */
  "process.drain_overdue": z.object({ process_id: z.string(), bytes: z.number().int() }),
  /** It ran into a limit, or its oldest output was dropped: once for each. */
  "process.limited": z.object({
    process_id: z.string(),
    limit: z.enum(["memory", "pids", "spool"]),
    /** Whose limit it was: its own, or that of its session as a whole. */
    scope: z.enum(["process", "session"]),
    /** Bytes, or a number of processes. */
    value: z.number(),
    /** One sentence. */
    text: z.string(),
  }),
  /** Exactly one per process. */
  "process.ended": z.object({ process_id: z.string(), process: ProcessRow }),
  /** No further byte of output will come. */
  "process.closed": z.object({ process_id: z.string(), bytes: z.number().int(), stragglers: z.number().int() }),
  /** Something the session's agent is to be told: wakes it, once. Consumed when a turn.started or tool.complete lists it. */
  notice: z.object({
    notice_id: z.string(),
    kind: NoticeKind,
    /** Of an overflow the process that was held back first; absent where it is about no process. */
    process_id: z.string().optional(),
    text: z.string(),
    /** What was given as `routing` when the process was started, or with the delegated work. */
    routing: Routing.optional(),
  }),

  "terminal.opened": z.object({ terminal_id: z.string(), terminal: TerminalRow }),
  "terminal.renamed": z.object({ terminal_id: z.string(), title: z.string().nullable() }),
  /** `cause`: the shell ended, a person closed it, it was replaced by a newer one of the same name, or lost. */
  "terminal.ended": z.object({
    terminal_id: z.string(),
    cause: z.enum(["exited", "closed", "replaced", "lost"]),
    terminal: TerminalRow,
  }),
  /** One that had ended by itself was put away: a person closed it, or newer ones took its place. No list has it any more. */
  "terminal.closed": z.object({ terminal_id: z.string() }),

  /** Stream `host`: a session appeared, changed in a way lists show, or went. */
  "session.listed": z.object({ session_id: z.string(), change: z.enum(["created", "changed", "deleted"]) }),
  /** Stream `host`: a setting was changed by a person. */
  "config.changed": z.object({ key: z.string(), value: z.unknown() }),
  /** Stream `host`: this host process began to serve. */
  "host.started": z.object({ pid: z.number().int(), build: z.string(), recovered: z.number().int() }),

  /** Never appended: what a reader gets in place of an event that failed its checksum, so that numbers stay dense. */
  "event.damaged": z.object({ reason: z.string() }),
} as const;

export type EventType = keyof typeof events;
export type Payload<T extends EventType> = z.infer<(typeof events)[T]>;
/** One event that is to be appended. The same `id` twice is one event. */
export type NewEvent = { [T in EventType]: { id: string; type: T; payload: Payload<T> } }[EventType];
/** One event as the log has it: `seq` is dense and counts from 1 within its stream; `time` is ms since the epoch. */
export type Recorded = NewEvent & { seq: number; time: number };
export type RecordedOf<T extends EventType> = Extract<Recorded, { type: T }>;

/** Builds an event to append; the payload is checked against its type by the compiler. */
export function newEvent<T extends EventType>(type: T, id: string, payload: Payload<T>): NewEvent {
  // One cast, here: TypeScript cannot see that `type` and `payload` of a generic T belong to the same member of the union.
  return { id, type, payload } as NewEvent;
}

export const HOST_STREAM = "host";
export const sessionStream = (sessionId: string): string => `session/${sessionId}`;
/** The session a stream belongs to, or null for the host's. */
export const streamSession = (stream: string): string | null =>
  stream.startsWith("session/") ? stream.slice("session/".length) : null;

/** What a notification of an event carries: over WebSocket as `params`, over SSE as `data`. */
export interface EventParams {
  type: string;
  session_id?: string;
  seq?: number;
  time?: number;
  payload: unknown;
}
export function eventParams(stream: string, event: Recorded): EventParams {
  const session = streamSession(stream);
  return {
    type: event.type,
    ...(session === null ? {} : { session_id: session }),
    seq: event.seq,
    time: event.time,
    payload: event.payload,
  };
}
