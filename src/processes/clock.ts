// Time as those see it who measure it, so that a test can hold it in its hand. Deadlines go by `now`, which no setting of the
// system's clock moves; `wall` is only for what a later host must understand.
import { addAbortListener } from "node:events";

export interface Clock {
  /** Milliseconds since some moment; never jumps. */
  now(): number;
  /** Milliseconds since the epoch; may jump. */
  wall(): number;
  /** Calls `later` once after `ms`; the answer calls it off. */
  after(ms: number, later: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, later) {
    const timer = setTimeout(later, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** What is left of `ms` that began at `wallThen`, on this host's clock: a clock that was set in between cannot stretch it. */
export function leftOf(clock: Clock, wallThen: number, ms: number): number {
  return Math.min(ms, Math.max(0, wallThen + ms - clock.wall()));
}

/** Resolves when `work` has settled, `ms` are over or one of the signals aborts, and leaves nothing behind. Never rejects. */
export function settled(work: Promise<unknown>, ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      for (const one of aborting) one[Symbol.dispose]();
      resolve();
    };
    const timer = setTimeout(over, ms);
    const aborting = signals.map((signal) => addAbortListener(signal, over));
    work.then(over, over);
  });
}
