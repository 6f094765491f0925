// The embedded engine as the rest of the host sees it: gathers appends into batches for the writer thread and tells all
// who follow what has become durable.
import { HostError, Stopping } from "../protocol/errors.ts";
import type { NewEvent, Recorded } from "../protocol/events.ts";
import {
  type AppendOptions,
  CursorGone,
  type EventLog,
  HeadMoved,
  LogBehind,
  StorageFailed,
  StorageFull,
} from "./event-log.ts";
import { follow } from "./follow.ts";
import { type Batch, type Outcome, ROW_WIDTH, type Rows } from "./messages.ts";
import { type Page, Tail } from "./tails.ts";
import { WriterFault, type WriterThread } from "./writer-thread.ts";

/** What may wait for the writer: beyond it an append is refused, so that a stuck disk does not fill the memory. */
const MAX_WAITING = 100_000;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
const MAX_APPEND_BYTES = 32 * 1024 * 1024;
/** A page from disk: enough to be worth the trip, little enough to parse without holding up others. */
const PAGE_EVENTS = 512;
const PAGE_BYTES = 256 * 1024;

interface Waiting {
  stream: string;
  events: readonly NewEvent[];
  /** Payloads as JSON, in order. */
  texts: string[];
  bytes: number;
  expect: number;
  views: (string | null)[];
  resolve(records: readonly Recorded[]): void;
  reject(error: unknown): void;
}

type Tap = (stream: string, records: readonly Recorded[]) => void;

export class SqliteLog implements EventLog {
  readonly logId: string;
  readonly broken: Promise<string>;
  readonly #writer: WriterThread;
  readonly #file: string;
  readonly #warn: (text: string) => void;
  #queue: Waiting[] = [];
  #waiting = 0;
  #waitingBytes = 0;
  #flushing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #taps = new Set<Tap>();
  readonly #tails = new Map<string, Tail>();
  readonly #removals = new Map<string, number>();
  readonly #pages = new Map<string, Promise<Page>>();

