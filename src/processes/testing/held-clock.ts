// Time that passes when a test says so; the clock on the wall can be set apart from it.
import type { Clock } from "../clock.ts";

export class HeldClock implements Clock {
  time = 1_000_000;
  /** How far the clock on the wall is ahead. */
  set = 1_700_000_000_000;
  #later: { at: number; call: () => void }[] = [];

  now = (): number => this.time;
  wall = (): number => this.time + this.set;
  after = (ms: number, call: () => void): (() => void) => {
    const one = { at: this.time + Math.max(0, ms), call };
    this.#later.push(one);
    return () => {
      this.#later = this.#later.filter((other) => other !== one);
    };
  };
  /** What comes due on the way is called at its time, in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.#later.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#later = this.#later.filter((other) => other !== due);
      this.time = Math.max(this.time, due.at);
      due.call();
    }
    this.time = end;
  }
}
