// Slows down whoever tries credentials: each failure fills a bucket that leaks; when it is full, 429. The right one never waits.
import { LeakyBucket } from "./leaky-bucket.ts";

const FULL = 60;
const LEAK_PER_SECOND = 6;
const DELAY_MS_EACH = 5;
/** Refusals that are being delayed: beyond it, none is (it would only cost memory). */
const MOST_WAITING = 100;

export class Failures {
  readonly #bucket = new LeakyBucket(FULL, LEAK_PER_SECOND);
  #waiting = 0;

  /** Notes a failure. `wait`: answer after `delayed`; else refuse with 429 now. */
  note(): "wait" | "too_many" {
    return this.#waiting < MOST_WAITING && this.#bucket.add() ? "wait" : "too_many";
  }

  /** The delay depends on how many failed lately and on nothing else: what was wrong does not show in it. */
  async delayed(): Promise<void> {
    this.#waiting++;
    await new Promise((resolve) => setTimeout(resolve, this.#bucket.level * DELAY_MS_EACH));
    this.#waiting--;
  }
}
