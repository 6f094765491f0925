// What is written down about a process: its events, the row lists are made of, and what a next host must know (P31–P33).
import * as z from "zod";
import type { Closed } from "../keeper/keepers.ts";
import type { EventLog } from "../log/event-log.ts";
import { HOST_STREAM, type NewEvent, type Payload, sessionStream } from "../protocol/events.ts";
import { ProcessRow } from "../protocol/rows.ts";
import { shownPattern } from "../protocol/watch-pattern.ts";
import { type Check, noCheck } from "./checks.ts";
import { checkNotice, checkText, endedNotice, endedText, matchedText, overflowText, unwatchedText } from "./notices.ts";
import { OVERFLOW_VIEW } from "./overflow.ts";
import type { Announcement } from "./pacer.ts";
import { freshWatch, type Match, type Unwatched } from "./watcher.ts";

export const VIEW = "process";
const FACTS = "process";

const Book = z.object({
  watch: z.object({
    ...{ offset: z.number(), skipLine: z.boolean(), hits: z.number(), toldAt: z.number() },
    // What was written before there were these is read as well.
    ...{ full: z.number().default(0), promoted: z.boolean().default(false) },
  }),
  check: z.object({ number: z.number(), at: z.number() }).default(noCheck),
  /** Someone has asked for its end: told with the end, also by a later host. */
  asked: z.object({ source: z.string(), at: z.number() }).nullable(),
  size: z.object({ rows: z.number(), cols: z.number() }).nullable(),
});
export type Book = z.infer<typeof Book>;
const Stored = ProcessRow.extend({ book: Book });

export function freshBook(size: Book["size"]): Book {
  return { watch: freshWatch, check: noCheck, asked: null, size };
}

/** A stored row, or null if this is none (torn, foreign, of another version). */
export function parseStored(value: unknown): { row: ProcessRow; book: Book } | null {
  const parsed = Stored.safeParse(value);
  if (!parsed.success) return null;
  const { book, ...row } = parsed.data;
  return { row, book };
}

