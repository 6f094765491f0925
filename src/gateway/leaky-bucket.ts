// Counts what may come now and then and not all the time: full, it takes no more until some has leaked away.

export class LeakyBucket {
  readonly #full: number;
  readonly #leakPerSecond: number;
  readonly #now: () => number;
  #level = 0;
  #at: number;

  constructor(full: number, leakPerSecond: number, now: () => number = () => performance.now()) {
    this.#full = full;
    this.#leakPerSecond = leakPerSecond;
    this.#now = now;
    this.#at = now();
  }

  /** What is in it. */
  get level(): number {
    return this.#level;
  }

  /** Adds one; false if that is one too many, and it is not added. */
  add(): boolean {
    const now = this.#now();
    this.#level = Math.max(0, this.#level - ((now - this.#at) / 1000) * this.#leakPerSecond);
    this.#at = now;
    if (this.#level + 1 > this.#full) return false;
    this.#level++;
    return true;
  }
}
