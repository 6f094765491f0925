// A turn's events under the names that web clients of this kind know (S12).
import type { Recorded, RecordedOf, ToolCall, Usage } from "../protocol/events.ts";
import type { HistoryMessage } from "../protocol/methods.ts";
import type { SessionRow } from "../protocol/rows.ts";

const SHOWN_ARGUMENTS = 4;
const STORED_ARGUMENTS = 6;
const ARGUMENT_LENGTH = 120;
const SNIPPET_LENGTH = 200;

export interface ChatEvent {
  name: string;
  data: unknown;
}

/** What one event is called there; undefined if it is not shown. The end of a turn is `chatEnd`'s. */
export function chatEvent(event: Exclude<Recorded, RecordedOf<"turn.ended">>): ChatEvent | undefined {
  const { payload } = event;
  switch (event.type) {
    case "message.delta":
      return { name: "token", data: { text: event.payload.text, message_id: event.payload.message_id } };
    case "reasoning.delta":
      return { name: "reasoning", data: { text: event.payload.text, message_id: event.payload.message_id } };
    case "tool.start": {
      const { name, preview, call_id, process_id } = event.payload;
      const args = cutArguments(event.payload.arguments, SHOWN_ARGUMENTS);
      return { name: "tool", data: { name, preview, args, call_id, process_id } };
    }
    case "tool.complete": {
      const { name, call_id, status, result, process_id, duration_ms } = event.payload;
      return {
        name: "tool_result",
        data: { name, call_id, status, snippet: snippetOf(result), result, process_id, duration_ms },
      };
    }
    case "approval.request": {
      const { request_id, call_id, name, preview, reason, choices } = event.payload;
      const args = cutArguments(event.payload.arguments, SHOWN_ARGUMENTS);
      return { name: "approval", data: { request_id, call_id, name, args, preview, reason, choices } };
    }
    case "session.info":
      return event.payload.title === undefined ? undefined : { name: "title", data: { title: event.payload.title } };
    case "usage":
      return { name: "usage", data: payload };
    // No name of theirs says these, and without them a client would show what is not so, or wait for ever.
    case "message.dropped":
    case "approval.settled":
    case "clarify.request":
    case "clarify.settled":
      return { name: event.type, data: payload };
    default:
      return undefined;
  }
}

export interface WholeSession {
  row: SessionRow;
  messages: readonly HistoryMessage[];
}

/** The last event of a turn's stream. `usage` is the turn's own. */
export function chatEnd({ payload, time }: RecordedOf<"turn.ended">, usage: Usage, session: WholeSession): ChatEvent {
  switch (payload.status) {
    case "done":
      return {
        name: "done",
        data: {
          session: {
            ...session.row,
            // The same for everybody who reads this end, now or after a restart.
            updated_at: time,
            messages: session.messages.map(chatMessage),
            tool_calls: storedCalls(session.messages),
          },
          usage,
        },
      };
    case "cancelled":
      return { name: "cancel", data: { message: "Cancelled." } };
    case "failed":
    case "interrupted":
      return {
        name: "apperror",
        data: payload.error ?? {
          type: "error",
          message: "The host was restarted during this turn and does not go on with it.",
          hint: "Send the message again to go on.",
        },
      };
    default:
      return payload.status satisfies never;
  }
}

function chatMessage({ text, time, ...rest }: HistoryMessage) {
  // A notice is no role there: to the model it is a message from the user's side, and is shown as what it is.
  return { ...rest, content: text, timestamp: Math.floor(time / 1000) };
}

/** Each finished call, with the message that made it (S17). Results without a call are passed over. */
function storedCalls(messages: readonly HistoryMessage[]) {
  const asked = new Map<string, { call: ToolCall; at: number }>();
  const calls = [];
  for (const [at, message] of messages.entries()) {
    for (const call of message.tool_calls ?? []) asked.set(call.call_id, { call, at });
    const made = message.role === "tool" && message.call_id !== undefined ? asked.get(message.call_id) : undefined;
    if (made === undefined) continue;
    const args = cutArguments(made.call.arguments, STORED_ARGUMENTS);
    const { name, call_id } = made.call;
    calls.push({ name, snippet: snippetOf(message.text), tid: call_id, assistant_msg_idx: made.at, args });
  }
  return calls;
}

function cutArguments(values: Readonly<Record<string, unknown>>, most: number): Record<string, string> {
  const cut = Object.entries(values)
    .slice(0, most)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return [name, text.length > ARGUMENT_LENGTH ? `${text.slice(0, ARGUMENT_LENGTH)}...` : text] as const;
    });
  return Object.fromEntries(cut);
}

/** The first characters of a result; of one that is an object, of its output, result or error. */
function snippetOf(result: string): string {
  try {
    const parsed: unknown = JSON.parse(result);
    if (typeof parsed === "object" && parsed !== null)
      for (const key of ["output", "result", "error"]) {
        const value = (parsed as Record<string, unknown>)[key];
        if (value) return String(value).slice(0, SNIPPET_LENGTH);
      }
  } catch {
    // Most results are plain text.
  }
  return result.slice(0, SNIPPET_LENGTH);
}
