// What is on its way to one peer: how much may wait, who waits for room, and when a peer that reads nothing is given up.

import { addAbortListener } from "node:events";
import type { Socket } from "node:net";

/** Past this many bytes waiting for the socket nothing more is fetched for the peer. */
const HIGH_BYTES = 1024 * 1024;
/** Past it the peer is given up at once: only answers to its own questions can pile up so far. */
const MOST_BYTES = 64 * 1024 * 1024;
/** So long without any progress of the bytes that wait, and the peer is given up. */
const STUCK_MS = 10_000;

export interface OutflowOptions {
  socket: Socket;
  /** Bytes handed over and not yet taken by the system. */
  waiting: () => number;
  /** Stop and go on reading what the peer sends: who does not listen is not asked. */
  pause: () => void;
  resume: () => void;
  /** Called once: the peer has taken nothing for too long. */
  onStuck: () => void;
}

/** Dispose it where the socket lives on after what it was used for (HTTP keep-alive). */
export class Outflow implements Disposable {
  readonly #options: OutflowOptions;
  readonly #waiters = new Set<() => void>();
  #full = false;
  #over = false;

  constructor(options: OutflowOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on("drain", this.#drained);
    socket.once("close", this.#closed);
  }

  [Symbol.dispose](): void {
    const { socket } = this.#options;
    socket.off("drain", this.#drained);
    socket.off("close", this.#closed);
    if (this.#full) socket.setTimeout(0, this.#stuck);
    this.#closed();
  }

  /** To be called after each write. */
  wrote(): void {
    const waiting = this.#options.waiting();
    if (this.#over || waiting <= HIGH_BYTES) return;
    if (waiting > MOST_BYTES) this.#stuck();
    if (this.#full || this.#over) return;
    this.#full = true;
    this.#options.pause();
    // Node looks at the kernel's side of the queue before it calls: a slow peer that takes something is not stuck.
    this.#options.socket.setTimeout(STUCK_MS, this.#stuck);
  }

  /** Nothing more is to be fetched for it. */
  get full(): boolean {
    return this.#full && !this.#over;
  }

  /** Resolves when there is room, at once if there is; also when the peer is gone or `signal` is aborted. */
  async room(signal: AbortSignal): Promise<void> {
    if (!this.#full || this.#over || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    using _abort = addAbortListener(signal, () => resolve());
    await promise;
    this.#waiters.delete(resolve);
  }

  readonly #drained = (): void => {
    if (!this.#full || this.#over) return;
    this.#full = false;
    this.#options.socket.setTimeout(0, this.#stuck);
    this.#options.resume();
    this.#wake();
  };

  readonly #closed = (): void => {
    this.#over = true;
    this.#wake();
  };

  readonly #stuck = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#options.onStuck();
    this.#wake();
  };

  #wake(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}
