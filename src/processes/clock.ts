// Time as those see it who measure it, so that a test can hold it in its hand. Deadlines go by `now`, which no setting of the
// system's clock moves; `wall` is only for what a later host must understand.
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
