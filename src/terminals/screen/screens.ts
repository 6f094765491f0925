// The host's side of its terminals' screens: tells their thread what has been printed, asks it for snapshots, and starts
// it anew when it dies or hangs. Nothing here waits for a screen to be drawn, except who asked for it.
import { setImmediate as immediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import type { Drawn } from "../../processes/attachment.ts";
import type { SizeHistory } from "../../processes/size-history.ts";
import { Stopping } from "../../protocol/errors.ts";
import { hostThread } from "../../threads/host-thread.ts";
import { frameOf, isCurrent, loadCheckpoint, trimmed } from "./checkpoint.ts";
import type { FromThread, Sign, Snapshot, ToThread } from "./messages.ts";

interface Followed extends Drawn {
  readonly over: AbortController;
  /** How much of the output, and how many sizes, this thread was told of. */
  told: number;
  toldSizes: number;
  /** Who is told what happens from this byte on; infinite where nobody is. */
  readonly watchers: Set<(sign: Sign) => void>;
  tellFrom: number;
}

/** Output is told of in pieces of this size while there is much, and after a moment while there is little. */
const TELL_BYTES = 256 * 1024;
const TELL_MS = 200;
const PING_MS = 2_000;
/** No answer for so long: the thread hangs. Well-behaved input takes milliseconds, the worst known a few seconds. */
const STUCK_MS = 15_000;
/** A thread with nothing to do is ended after so many pings. */
const IDLE_PINGS = 5;
/** So much of a screen at rest is put into its frame here; more is work for the thread. */
const MOST_HERE = 256 * 1024;
const ANSWER_MS = 5_000;
/** What hangs the thread that often is not drawn any more: it would take the screens of all others with it. */
const MOST_HANGS = 2;

export interface ScreensOptions {
  onWarning: (text: string) => void;
  /** For tests: another thread, and less patience with it. */
  thread?: URL;
  pingMs?: number;
  stuckMs?: number;
}

export class Screens implements AsyncDisposable {
  readonly #onWarning: (text: string) => void;
  readonly #patience: Required<Omit<ScreensOptions, "onWarning">>;
  /** How often each has hung the thread. */
  readonly #hangs = new Map<string, number>();
  /** The screen that the thread works on, as far as it said. */
  #at = "";
  readonly #followed = new Map<string, Followed>();
  readonly #asked = new Map<number, PromiseWithResolvers<Snapshot>>();
  #thread: Worker | undefined;
  #pings: NodeJS.Timeout | undefined;
  #requests = 0;
  #closed = false;

  constructor({ onWarning, ...patience }: ScreensOptions) {
    this.#onWarning = onWarning;
    const thread = new URL("./thread.ts", import.meta.url);
    this.#patience = { thread, pingMs: PING_MS, stuckMs: STUCK_MS, ...patience };
  }

  /** True while there is a thread. */
  get awake(): boolean {
    return this.#thread !== undefined;
  }

  /** Draws its screen in the background as it is printed, so that a snapshot is at hand at any time. */
  follow(drawn: Drawn): void {
    const followed = this.#add(drawn);
    // Where no thread can be had it is drawn when somebody looks, if it can be then.
    this.#watch(followed).catch((error: unknown) => this.#onWarning(`the screen of ${drawn.id}: ${String(error)}`));
  }

  /**
   * Calls `watcher` soon after another title was set or it has rung, at most 4 times a second, for what is printed from now
   * on: not for what is drawn once more. Only of a screen that is followed.
   */
  watch(id: string, watcher: (sign: Sign) => void): Disposable {
    const followed = this.#followed.get(id);
    if (followed === undefined) return { [Symbol.dispose]: () => undefined };
    const { watchers, spool } = followed;
    if (watchers.size === 0) followed.tellFrom = spool.length;
    watchers.add(watcher);
    return {
      [Symbol.dispose]() {
        watchers.delete(watcher);
        if (watchers.size === 0) followed.tellFrom = Number.POSITIVE_INFINITY;
      },
    };
  }

  /** Lets go of a screen: its terminal is gone. */
  forget(id: string): void {
    const followed = this.#followed.get(id);
    followed?.over.abort();
    this.#followed.delete(id);
    this.#hangs.delete(id);
    this.#post({ type: "close", id });
  }

  #isGivenUp(id: string): boolean {
    return (this.#hangs.get(id) ?? 0) >= MOST_HANGS;
  }

  /**
   * The screen as text frame for a viewer, and the offset at which its bytes go on. `budget`: characters of scrollback.
   * Rejects if there is none to be had in a few seconds: the viewer is served raw output then.
   */
  async snapshot(drawn: Drawn, budget: number): Promise<Snapshot> {
    const followed = this.#followed.get(drawn.id) ?? this.#add(drawn);
    if (this.#closed) throw new Stopping();
    if (this.#isGivenUp(drawn.id)) throw new Error("what it has printed cannot be drawn");
    const rested = this.#thread === undefined && budget <= MOST_HERE ? await atRest(drawn, budget) : undefined;
    if (rested !== undefined) return rested;
    this.#tell(followed, true);
    const request = ++this.#requests;
    const asked = Promise.withResolvers<Snapshot>();
    this.#asked.set(request, asked);
    this.#post({ type: "snapshot", id: drawn.id, request, budget });
    const late = setTimeout(() => asked.reject(new Error("no screen in time")), ANSWER_MS);
    try {
      return await asked.promise;
    } finally {
      clearTimeout(late);
      this.#asked.delete(request);
    }
  }

  #add(drawn: Drawn): Followed {
    const known = this.#followed.get(drawn.id);
    if (known !== undefined) return known;
    const nobody = { watchers: new Set<(sign: Sign) => void>(), tellFrom: Number.POSITIVE_INFINITY };
    const followed: Followed = { ...drawn, over: new AbortController(), told: -1, toldSizes: 0, ...nobody };
    this.#followed.set(drawn.id, followed);
    return followed;
  }

  async #watch(followed: Followed): Promise<void> {
    const { spool } = followed;
    const { signal } = followed.over;
    while (!signal.aborted) {
      await spool.grown(Math.max(0, followed.told), signal);
      // Those who watch have their turn first: a key's echo does not wait for who draws screens.
      await immediate();
      if (signal.aborted) return;
      if (spool.length > followed.told && !spool.ended) {
        const moment = AbortSignal.any([signal, AbortSignal.timeout(TELL_MS)]);
        await spool.grown(Math.max(0, followed.told) + TELL_BYTES, moment);
      }
      if (signal.aborted) return;
      if (spool.length > followed.told) this.#tell(followed, true);
      if (spool.ended) return;
    }
  }

  #tell(followed: Followed, wake: boolean): void {
    if (this.#closed || (this.#thread === undefined && !wake) || this.#isGivenUp(followed.id)) return;
    this.#wake();
    const { id, dir, spool, sizes, tellFrom } = followed;
    const marks = followed.told === -1 ? sizes.marks : sizesAfter(sizes, followed.toldSizes);
    if (followed.told === spool.length && marks.length === 0) return;
    followed.told = spool.length;
    followed.toldSizes = sizes.positionAt(Number.POSITIVE_INFINITY);
    const growth = { id, dir, length: spool.length, firstKept: spool.firstKept, sizes: [...marks], tellFrom };
    this.#post({ type: "grew", ...growth });
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message);
  }

  #wake(): void {
    if (this.#thread !== undefined) return;
    const { pingMs, stuckMs } = this.#patience;
    const thread = hostThread(this.#patience.thread, {
      name: "screens",
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    this.#thread = thread;
    // Whatever hangs now, it is not what the one before had been at.
    this.#at = "";
    // Counted, not timed: while the host itself is stopped or busy, no answer can be heard.
    let unanswered = 0;
    let idle = 0;
    thread.unref();
    thread.on("message", (message: FromThread) => {
      if (this.#thread !== thread) return;
      if (message.type !== "pong") {
        this.#heard(message);
        return;
      }
      unanswered = 0;
      idle = message.busy ? 0 : idle + 1;
    });
    thread.on("error", (error) => this.#onWarning(`the screens' thread failed and is started anew: ${String(error)}`));
    thread.on("exit", () => this.#ended(thread));
    clearInterval(this.#pings);
    this.#pings = setInterval(() => {
      const hangs = unanswered * pingMs >= stuckMs;
      if (hangs) this.#hung();
      if (hangs || (idle > IDLE_PINGS && this.#asked.size === 0)) {
        // Nothing is asked of it any more, however long it takes to end: who looks now gets the next one.
        this.#ended(thread);
        void thread.terminate();
        return;
      }
      unanswered++;
      thread.postMessage({ type: "ping" } satisfies ToThread);
    }, pingMs);
    this.#pings.unref();
  }

  #hung(): void {
    const id = this.#at;
    if (id === "") {
      this.#onWarning("the screens' thread does not answer and is started anew");
      return;
    }
    this.#hangs.set(id, (this.#hangs.get(id) ?? 0) + 1);
    const then = this.#isGivenUp(id) ? "; its screen is not drawn any more, viewers get its output" : "";
    this.#onWarning(`the screens' thread hangs in what ${id} has printed and is started anew${then}`);
  }

  #heard(message: Exclude<FromThread, { type: "pong" }>): void {
    switch (message.type) {
      case "snapshot":
        this.#asked.get(message.request)?.resolve(message.snapshot);
        break;
      case "failed":
        this.#asked.get(message.request)?.reject(new Error(message.message));
        break;
      case "sign":
        for (const watcher of this.#followed.get(message.id)?.watchers ?? []) watcher(message.sign);
        break;
      case "turn":
        this.#at = message.id;
        break;
      case "warning":
        this.#onWarning(message.message);
        break;
      default:
        message satisfies never;
    }
  }

  /** Ends the thread; the next one goes on at the checkpoints. */
  async restart(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ended(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    clearInterval(this.#pings);
    for (const asked of this.#asked.values()) asked.reject(new Error("the screens' thread ended"));
    // The next one begins at the checkpoints, when there is something to draw or to show.
    for (const followed of this.#followed.values()) {
      followed.told = Math.max(followed.told, 0);
      followed.toldSizes = 0;
      // What it was told of it has told of, or lost: the next one draws that once more.
      if (followed.watchers.size > 0) followed.tellFrom = Math.max(followed.tellFrom, followed.told);
    }
  }

  /** Lets go of all screens. What is printed meanwhile is drawn when somebody looks again. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { over } of this.#followed.values()) over.abort();
    this.#followed.clear();
    const thread = this.#thread;
    this.#thread = undefined;
    clearInterval(this.#pings);
    for (const asked of this.#asked.values()) asked.reject(new Stopping());
    await thread?.terminate();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The checkpoint of a screen that has not changed since, without waking anybody. */
async function atRest({ dir, spool, sizes }: Drawn, budget: number): Promise<Snapshot | undefined> {
  const kept = await loadCheckpoint(dir);
  return kept !== undefined && isCurrent(kept, spool.length, sizes.last) ? frameOf(trimmed(kept, budget)) : undefined;
}

function sizesAfter(sizes: SizeHistory, position: number): SizeHistory["marks"] {
  const marks = [];
  for (let found = sizes.at(position); found !== undefined; found = sizes.at(found.next)) marks.push(found.mark);
  return marks;
}
