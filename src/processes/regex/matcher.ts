// The host's end of the regex thread. The thread is there while somebody watches with a regular expression, and no longer. If it
// dies it is started again; an expression that kills it time after time is matched no more, and its owner hears of that.
import { setTimeout as delay } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import type { Regex } from "../../regex/engine.ts";
import { hostThread } from "../../threads/host-thread.ts";
import type { Ask, Cut, Said } from "./messages.ts";
import type { LineHits } from "./scan.ts";

/** How often the same bytes may end the thread: all expressions together, then each by itself. */
const TRIES = 3;
const TRIES_ALONE = 2;
/** How often that may happen because of somebody else's. */
const OTHERS_TRIES = 100;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** An expression that is not matched any more. */
export interface Dropped {
  pattern: Regex;
  why: string;
}

/** One set of expressions, open until disposed of. */
export interface Matching extends Disposable {
  /**
   * The lines of `bytes` that match, by the number of the first expression that does. Rejects once it is disposed of. One after
   * the other, please: no queue is bounded here.
   */
  scan(bytes: Uint8Array<ArrayBuffer>, cut: Cut): Promise<LineHits>;
}

interface Waiting {
  resolve(hits: LineHits): void;
  reject(error: Error): void;
}

/** `mine`: it died over what was asked here. */
class ThreadGone extends Error {
  readonly mine: boolean;
  constructor(mine: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : "it ended", { cause });
    this.mine = mine;
  }
}

