// What is written down about a terminal: its two events and the row that lists and a next host read. No keystroke, no byte.
import type { EventLog } from "../log/event-log.ts";
import { type NewEvent, type Payload, sessionStream } from "../protocol/events.ts";
import { TerminalRow } from "../protocol/rows.ts";

export const VIEW = "terminal";
const FACTS = "terminal";

export type EndCause = Payload<"terminal.ended">["cause"];

/** A stored row, or null if this is none (torn, foreign, of another version). */
export function parseRow(value: unknown): TerminalRow | null {
  const parsed = TerminalRow.safeParse(value);
  return parsed.success ? parsed.data : null;
}

export function toFacts(row: TerminalRow): Record<string, string> {
  return { [FACTS]: JSON.stringify(row) };
}
export function fromFacts(facts: Readonly<Record<string, string>> | undefined): TerminalRow | null {
  const text = facts?.[FACTS];
  if (text === undefined) return null;
  try {
    return parseRow(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Appends under ids that depend on nothing but the fact, so that each is told once however often hosts restart. */
export class TerminalRecorder {
  readonly #log: EventLog;
  constructor(log: EventLog) {
    this.#log = log;
  }

  async #append(row: TerminalRow, events: readonly NewEvent[], keep: boolean): Promise<void> {
    const value = keep ? row : null;
    await this.#log.append(sessionStream(row.session_id), events, {
      views: [{ view: VIEW, key: row.terminal_id, value }],
    });
  }

  async row(row: TerminalRow): Promise<void> {
    await this.#append(row, [], true);
  }

  async opened(row: TerminalRow): Promise<void> {
    const { terminal_id } = row;
    await this.#append(
      row,
      [{ id: `${terminal_id}:opened`, type: "terminal.opened", payload: { terminal_id, terminal: row } }],
      true,
    );
  }

  /** A terminal that ended by itself stays in the lists; one that was closed or replaced does not. */
  async ended(row: TerminalRow, cause: EndCause): Promise<void> {
    const { terminal_id } = row;
    const payload = { terminal_id, cause, terminal: row };
    const keep = cause === "exited" || cause === "lost";
    await this.#append(row, [{ id: `${terminal_id}:ended`, type: "terminal.ended", payload }], keep);
  }

  /** Forgets a row; its events stay. */
  async forget(row: TerminalRow): Promise<void> {
    await this.#append(row, [], false);
  }
}
