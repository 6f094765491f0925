// Slows down whoever tries credentials: each failure fills a bucket that leaks; when it is full, 429. The right one never waits.

const FULL = 60;
const LEAK_PER_SECOND = 6;
const DELAY_MS_EACH = 5;
/** Refusals that are being delayed: beyond it, none is (it would only cost memory). */
const MOST_WAITING = 100;

export class Failures {
  #level = 0;
  #at = performance.now();
  #waiting = 0;

  /** Notes a failure. `wait`: answer after `delayed`; else refuse with 429 now. */
  note(): "wait" | "too_many" {
    const now = performance.now();
    this.#level = Math.max(0, this.#level - ((now - this.#at) / 1000) * LEAK_PER_SECOND);
    this.#at = now;
    if (this.#level + 1 > FULL || this.#waiting >= MOST_WAITING) return "too_many";
    this.#level++;
    return "wait";
  }

  /** The delay depends on how many failed lately and on nothing else: what was wrong does not show in it. */
  async delayed(): Promise<void> {
    this.#waiting++;
    await new Promise((resolve) => setTimeout(resolve, this.#level * DELAY_MS_EACH));
    this.#waiting--;
  }
}
