// Watches a process's output for literals and says so at a pace people and models can bear: the first match at once,
// then at most one summary in 15 s (P25, P26).

import type { Spool } from "../keeper/keepers.ts";
import { OffsetGone } from "../keeper/keepers.ts";
import { LineScanner, type ScanState } from "./line-scanner.ts";
import { stripAnsi } from "./plain-text.ts";

export const SUMMARY_MS = 15_000;
const CHUNK_BYTES = 128 * 1024;
const MAX_LINES = 20;
const MAX_CHARACTERS = 2_000;

/** What has been told and where to go on: written together with what is told, so that each match is told once. */
export interface WatchState extends ScanState {
  hits: number;
  /** ms since the epoch; 0 = nothing told yet. */
  toldAt: number;
}
export const freshWatch: WatchState = { offset: 0, skipLine: false, hits: 0, toldAt: 0 };

export interface Match {
  /** Offset of the first match told here: names this match for ever. */
  offset: number;
  pattern: string;
  lines: string[];
  suppressed: number;
  hits: number;
}

/** Time as the watcher sees it, so that a test can hold it in its hand. */
export interface Clock {
  now(): number;
  /** Calls `later` once after `ms`; the answer calls it off. */
  after(ms: number, later: () => void): () => void;
}
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, later) {
    const timer = setTimeout(later, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

interface Pending {
  offset: number;
  pattern: number;
  lines: string[];
  characters: number;
  count: number;
}

/**
 * Reads the spool by itself until `finish` or `stop`. `tell` gets each match with the state to store beside it; the next
 * one waits until it has resolved.
 */
export class Watcher {
  readonly #spool: Spool;
  readonly #patterns: readonly string[];
  readonly #tell: (match: Match, state: WatchState) => Promise<void>;
  readonly #clock: Clock;
  readonly #scanner: LineScanner;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #waking = new AbortController();
  #end = Number.POSITIVE_INFINITY;
  #hits: number;
  #toldAt: number;
  #pending: Pending | null = null;
  #telling: Promise<void> = Promise.resolve();
  #callOff: (() => void) | null = null;

  constructor(o: {
    spool: Spool;
    patterns: readonly string[];
    state: WatchState;
    /** Where its output ended, of a process that has ended already: nothing past it is a match. */
    bytesAtExit?: number;
    tell: (match: Match, state: WatchState) => Promise<void>;
    clock?: Clock;
    onError: (error: unknown) => void;
  }) {
    this.#spool = o.spool;
    this.#patterns = o.patterns;
    this.#tell = o.tell;
    this.#clock = o.clock ?? systemClock;
    this.#scanner = new LineScanner(o.patterns, o.state);
    this.#hits = o.state.hits;
    this.#toldAt = o.state.toldAt;
    if (o.bytesAtExit !== undefined) this.#end = o.bytesAtExit;
    this.#running = this.#run().catch(o.onError);
  }

  /** All matches so far, told or not. */
  get hits(): number {
    return this.#hits;
  }

  /** Scans what is left up to `bytesAtExit`, tells what was not told, and ends. Nothing past it is ever a match (P28). */
  async finish(bytesAtExit: number): Promise<void> {
    this.#end = bytesAtExit;
    this.#waking.abort();
    await this.#running;
    await this.#flush();
  }

  /** Leaves the rest untold; a later watcher with the stored state tells it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waking.abort();
    this.#callOff?.();
    await this.#running;
    await this.#telling;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const position = this.#scanner.offset;
      if (position >= this.#end) return;
      if (this.#spool.length <= position) {
        if (this.#end < Number.POSITIVE_INFINITY || this.#spool.ended) return;
        this.#waking = new AbortController();
        await this.#spool.grown(position, this.#waking.signal);
        continue;
      }
      await this.#scan(position);
    }
  }

  async #scan(position: number): Promise<void> {
    const read = await this.#read(position, Math.min(CHUNK_BYTES, this.#end - position));
    if (read === null) return;
    // The end may have become known while we read.
    const chunk = read.subarray(0, Math.max(0, this.#end - this.#scanner.offset));
    for (const hit of this.#scanner.push(chunk)) {
      if (hit.offset >= this.#end) break;
      this.#hits++;
      this.#pending ??= { offset: hit.offset, pattern: hit.pattern, lines: [], characters: 0, count: 0 };
      const pending = this.#pending;
      pending.count++;
      if (pending.lines.length >= MAX_LINES || pending.characters >= MAX_CHARACTERS) continue;
      const line = await this.#line(hit.line, MAX_CHARACTERS - pending.characters);
      pending.lines.push(line);
      pending.characters += line.length;
    }
    if (this.#pending === null) return;
    const wait = this.#toldAt === 0 ? 0 : this.#toldAt + SUMMARY_MS - this.#clock.now();
    if (wait <= 0) await this.#flush();
    else this.#callOff ??= this.#clock.after(wait, () => void this.#flush());
  }

  /** Null where the bytes are no longer kept: the scanner has moved on to the first that are. */
  async #read(position: number, max: number): Promise<Buffer | null> {
    try {
      const { offset, bytes } = await this.#spool.read(position, max);
      if (offset !== position) this.#scanner.jump(offset);
      return bytes;
    } catch (error) {
      if (!(error instanceof OffsetGone)) throw error;
      this.#scanner.jump(Math.max(position, error.firstKept));
      return null;
    }
  }

  /** The text of a line as far as it is there, at most `max` characters of it. */
  async #line(start: number, max: number): Promise<string> {
    try {
      const { bytes } = await this.#spool.read(start, Math.min(4 * MAX_CHARACTERS, this.#end - start));
      const ends = [bytes.indexOf(0x0a), bytes.indexOf(0x0d)].filter((end) => end >= 0);
      const line = bytes.subarray(0, Math.min(bytes.length, ...ends));
      return stripAnsi(line.toString("utf8")).trimEnd().slice(0, max);
    } catch (error) {
      if (!(error instanceof OffsetGone)) throw error;
      return "";
    }
  }

  #flush(): Promise<void> {
    this.#callOff?.();
    this.#callOff = null;
    this.#telling = this.#telling.then(async () => {
      const pending = this.#pending;
      if (pending === null) return;
      this.#pending = null;
      this.#toldAt = this.#clock.now();
      await this.#tell(
        {
          offset: pending.offset,
          pattern: this.#patterns[pending.pattern] ?? "",
          lines: pending.lines,
          suppressed: pending.count - pending.lines.length,
          hits: this.#hits,
        },
        { ...this.#scanner.state, hits: this.#hits, toldAt: this.#toldAt },
      );
    });
    return this.#telling;
  }
}
