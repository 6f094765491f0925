// How much is on its way to one viewer. The system's buffers take megabytes for a peer on a slow line, and all of it would have
// to arrive before a fresh screen; so no more is sent than it reads in about a second, as its answers to pings tell.
import { addAbortListener } from "node:events";
import type { WebSocket } from "ws";

/** Also what everybody begins with: how quick a line is cannot be known before something was sent, and it grows at each answer. */
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** A question that comes back sooner than this allows more, one that takes longer than the other allows less. */
const QUICK_MS = 500;
const SLOW_MS = 1_000;
/** Of what is allowed, how much goes between two questions. */
const QUESTIONS = 4;
/** Whoever has answered no question so long does not answer any: then only the system's buffers count. */
const SILENT_MS = 3_000;
const MARK_BYTES = 8;

export class InFlight {
  readonly #ws: WebSocket;
  readonly #now: () => number;
  /** Bytes handed over since the beginning, known to be read, and at the last question. */
  #sent = 0;
  #read = 0;
  #asked = 0;
  #allowed = LEAST_BYTES;
  #answers = false;
  readonly #since: number;
  /** When each unanswered question was sent, and how much was on its way by then, by the bytes sent before it. */
  readonly #questions = new Map<number, { at: number; underWay: number }>();
  #wake: (() => void) | undefined;

  constructor(ws: WebSocket, now: () => number = () => performance.now()) {
    this.#ws = ws;
    this.#now = now;
    this.#since = now();
    ws.on("pong", (data) => this.#answered(data));
    ws.once("close", () => this.#wake?.());
    this.#ask();
  }

  /** What it may have on its way now, in bytes. */
  get allowed(): number {
    return this.#allowed;
  }

  /**
   * Where what is handed over from `offset` on is to end at the latest: one large piece would be more on its way than is
   * allowed. All viewers that may have alike have the same ends, and so the same pieces.
   */
  endOfPiece(offset: number): number {
    const piece = Math.max(LEAST_BYTES, this.#allowed / 2);
    return (Math.floor(offset / piece) + 1) * piece;
  }

  /** To be called after each write. */
  wrote(bytes: number): void {
    this.#sent += bytes;
    if (this.#sent - this.#asked >= this.#allowed / QUESTIONS) this.#ask();
  }

  /** As much is on its way as may be. */
  get full(): boolean {
    return this.#sent - this.#read > this.#allowed;
  }

  /** Resolves when more may be sent, at once if it may; also when `signal` is aborted or the socket closes. One waits at a time. */
  async room(signal: AbortSignal): Promise<void> {
    let again = false;
    while (!signal.aborted && this.#ws.readyState === this.#ws.OPEN && this.full) {
      const patience = this.#since + SILENT_MS - this.#now();
      if (!this.#answers && patience <= 0) return;
      // Less may be allowed by now than went since the last question: whoever waits waits for an answer to come.
      this.#ask(again);
      again = false;
      const { promise, resolve } = Promise.withResolvers<void>();
      const onLate = () => {
        again = this.#answers;
        resolve();
      };
      const timer = setTimeout(onLate, this.#answers ? SILENT_MS : patience);
      this.#wake = resolve;
      using _abort = addAbortListener(signal, () => resolve());
      await promise;
      clearTimeout(timer);
    }
  }

  /** `again`: of several questions one is allowed to answer the last alone, which may have been another's (RFC 6455, 5.5.3). */
  #ask(again = false): void {
    const known = this.#questions.get(this.#sent);
    if (this.#ws.readyState !== this.#ws.OPEN || (known !== undefined && !again)) return;
    const mark = Buffer.alloc(MARK_BYTES);
    mark.writeBigUInt64BE(BigInt(this.#sent));
    this.#asked = this.#sent;
    this.#questions.set(this.#sent, known ?? { at: this.#now(), underWay: this.#sent - this.#read });
    this.#ws.ping(mark);
  }

  #answered(data: Buffer): void {
    if (data.length !== MARK_BYTES) return; // a question of another's
    const mark = Number(data.readBigUInt64BE());
    const asked = this.#questions.get(mark);
    if (asked === undefined) return;
    for (const [earlier] of this.#questions) if (earlier <= mark) this.#questions.delete(earlier);
    this.#answers = true;
    this.#read = mark;
    const took = this.#now() - asked.at;
    // An answer to a question that hardly anything went before says how far away somebody is, not how much they can read.
    if (took < QUICK_MS && asked.underWay >= this.#allowed / 2) this.#allowed = Math.min(MOST_BYTES, this.#allowed * 2);
    else if (took > SLOW_MS) this.#allowed = Math.max(LEAST_BYTES, this.#allowed / 2);
    this.#wake?.();
  }
}