/** It was let go of while the thread was asked. */
export class NotWatched extends Error {
  constructor() {
    super("It is not watched any more");
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #dead: ThreadGone | undefined;

  constructor(entry: URL, onGone: () => void) {
    this.#worker = hostThread(entry, { name: "regex", resourceLimits: { maxOldGenerationSizeMb: 128 } });
    // Whoever waits for an answer keeps the host alive by other means.
    this.#worker.unref();
    this.#worker.on("message", ({ n, hits }: Said) => {
      const waiting = this.#waiting.get(n);
      this.#waiting.delete(n);
      waiting?.resolve(hits);
    });
    let why: unknown;
    this.#worker.on("error", (error) => {
      why = error;
    });
    this.#worker.on("exit", () => {
      this.#dead = new ThreadGone(false, why);
      onGone();
      // It does one thing after the other: the oldest question is what it died over.
      let mine = true;
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new ThreadGone(mine, why));
        mine = false;
      }
      this.#waiting.clear();
    });
  }

  say(ask: Ask, transfer: ArrayBuffer[] = []): void {
    if (this.#dead === undefined) this.#worker.postMessage(ask, transfer);
  }

  scan(set: number, bytes: Uint8Array<ArrayBuffer>, cut: Cut): Promise<LineHits> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const n = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      // A copy is given away: what it dies over is asked again.
      const own = bytes.slice();
      this.say({ ask: "scan", n, set, bytes: own, cut }, [own.buffer]);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** One thread at a time for all sets of expressions. */
export class RegexThread {
  readonly #entry: URL;
  #thread: Thread | undefined;
  #users = 0;
  #sets = 1;

  constructor(entry: URL) {
    this.#entry = entry;
  }

  /** The one there is, or a new one. */
  get current(): Thread {
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Thread(this.#entry, () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    this.#thread = thread;
    return thread;
  }

  newSet(): number {
    return this.#sets++;
  }

  /** Opens a set of expressions that `checkRegexes` has accepted. */
  open(patterns: readonly Regex[], onDropped: (dropped: Dropped) => void): Matching {
    this.#users++;
    return new OpenSet(this, patterns, onDropped, () => {
      if (--this.#users > 0) return;
      this.#thread?.end();
      this.#thread = undefined;
    });
  }
}

const shared = new RegexThread(new URL("./thread.ts", import.meta.url));

/** Opens a set of expressions that `checkRegexes` has accepted, in the thread that all share. */
export const openMatching: RegexThread["open"] = (patterns, onDropped) => shared.open(patterns, onDropped);
export type OpenMatching = typeof openMatching;

class OpenSet implements Matching {
  readonly #threads: RegexThread;
  readonly #patterns: readonly Regex[];
  readonly #onDropped: (dropped: Dropped) => void;
  readonly #onClosed: () => void;
  readonly #closing = new AbortController();
  /** Ends the wait of who asks now. */
  #giveUp: (error: Error) => void = () => undefined;
  /** Numbers of those that are matched. */
  #live: readonly number[];
  #at: { thread: Thread; set: number } | undefined;

  constructor(
    threads: RegexThread,
    patterns: readonly Regex[],
    onDropped: (dropped: Dropped) => void,
    onClosed: () => void,
  ) {
    this.#threads = threads;
    this.#patterns = patterns;
    this.#onDropped = onDropped;
    this.#onClosed = onClosed;
    this.#live = patterns.map((_, index) => index);
    this.#opened();
  }

  scan(bytes: Uint8Array<ArrayBuffer>, cut: Cut): Promise<LineHits> {
    if (this.#closing.signal.aborted) return Promise.reject(new NotWatched());
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#scan(bytes, cut).then(resolve, reject);
    });
  }

  async #scan(bytes: Uint8Array<ArrayBuffer>, cut: Cut): Promise<LineHits> {
    if (this.#live.length === 0) return [];
    const found = await this.#tried(TRIES, () => {
      const { thread, set } = this.#opened();
      return thread.scan(set, bytes, cut);
    });
    if (!(found instanceof ThreadGone))
      return found.map((number, index) => (index % 2 === 0 ? (this.#live[number] ?? 0) : number));
    return await this.#oneByOne(bytes, cut);
  }

  /** Opens what is matched in the thread there is, unless it is open there. */
  #opened(): { thread: Thread; set: number } {
    const thread = this.#threads.current;
    if (this.#at?.thread !== thread) {
      this.#at = { thread, set: this.#threads.newSet() };
      thread.say({
        ask: "open",
        set: this.#at.set,
        patterns: this.#live.flatMap((index) => this.#patterns[index] ?? []),
      });
    }
    return this.#at;
  }

  /** Bytes over which the thread has died: each expression by itself, without the one that it dies of. */
  async #oneByOne(bytes: Uint8Array<ArrayBuffer>, cut: Cut): Promise<LineHits> {
    const first = new Map<number, number>();
    for (const index of this.#live) {
      const pattern = this.#patterns[index];
      if (pattern === undefined) continue;
      const found = await this.#tried(TRIES_ALONE, async () => {
        const thread = this.#threads.current;
        const set = this.#threads.newSet();
        thread.say({ ask: "open", set, patterns: [pattern] });
        const hits = await thread.scan(set, bytes, cut);
        thread.say({ ask: "close", set });
        return hits;
      });
      if (found instanceof ThreadGone) {
        this.#live = this.#live.filter((other) => other !== index);
        this.#at = undefined;
        this.#onDropped({ pattern, why: found.message });
      } else
        for (let at = 1; at < found.length; at += 2)
          first.set(found[at] ?? 0, Math.min(index, first.get(found[at] ?? 0) ?? index));
    }
    return [...first].sort(([one], [other]) => one - other).flatMap(([line, index]) => [index, line]);
  }

  /** Asks again after pauses while the thread dies over it; the last death if it goes on doing so. */
  async #tried(tries: number, ask: () => Promise<LineHits>): Promise<LineHits | ThreadGone> {
    for (let mine = 0, others = 0; ; ) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ThreadGone)) throw error;
        if (error.mine) mine++;
        else others++;
        if (mine >= tries || others >= OTHERS_TRIES) return error;
        const pause = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 4 ** Math.max(0, mine - 1));
        await delay(pause, undefined, { ref: false, signal: this.#closing.signal });
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#giveUp(new NotWatched());
    this.#at?.thread.say({ ask: "close", set: this.#at.set });
    this.#onClosed();
  }
}
