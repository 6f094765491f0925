// Watches a process's output and says so at a pace people and models can bear: the first match at once, then at most one
// summary in 15 s (P25, P26).

import { addAbortListener } from "node:events";
import type { Spool } from "../keeper/keepers.ts";
import { OffsetGone } from "../keeper/keepers.ts";
import { shownPattern, type WatchPattern } from "../protocol/watch-pattern.ts";
import { Redactor } from "../secrets/redactor.ts";
import { type Clock, leftOf, systemClock } from "./clock.ts";
import type { Hit, ScanState } from "./line-scanner.ts";
import { OutputScanner } from "./output-scanner.ts";
import type { Dropped, OpenMatching } from "./regex/matcher.ts";
import { shownLine } from "./shown-line.ts";

export const SUMMARY_MS = 15_000;
const CHUNK_BYTES = 128 * 1024;
const LEAST_CHUNK_BYTES = 8 * 1024;
/** What keeps the loop busy for longer is read in smaller chunks: lines that are taken back and written again all the time. */
const LONGEST_LOOK_MS = 10;
/** How long after an end its output may still be looked at with expressions, before that is told. Texts are found in all of it. */
export const LAST_LOOK_MS = 20_000;
/** So many windows in a row with more than could be told: whoever watches should rather hear of the end. */
const FULL_WINDOWS = 3;
/** How long until bytes that are not on the disk yet are looked for again. */
const BEHIND_MS = 250;
const MAX_LINES = 20;
const MAX_CHARACTERS = 2_000;
/** A match so far from its line's beginning is shown with so much before it. */
const FAR_BYTES = 1_000;
const BEFORE_BYTES = 200;

/** What has been told and where to go on: written together with what is told, so that each match is told once. */
export interface WatchState extends ScanState {
  hits: number;
  /** ms since the epoch; 0 = nothing told yet. */
  toldAt: number;
  /** Windows in a row, up to the last one, that had more matches than could be told. */
  full: number;
  /** It was said that its end will be told too, because it matches too much. */
  promoted: boolean;
}
export const freshWatch: WatchState = { offset: 0, skipLine: false, hits: 0, toldAt: 0, full: 0, promoted: false };

export interface Match {
  /** Offset of the first match told here: names this match for ever. */
  offset: number;
  pattern: string;
  lines: string[];
  suppressed: number;
  hits: number;
  /** Now, and only now, it is to be said that its end will be told too. */
  promoted: boolean;
  /** Too many notices were given of late: it is recorded, and told with the others' when the pause is over. */
  quiet: boolean;
}

/** What is not looked for any more, and why. */
export interface Unwatched {
  /** By their numbers; all of them where nothing is. */
  patterns: readonly number[];
  why: string;
}

interface Pending {
  offset: number;
  pattern: number;
  /** When the first one was found, by the clock that never jumps. */
  since: number;
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
  readonly #redactor: Redactor;
  readonly #patterns: readonly WatchPattern[];
  readonly #admit: (count: () => number) => number;
  /** By the clock that never jumps; null: nothing told yet. */
  #lastTold: number | null;
  #full: number;
  #promoted: boolean;
  readonly #tell: (match: Match, state: WatchState) => Promise<void>;
  readonly #clock: Clock;
  readonly #scanner: OutputScanner;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #waking = new AbortController();
  #end = Number.POSITIVE_INFINITY;
  #chunkBytes = CHUNK_BYTES;
  #hits: number;
  #pending: Pending | null = null;
  /** Hits are being taken: what is told meanwhile would be stored with a state that is ahead of it. */
  #scanning = false;
  readonly #onError: (error: unknown) => void;
  readonly #unwatched: (unwatched: Unwatched) => Promise<void>;
  #telling: Promise<void> = Promise.resolve();
  #callOff: (() => void) | null = null;