  constructor(writer: WriterThread, file: string, warn: (text: string) => void) {
    this.#warn = warn;
    this.#writer = writer;
    this.#file = file;
    this.logId = writer.logId;
    this.broken = writer.broken;
    void writer.gone.then(() => this.#wakeAll());
  }

  append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<readonly Recorded[]> {
    return new Promise((resolve, reject) => {
      this.#refuseIfClosing();
      if (this.#writer.failed !== undefined) throw new StorageFailed(this.#writer.failed);
      if (this.#waiting >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES) throw new LogBehind(this.#waiting);
      const texts = events.map((event) => JSON.stringify(event.payload));
      const views = (options.views ?? []).flatMap(({ view, key, value }) => [
        view,
        key,
        value === null || value === undefined ? null : JSON.stringify(value),
      ]);
      let bytes = 64;
      for (const text of texts) bytes += text.length + 96;
      for (const text of views) bytes += text?.length ?? 0;
      if (bytes > MAX_APPEND_BYTES) {
        throw new HostError(
          "too_large",
          `An append of ${bytes} bytes is more than the ${MAX_APPEND_BYTES} the log takes`,
        );
      }
      this.#waiting++;
      this.#waitingBytes += bytes;
      this.#queue.push({ stream, events, texts, bytes, expect: options.expect ?? -1, views, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** One batch is in flight; what gathers meanwhile is the next one. */
  async #flush(): Promise<void> {
    // What is appended in the same breath belongs to the same batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const appends = this.#queue;
      this.#queue = [];
      try {
        const { time, outcomes } = await this.#writer.ask("append", { batch: pack(appends) });
        for (const [index, append] of appends.entries()) this.#settle(append, outcomes[index] ?? 0, time);
      } catch (error) {
        const reason = this.#asHostError(error);
        for (const append of appends) append.reject(reason);
      }
      for (const append of appends) {
        this.#waiting--;
        this.#waitingBytes -= append.bytes;
      }
    }
    this.#flushing = undefined;
  }

  #settle(append: Waiting, outcome: Outcome, time: number): void {
    if (typeof outcome === "object" && "head" in outcome) {
      append.reject(new HeadMoved(append.stream, append.expect, outcome.head));
      return;
    }
    const known = typeof outcome === "object" ? new Map(toRecords(outcome.known).map((r) => [r.seq, r])) : undefined;
    const fresh: Recorded[] = [];
    // From the text that was written, not from the caller's object: what is shown now is what will be read later.
    const payloads: unknown[] = JSON.parse(`[${append.texts.join(",")}]`);
    const records = append.events.map(({ id, type }, index) => {
      const seq = typeof outcome === "number" ? outcome + index : (outcome.seqs[index] ?? 0);
      const there = known?.get(seq);
      if (there) return there;
      const record = { seq, time, id, type, payload: payloads[index] } as Recorded;
      known?.set(seq, record);
      fresh.push(record);
      return record;
    });
    if (fresh.length > 0) {
      for (const listener of this.#taps) this.#tell(listener, append.stream, fresh);
      this.#tails.get(append.stream)?.push(fresh, append.bytes);
    }
    append.resolve(records);
  }

  #tell(listener: Tap, stream: string, fresh: readonly Recorded[]): void {
    try {
      listener(stream, fresh);
    } catch (error) {
      // The events are durable: whoever appended them must not be told otherwise.
      this.#warn(`A listener failed on events of ${stream}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  async head(stream: string): Promise<number> {
    return await this.#ask("head", { stream });
  }

  async read(stream: string, after: number, limit: number): Promise<readonly Recorded[]> {
    checkCursor(after);
    const all: Recorded[] = [];
    // In pieces, so that appends and other readers come in between.
    while (all.length < limit) {
      const page = await this.#page(stream, after + all.length, Math.min(limit - all.length, PAGE_EVENTS));
      if (page.length === 0) break;
      all.push(...page);
    }
    return all;
  }

  async #page(stream: string, after: number, limit: number): Promise<Page> {
    const { rows, head } = await this.#ask("read", { stream, after, limit, bytes: PAGE_BYTES });
    if (head !== undefined && after > head) throw new CursorGone(stream, after, head);
    return toRecords(rows);
  }

  async *follow(stream: string, after: number, signal: AbortSignal): AsyncGenerator<Page> {
    checkCursor(after);
    this.#refuseIfClosing();
    const tail = this.#tails.get(stream) ?? new Tail();
    this.#tails.set(stream, tail);
    tail.followers++;
    try {
      yield* follow(
        {
          tail,
          page: (cursor) => this.#sharedPage(stream, cursor),
          closed: () => {
            if (this.#closing !== undefined) return true;
            if (this.#writer.dead !== undefined) throw new StorageFailed(this.#writer.dead);
            return false;
          },
          removals: () => this.#removals.get(stream) ?? 0,
        },
        after,
        signal,
      );
    } finally {
      tail.followers--;
      if (tail.followers === 0) {
        tail.close();
        this.#tails.delete(stream);
        this.#removals.delete(stream);
      }
    }
  }

  /** A thousand followers who come back at once read the same page once. */
  #sharedPage(stream: string, after: number): Promise<Page> {
    const key = `${after} ${stream}`;
    const asked = this.#pages.get(key);
    if (asked) return asked;
    const page = this.#page(stream, after, PAGE_EVENTS).finally(() => this.#pages.delete(key));
    this.#pages.set(key, page);
    return page;
  }

  tap(listener: Tap): Disposable {
    this.#taps.add(listener);
    return { [Symbol.dispose]: () => void this.#taps.delete(listener) };
  }

  async view(view: string, key: string): Promise<unknown> {
    const text = await this.#ask("view", { view, key });
    return text === null ? undefined : JSON.parse(text);
  }

  async views(view: string): Promise<Map<string, unknown>> {
    const flat = await this.#ask("views", { view });
    const found = new Map<string, unknown>();
    for (let i = 0; i < flat.length; i += 2) found.set(flat[i] ?? "", JSON.parse(flat[i + 1] ?? "null"));
    return found;
  }

  async remove(stream: string): Promise<void> {
    this.#refuseIfClosing();
    await this.#ask("remove", { stream });
    const tail = this.#tails.get(stream);
    if (!tail) return;
    this.#removals.set(stream, (this.#removals.get(stream) ?? 0) + 1);
    tail.reset();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#flushing;
    this.#wakeAll();
    await this.#writer.close();
  }

  #wakeAll(): void {
    for (const tail of this.#tails.values()) {
      tail.close();
      tail.wake();
    }
  }

  readonly #ask: WriterThread["ask"] = async (ask, request) => {
    try {
      return await this.#writer.ask(ask, request);
    } catch (error) {
      throw this.#asHostError(error);
    }
  };

  #asHostError(error: unknown): unknown {
    if (!(error instanceof WriterFault)) return error;
    return error.kind === "full" ? new StorageFull(this.#file, { cause: error }) : new StorageFailed(error.message);
  }

  #refuseIfClosing(): void {
    if (this.#closing !== undefined) throw new Stopping();
  }
}

function pack(appends: readonly Waiting[]): Batch {
  const batch: Batch = [];
  for (const { stream, expect, events, texts, views } of appends) {
    batch.push(stream, expect, events.length, views.length / 3);
    for (const [index, event] of events.entries()) batch.push(event.id, event.type, texts[index] ?? "null");
    for (const text of views) batch.push(text);
  }
  return batch;
}

function toRecords(rows: Rows): Recorded[] {
  const records: Recorded[] = [];
  for (let i = 0; i < rows.length; i += ROW_WIDTH) {
    const [seq, time, id, type, payload] = rows.slice(i, i + ROW_WIDTH);
    // The checksum has vouched for the text, and the types for what was once appended.
    records.push({ seq, time, id, type, payload: JSON.parse(String(payload)) } as Recorded);
  }
  return records;
}

function checkCursor(after: number): void {
  if (Number.isSafeInteger(after) && after >= 0) return;
  throw new HostError("invalid_params", `A cursor is the number of an event, or 0: ${after} is neither`);
}
