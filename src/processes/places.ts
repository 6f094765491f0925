// Where the bytes of a text stand in the stream that it was made of by leaving parts out.

/** From each of the indexes on, bytes stand one after the other from a place of the stream on. The first index is 0. */
export class Places {
  readonly #at: readonly number[];
  readonly #raw: readonly number[];
  readonly #from: number;
  readonly #to: number;

  /** The entries from `from` to `to` of both lists, which are good for as long as their owner says. */
  constructor(at: readonly number[], raw: readonly number[], from: number, to: number) {
    this.#at = at;
    this.#raw = raw;
    this.#from = from;
    this.#to = to;
  }

  /** Bytes that stand one after the other from `offset` on. */
  static from(offset: number): Places {
    return new Places([0], [offset], 0, 1);
  }

  /** Of texts that follow one another, each `length` long. A list of its own. */
  static joined(parts: readonly { places: Places; length: number }[]): Places {
    const at: number[] = [];
    const raw: number[] = [];
    let index = 0;
    for (const { places, length } of parts) {
      for (let entry = places.#from; entry < places.#to; entry++) {
        const own = places.#at[entry] ?? 0;
        if (own >= length && entry > places.#from) break;
        at.push(index + own);
        raw.push(places.#raw[entry] ?? 0);
      }
      index += length;
    }
    return new Places(at, raw, 0, at.length);
  }

  of(index: number): number {
    const entry = this.#entry(index);
    return (this.#raw[entry] ?? 0) + index - (this.#at[entry] ?? 0);
  }

  /** Of the text without its first `count` bytes. A list of its own. */
  after(count: number): Places {
    const at = [0];
    const raw = [this.of(count)];
    for (let entry = this.#entry(count) + 1; entry < this.#to; entry++) {
      at.push((this.#at[entry] ?? 0) - count);
      raw.push(this.#raw[entry] ?? 0);
    }
    return new Places(at, raw, 0, at.length);
  }

  /** The last entry that begins at `index` or before it. */
  #entry(index: number): number {
    let low = this.#from + 1;
    let high = this.#to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#at[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