  constructor(o: {
    spool: Spool;
    redactor?: Redactor;
    patterns: readonly WatchPattern[];
    state: WatchState;
    /** Where its output ended, of a process that has ended already: nothing past it is a match. */
    bytesAtExit?: number;
    tell: (match: Match, state: WatchState) => Promise<void>;
    /** May it be told now (0), or when to ask again (ms). Without it, it may. */
    admit?: (count: () => number) => number;
    /** It goes on without some of the patterns, or not at all. */
    unwatched?: (unwatched: Unwatched) => Promise<void>;
    open?: OpenMatching;
    clock?: Clock;
    onError: (error: unknown) => void;
  }) {
    this.#spool = o.spool;
    this.#redactor = o.redactor ?? new Redactor();
    this.#patterns = o.patterns;
    this.#tell = o.tell;
    this.#clock = o.clock ?? systemClock;
    this.#admit = o.admit ?? (() => 0);
    this.#unwatched = o.unwatched ?? (async () => undefined);
    const onDropped = ({ pattern, why }: Dropped): void =>
      this.#lose([o.patterns.indexOf(pattern)], `it has ended the thread that looks for it, time after time (${why})`);
    this.#scanner = new OutputScanner(o.patterns, o.state, { onDropped, open: o.open });
    this.#hits = o.state.hits;
    const { toldAt } = o.state;
    this.#lastTold = toldAt === 0 ? null : this.#clock.now() + leftOf(this.#clock, toldAt, SUMMARY_MS) - SUMMARY_MS;
    this.#full = o.state.full;
    this.#promoted = o.state.promoted;
    if (o.bytesAtExit !== undefined) this.#end = o.bytesAtExit;
    this.#onError = o.onError;
    this.#running = this.#run()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#scanner[Symbol.dispose]());
  }

  /** All matches so far, told or not. */
  get hits(): number {
    return this.#hits;
  }

  /**
   * Scans what is left up to `bytesAtExit`, tells what was not told, and ends. Nothing past it is ever a match (P28). An end is
   * not held up for long by expressions that are slow.
   */
  async finish(bytesAtExit: number): Promise<void> {
    this.#end = bytesAtExit;
    this.#waking.abort();
    const callOff = this.#clock.after(LAST_LOOK_MS, () => this.#hurry());
    await this.#running;
    callOff();
    await this.#flush(true);
  }

