// What is written down about a terminal: its events and the row that lists and a next host read. No keystroke, no byte.
import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { EventLog } from "../log/event-log.ts";
import type { SizeMark } from "../processes/size-history.ts";
import { type NewEvent, type Payload, sessionStream } from "../protocol/events.ts";
import { TerminalRow } from "../protocol/rows.ts";

export const VIEW = "terminal";
const FACTS = "terminal";

const Sizes = z.object({ sizes: z.array(z.tuple([z.number(), z.number(), z.number()])) });

export type EndCause = Payload<"terminal.ended">["cause"];

/** A stored row, or null if this is none (torn, foreign, of another version). */
export function parseRow(value: unknown): TerminalRow | null {
  const parsed = TerminalRow.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** The sizes stored with a row; empty if there are none that can be read. */
export function parseSizes(value: unknown): readonly SizeMark[] {
  const parsed = Sizes.safeParse(value);
  return parsed.success ? parsed.data.sizes.map(([offset, rows, cols]) => ({ offset, rows, cols })) : [];
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

  async #append(row: TerminalRow, events: readonly NewEvent[], sizes: readonly SizeMark[] | null): Promise<void> {
    const value =
      sizes === null ? null : { ...row, sizes: sizes.map(({ offset, rows, cols }) => [offset, rows, cols]) };
    await this.#log.append(sessionStream(row.session_id), events, {
      views: [{ view: VIEW, key: row.terminal_id, value }],
    });
  }

  async row(row: TerminalRow, sizes: readonly SizeMark[]): Promise<void> {
    await this.#append(row, [], sizes);
  }

  async opened(row: TerminalRow, sizes: readonly SizeMark[]): Promise<void> {
    const { terminal_id } = row;
    await this.#append(
      row,
      [{ id: `${terminal_id}:opened`, type: "terminal.opened", payload: { terminal_id, terminal: row } }],
      sizes,
    );
  }

  async renamed(row: TerminalRow, sizes: readonly SizeMark[]): Promise<void> {
    const { terminal_id, title } = row;
    const id = `${terminal_id}:renamed:${randomUUID()}`;
    await this.#append(row, [{ id, type: "terminal.renamed", payload: { terminal_id, title } }], sizes);
  }

  /** A terminal that ended by itself stays in the lists; one that was closed or replaced does not. */
  async ended(row: TerminalRow, cause: EndCause, sizes: readonly SizeMark[]): Promise<void> {
    const { terminal_id } = row;
    const payload = { terminal_id, cause, terminal: row };
    const keep = cause === "exited" || cause === "lost";
    await this.#append(row, [{ id: `${terminal_id}:ended`, type: "terminal.ended", payload }], keep ? sizes : null);
  }

  /** Forgets a row; its events stay. */
  async forget(row: TerminalRow): Promise<void> {
    await this.#append(row, [], null);
  }

  /** Forgets the row of one that has ended by itself, and tells those who still show it. */
  async putAway(row: TerminalRow): Promise<void> {
    const { terminal_id } = row;
    await this.#append(row, [{ id: `${terminal_id}:closed`, type: "terminal.closed", payload: { terminal_id } }], null);
  }
}