/** Kept beside the child itself, so that a host that dies before its first append has lost nothing. */
export function toFacts(row: ProcessRow, book: Book): Record<string, string> {
  return { [FACTS]: JSON.stringify({ ...row, book }) };
}
export function fromFacts(facts: Readonly<Record<string, string>> | undefined): { row: ProcessRow; book: Book } | null {
  const text = facts?.[FACTS];
  if (text === undefined) return null;
  try {
    return parseStored(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Appends a process's events under ids that depend on nothing but the fact itself: telling one twice tells it once. */
export class Recorder {
  readonly #log: EventLog;
  constructor(log: EventLog) {
    this.#log = log;
  }

  async #append(row: ProcessRow, book: Book, events: NewEvent[]): Promise<void> {
    const stream = row.session_id === null ? HOST_STREAM : sessionStream(row.session_id);
    // A notice waits in its view until a turn or a tool result has told it: who wakes agents after a restart looks there.
    const notices = events.flatMap(({ type, payload }) =>
      type === "notice" ? [{ view: "notice", key: payload.notice_id, value: { session_id: row.session_id } }] : [],
    );
    await this.#log.append(stream, events, {
      views: [{ view: VIEW, key: row.process_id, value: { ...row, book } }, ...notices],
    });
  }

  /** The row alone. */
  async row(row: ProcessRow, book: Book): Promise<void> {
    await this.#append(row, book, []);
  }

  async started(row: ProcessRow, book: Book): Promise<void> {
    await this.#append(row, book, [this.#startedEvent(row)]);
  }

  /** A start that came to nothing: both events, so that its streams read like any other process's. */
  async failed(row: ProcessRow, book: Book, notify: boolean): Promise<void> {
    const before: ProcessRow = { ...row, status: "running", ended_at: null, completion_reason: null, reason: null };
    await this.#append(row, book, [this.#startedEvent(before), ...this.#endedEvents(row, "", notify)]);
  }

  async matched(row: ProcessRow, book: Book, match: Match): Promise<void> {
    const { pattern, lines, suppressed, hits, promoted, quiet } = match;
    const id = `${row.process_id}:matched:${match.offset}`;
    const payload = { process_id: row.process_id, pattern, lines, suppressed, hits, ...(promoted && { promoted }) };
    const events: NewEvent[] = [{ id, type: "process.matched", payload }];
    const notice_id = `notice_${row.process_id}_matched_${match.offset}`;
    if (!quiet) events.push(...this.#notice(row, `${id}:notice`, "matched", notice_id, matchedText(row, match)));
    await this.#append(row, book, events);
  }

  /** Some of what it is watched for is looked for no more. */
  async unwatched(row: ProcessRow, book: Book, { patterns, why }: Unwatched): Promise<void> {
    const words = patterns.flatMap((number) => row.watch_patterns[number] ?? []).map(shownPattern);
    const notice_id = `notice_${row.process_id}_unwatched_${patterns.join("_")}`;
    const id = `${row.process_id}:unwatched:${patterns.join(",")}`;
    await this.#append(row, book, this.#notice(row, id, "unwatched", notice_id, unwatchedText(row, words, why)));
  }

  /** A periodic look; `tail` is the end of the output, plain and bounded. */
  async checked(row: ProcessRow, book: Book, check: Check, tail: string): Promise<void> {
    const { process_id } = row;
    const text = checkText(row, tail, check.at);
    const id = `${process_id}:check:${check.number}`;
    await this.#append(row, book, this.#notice(row, id, "check", checkNotice(process_id, check.number), text));
  }

  /** That matches are held back, or are not any more. */
  async overflow(announcement: Announcement): Promise<void> {
    const { session_id, state, process_id } = announcement;
    const notice_id = `notice_${process_id}_overflow_${announcement.id}_${state}`;
    const payload = { notice_id, kind: "overflow" as const, process_id, text: overflowText(announcement) };
    const { id } = announcement;
    const open = state === "tripped" ? { id, process_id, until: announcement.until } : null;
    await this.#log.append(sessionStream(session_id), [{ id: notice_id, type: "notice", payload }], {
      views: [
        { view: OVERFLOW_VIEW, key: session_id, value: open },
        { view: "notice", key: notice_id, value: { session_id } },
      ],
    });
  }

  async overdue(row: ProcessRow, book: Book, bytes: number): Promise<void> {
    const payload = { process_id: row.process_id, bytes };
    await this.#append(row, book, [{ id: `${row.process_id}:overdue`, type: "process.drain_overdue", payload }]);
  }

  /** Has a notice been told to nobody yet? */
  async untold(noticeId: string): Promise<boolean> {
    const value = await this.#log.view("notice", noticeId);
    return value !== undefined && value !== null;
  }

  #notice(row: ProcessRow, id: string, kind: Payload<"notice">["kind"], notice_id: string, text: string): NewEvent[] {
    if (row.session_id === null) return [];
    const { process_id, routing } = row;
    const payload = { notice_id, kind, process_id, text, ...(routing === null ? {} : { routing }) };
    return [{ id, type: "notice", payload }];
  }

  async limited(row: ProcessRow, book: Book, limited: Payload<"process.limited">): Promise<void> {
    const id = `${row.process_id}:limited:${limited.limit}`;
    await this.#append(row, book, [{ id, type: "process.limited", payload: limited }]);
  }

  /** `tail` is the end of the output, plain and bounded; `closed`: the output has ended as well, and how. */
  async ended(row: ProcessRow, book: Book, tail: string, closed: Closed | null = null): Promise<void> {
    const events = this.#endedEvents(row, tail, row.notify_on_complete);
    if (closed !== null) events.push(this.#closedEvent(row, closed));
    await this.#append(row, book, events);
  }

  async closed(row: ProcessRow, book: Book, closed: Closed): Promise<void> {
    await this.#append(row, book, [this.#closedEvent(row, closed)]);
  }

  #closedEvent({ process_id }: ProcessRow, { bytes, stragglers }: Closed): NewEvent {
    return { id: `${process_id}:closed`, type: "process.closed", payload: { process_id, bytes, stragglers } };
  }

  /** Forgets rows; the events stay. */
  async forget(ids: readonly string[]): Promise<void> {
    await this.#log.append(HOST_STREAM, [], { views: ids.map((key) => ({ view: VIEW, key, value: null })) });
  }

  #startedEvent(row: ProcessRow): NewEvent {
    const payload = { process_id: row.process_id, process: row };
    return { id: `${row.process_id}:started`, type: "process.started", payload };
  }

  #endedEvents(row: ProcessRow, tail: string, notify: boolean): NewEvent[] {
    const { process_id } = row;
    const events: NewEvent[] = [
      { id: `${process_id}:ended`, type: "process.ended", payload: { process_id, process: row } },
    ];
    const id = `${process_id}:ended:notice`;
    if (notify) events.push(...this.#notice(row, id, "ended", endedNotice(process_id), endedText(row, tail)));
    return events;
  }
}
