// The host's end of the regex thread. The thread is there while somebody watches with a regular expression, and no longer.
import { Worker } from "node:worker_threads";
import type { Regex } from "./engine.ts";
import type { Ask, Said } from "./messages.ts";
import type { LineHits } from "./scan.ts";

interface Waiting {
  resolve(hits: LineHits): void;
  reject(error: Error): void;
}

/** One set of expressions, open until disposed of. */
export interface Matching extends Disposable {
  /** The lines of `bytes` that match. Rejects when the thread has died. One after the other, please: no queue is bounded here. */
  scan(bytes: Uint8Array<ArrayBuffer>): Promise<LineHits>;
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #dead: Error | undefined;
  sets = 0;

  constructor(onGone: () => void) {
    const entry = new URL("./thread.ts", import.meta.url);
    this.#worker = new Worker(entry, { name: "regex", env: {}, resourceLimits: { maxOldGenerationSizeMb: 128 } });
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
      this.#dead = new Error("The thread that matches regular expressions has ended", { cause: why });
      for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
      this.#waiting.clear();
      onGone();
    });
  }

  say(ask: Ask, transfer: ArrayBuffer[] = []): void {
    if (this.#dead === undefined) this.#worker.postMessage(ask, transfer);
  }

  scan(set: number, bytes: Uint8Array<ArrayBuffer>): Promise<LineHits> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const n = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      this.say({ ask: "scan", n, set, bytes }, [bytes.buffer]);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

let current: Thread | undefined;
let nextSet = 1;

function started(): Thread {
  const thread = new Thread(() => {
    if (current === thread) current = undefined;
  });
  return thread;
}

/** Opens a set of expressions that `checkRegexes` has accepted. */
export function openMatching(patterns: readonly Regex[]): Matching {
  current ??= started();
  const thread = current;
  const set = nextSet++;
  thread.sets++;
  thread.say({ ask: "open", set, patterns });
  let open = true;
  return {
    scan: (bytes) => thread.scan(set, bytes),
    [Symbol.dispose]: () => {
      if (!open) return;
      open = false;
      thread.say({ ask: "close", set });
      if (--thread.sets > 0) return;
      if (current === thread) current = undefined;
      thread.end();
    },
  };
}