  #hurry(): void {
    const expressions = this.#patterns.flatMap((pattern, index) => (typeof pattern === "string" ? [] : [index]));
    if (expressions.length === 0) return;
    const seconds = LAST_LOOK_MS / 1000;
    const from = this.#scanner.looked;
    this.#scanner.withoutExpressions();
    this.#lose(
      expressions,
      `it was not done with the output ${seconds} s after the end; from byte ${from} on it was not looked for`,
    );
  }

  get #all(): number[] {
    return this.#patterns.map((_, index) => index);
  }

  /** Told in its turn, and before the end is. */
  #lose(patterns: readonly number[], why: string): void {
    this.#telling = this.#telling.then(() => this.#unwatched({ patterns, why })).catch(this.#onError);
  }

  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#onError(error);
    this.#lose(this.#all, `its output cannot be looked at (${error instanceof Error ? error.message : String(error)})`);
  }

  /** Leaves the rest untold; a later watcher with the stored state tells it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waking.abort();
    this.#callOff?.();
    // What it is being asked about is asked again by the next one.
    this.#scanner[Symbol.dispose]();
    await this.#running;
    await this.#telling;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const position = this.#scanner.offset;
      if (position >= this.#end) break;
      if (this.#spool.length <= position) {
        if (this.#end < Number.POSITIVE_INFINITY || this.#spool.ended) break;
        this.#waking = new AbortController();
        await this.#spool.grown(position, this.#waking.signal);
        continue;
      }
      await this.#scan(position);
      if (this.#scanner.offset !== position) continue;
      if (this.#spool.ended) {
        this.#lose(this.#all, `its output from byte ${position} on is missing on the disk`);
        break;
      }
      await this.#pause();
    }
    if (this.#stopping.signal.aborted) return;
    this.#scanning = true;
    await this.#take(await this.#scanner.end());
    this.#scanning = false;
  }

  /** The keeper has told of more than the disk has, which is full just now: to ask on and on would only keep both busy. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        callOff();
        stopping[Symbol.dispose]();
        resolve();
      };
      const callOff = this.#clock.after(BEHIND_MS, over);
      const stopping = addAbortListener(this.#stopping.signal, over);
    });
  }

  async #scan(position: number): Promise<void> {
    const read = await this.#read(position, Math.min(this.#chunkBytes, this.#end - position));
    if (read === null) return;
    // The end may have become known while we read.
    const chunk = read.subarray(0, Math.max(0, this.#end - this.#scanner.offset));
    this.#scanning = true;
    const began = performance.now();
    const looking = this.#scanner.push(chunk);
    const isLong = performance.now() - began > LONGEST_LOOK_MS;
    this.#chunkBytes = isLong
      ? Math.max(LEAST_CHUNK_BYTES, this.#chunkBytes / 4)
      : Math.min(CHUNK_BYTES, this.#chunkBytes * 2);
    await this.#take(await looking);
    this.#scanning = false;
    if (this.#pending === null || this.#callOff !== null) return;
    const wait = this.#lastTold === null ? 0 : this.#lastTold + SUMMARY_MS - this.#clock.now();
    if (wait <= 0) await this.#flush(false);
    else this.#flushAfter(wait);
  }

  async #take(hits: readonly Hit[]): Promise<void> {
    for (const hit of hits) {
      if (hit.offset >= this.#end) break;
      this.#hits++;
      this.#pending ??= {
        ...{ offset: hit.offset, pattern: hit.pattern, since: this.#clock.now() },
        ...{ lines: [], characters: 0, count: 0 },
      };
      const pending = this.#pending;
      pending.count++;
      if (pending.lines.length >= MAX_LINES || pending.characters >= MAX_CHARACTERS) continue;
      const line = await this.#line(hit, MAX_CHARACTERS - pending.characters);
      pending.lines.push(line);
      pending.characters += line.length;
    }
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

  /** The text of a line as far as it is there, at most `max` characters of it; from shortly before the match where that is far. */
  async #line(hit: Hit, max: number): Promise<string> {
    const isFar = hit.offset - hit.line > FAR_BYTES;
    const start = isFar ? hit.offset - BEFORE_BYTES : hit.line;
    try {
      const shown = await shownLine(this.#spool, this.#redactor, start, this.#end);
      return ((isFar ? "…" : "") + shown.trimEnd()).slice(0, max);
    } catch (error) {
      if (!(error instanceof OffsetGone)) throw error;
      return "";
    }
  }

  #flushAfter(ms: number): void {
    this.#callOff?.();
    this.#callOff = this.#clock.after(ms, () => {
      this.#callOff = null;
      if (!this.#scanning) void this.#flush(false);
    });
  }

  /** `last`: nothing comes after it, so that it is recorded at once, told or not. */
  #flush(last: boolean): Promise<void> {
    this.#telling = this.#telling.then(() => this.#tellPending(last)).catch(this.#onError);
    return this.#telling;
  }

  async #tellPending(last: boolean): Promise<void> {
    const pending = this.#pending;
    if (pending === null || (!last && (this.#stopping.signal.aborted || this.#scanning))) return;
    const { count } = pending;
    const wait = this.#admit(last ? () => count : () => this.#pending?.count ?? 0);
    if (wait > 0 && !last) {
      this.#flushAfter(wait);
      return;
    }
    this.#callOff?.();
    this.#callOff = null;
    this.#pending = null;
    const suppressed = count - pending.lines.length;
    const promoted = this.#counted(pending.since, suppressed);
    await this.#tell(
      {
        ...{ offset: pending.offset, lines: pending.lines, suppressed, hits: this.#hits, promoted },
        pattern: shownPattern(this.#patterns[pending.pattern] ?? ""),
        quiet: wait > 0,
      },
      {
        ...this.#scanner.state,
        ...{ hits: this.#hits, toldAt: this.#clock.wall(), full: this.#full, promoted: this.#promoted },
      },
    );
  }

  /** Counts windows in a row that had more than they could tell; true where that is to be said now. */
  #counted(since: number, suppressed: number): boolean {
    // A whole window without a match ends the row.
    const inRow = this.#lastTold !== null && since - this.#lastTold < 2 * SUMMARY_MS;
    this.#lastTold = this.#clock.now();
    this.#full = suppressed === 0 ? 0 : inRow ? this.#full + 1 : 1;
    if (this.#promoted || this.#full < FULL_WINDOWS) return false;
    this.#promoted = true;
    return true;
  }
}
