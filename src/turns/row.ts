// The row that lists show of a session: a small fold of its own, so that a list needs no transcript.
import type { NewEvent } from "../protocol/events.ts";
import type { SessionRow } from "../protocol/rows.ts";

/** What the view `session` holds by id. */
export interface StoredSession extends SessionRow {
  usage: { input_tokens: number; output_tokens: number; cached_tokens: number };
  /** Turns that have ended. */
  turns: number;
}

/** Of a session of which nothing is known yet but its id; `time` in ms since the epoch. */
export function newRow(session_id: string, time: number): StoredSession {
  return {
    session_id,
    title: "",
    workspace: "",
    model: null,
    approvals: "ask",
    created_at: time,
    updated_at: time,
    turn_id: null,
    queued: 0,
    pending: 0,
    usage: { input_tokens: 0, output_tokens: 0, cached_tokens: 0 },
    turns: 0,
  };
}

/** The row after an event; the same object if nothing that it shows has changed. */
export function foldRow(row: StoredSession, event: NewEvent, time: number): StoredSession {
  switch (event.type) {
    case "session.info": {
      const { title, workspace, model, approvals } = event.payload;
      return {
        ...row,
        updated_at: time,
        title: title ?? row.title,
        workspace: workspace ?? row.workspace,
        model: model === undefined ? row.model : model,
        approvals: approvals ?? row.approvals,
      };
    }
    case "prompt.accepted":
      return {
        ...row,
        updated_at: time,
        queued: event.payload.turn_id === row.turn_id ? row.queued : row.queued + 1,
      };
    case "turn.started":
      return {
        ...row,
        updated_at: time,
        turn_id: event.payload.turn_id,
        pending: 0,
        // Never below zero: a prompt that came too late to steer runs as a turn of its own and was not counted.
        queued: event.payload.prompt_id === undefined ? row.queued : Math.max(0, row.queued - 1),
      };
    case "approval.request":
    case "clarify.request":
      return { ...row, updated_at: time, pending: row.pending + 1 };
    case "approval.settled":
    case "clarify.settled":
      return { ...row, updated_at: time, pending: Math.max(0, row.pending - 1) };
    case "usage": {
      const { input_tokens, output_tokens, cached_tokens } = event.payload;
      const usage = {
        input_tokens: row.usage.input_tokens + input_tokens,
        output_tokens: row.usage.output_tokens + output_tokens,
        cached_tokens: row.usage.cached_tokens + cached_tokens,
      };
      return { ...row, usage };
    }
    case "turn.ended":
      if (event.payload.turn_id !== row.turn_id)
        return { ...row, updated_at: time, queued: Math.max(0, row.queued - 1) };
      return { ...row, updated_at: time, turn_id: null, pending: 0, turns: row.turns + 1 };
    default:
      return row;
  }
}

/** The row without what only the host needs. */
export function publicRow(stored: StoredSession): SessionRow {
  const { usage: _usage, turns: _turns, ...row } = stored;
  return row;
}
