// Methods on conversations: what is said in them, what their agents ask, and what they are told.
import * as z from "zod";
import { Delegation } from "../delegation.ts";
import { ApprovalChoice, PromptMode } from "../events.ts";
import { Id } from "../ids.ts";
import { Routing, SessionRow, Time } from "../rows.ts";
import { systemText } from "../text.ts";
import { method } from "./method.ts";

const session = { session_id: Id };
const Workspace = systemText(4096).min(1);

/** A finished entry of a conversation, as `session.history` and exports show it. */
export const HistoryMessage = z.object({
  seq: z.number().int(),
  time: Time,
  turn_id: z.string(),
  role: z.enum(["user", "assistant", "tool", "notice"]),
  text: z.string(),
  message_id: z.string().optional(),
  reasoning: z.string().optional(),
  tool_calls: z
    .array(z.object({ call_id: z.string(), name: z.string(), arguments: z.record(z.string(), z.unknown()) }))
    .optional(),
  call_id: z.string().optional(),
  name: z.string().optional(),
  status: z.string().optional(),
  attachments: z.array(z.unknown()).optional(),
  /** True if it was cut short by a cancel or a crash. */
  cut: z.boolean().optional(),
});
export type HistoryMessage = z.infer<typeof HistoryMessage>;

/** A request that waits for a person. */
export const PendingRequest = z.object({
  kind: z.enum(["approval", "clarify"]),
  request_id: z.string(),
  call_id: z.string(),
  turn_id: z.string(),
  text: z.string(),
  choices: z.array(z.string()),
});

export type PendingRequest = z.infer<typeof PendingRequest>;

export const conversationMethods = {
  "session.create": method(
    "Starts a conversation and subscribes the connection to its events.",
    z.object({ workspace: Workspace.optional(), title: systemText(200).optional(), model: z.string().optional() }),
    z.object({ ...session, session: SessionRow, seq: z.number().int() }),
  ),
  "session.list": method(
    "All conversations, the most recently used first.",
    z.object({ limit: z.number().int().min(1).max(1000).optional() }),
    z.object({ sessions: z.array(SessionRow) }),
  ),
  "session.resume": method(
    "Subscribes the connection to a session: every event after `after`, then live. Without `after`: live only.",
    z.object({ ...session, after: z.number().int().min(0).optional() }),
    z.object({ ...session, session: SessionRow, seq: z.number().int(), pending: z.array(PendingRequest) }),
  ),
  "session.history": method(
    "The finished messages of a conversation.",
    z.object({
      ...session,
      after: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(1000).optional(),
    }),
    z.object({ ...session, messages: z.array(HistoryMessage), seq: z.number().int(), more: z.boolean() }),
  ),
  "session.title": method(
    "Renames a conversation.",
    z.object({ ...session, title: systemText(200).min(1) }),
    z.object({ session: SessionRow }),
  ),
  "session.workspace": method(
    "Changes the directory a conversation works in, from its next turn on.",
    z.object({ ...session, workspace: Workspace }),
    z.object({ session: SessionRow }),
  ),
  "session.interrupt": method(
    "Cancels the running turn; answers false if none runs.",
    z.object({ ...session, turn_id: Id.optional() }),
    z.object({ interrupted: z.boolean() }),
  ),
  "session.close": method(
    "Ends this connection's subscription; the session lives on.",
    z.object(session),
    z.object({ closed: z.boolean() }),
  ),
  "session.delete": method(
    "Deletes a conversation for good, with its history and the processes that have ended in it. Refused while something runs in it, unless `end` ends all that first.",
    z.object({ ...session, end: z.boolean().optional() }),
    z.object({ deleted: z.boolean() }),
  ),
  "session.export": method(
    "A whole conversation as JSON or Markdown text.",
    z.object({ ...session, format: z.enum(["json", "markdown"]).optional() }),
    z.object({ format: z.string(), text: z.string() }),
  ),

  "prompt.submit": method(
    "Gives the agent a person's words. While a turn runs they queue, steer it, or interrupt it, as `mode` says.",
    z.object({
      ...session,
      text: z.string().min(1).max(1_000_000),
      workspace: Workspace.optional(),
      model: z.string().optional(),
      mode: PromptMode.optional(),
      key: z.string().max(200).optional(),
      attachments: z.array(z.unknown()).max(100).optional(),
      routing: Routing.optional(),
    }),
    z.object({ status: z.enum(["started", "queued", "steered"]), stream_id: z.string(), turn_id: z.string() }),
  ),
  "approval.respond": method(
    "Answers a request for approval. The first answer counts.",
    z.object({ request_id: Id, choice: ApprovalChoice }),
    z.object({ settled: z.boolean(), choice: z.string() }),
  ),
  "clarify.respond": method(
    "Answers a question of the agent. The first answer counts.",
    z.object({ request_id: Id, answer: z.string().max(100_000) }),
    z.object({ settled: z.boolean(), answer: z.string().nullable() }),
  ),

  "delegation.complete": method(
    "Tells a session's agent that work it had handed out is over: one notice, which wakes it. The same `delegation_id` told twice is told once, as it was first. A result is `{ task?, status: 'done' | 'failed' | 'cancelled', summary, duration_s? }`; of `started_at` (ms) and `duration_s` at least one is needed.",
    Delegation,
    z.object({ notice_id: z.string() }),
  ),
} as const;
