// A spool in memory, so that tests of reading and watching say exactly when which byte is there.

import type { Spool } from "../../keeper/keepers.ts";
import { OffsetGone } from "../../keeper/keepers.ts";

export class MemorySpool implements Spool {
  #bytes = Buffer.alloc(0);
  firstKept = 0;
  ended = false;
  /** Reads answer at most this many bytes, as a disk may. */
  grain = 1000;
  #waiting: (() => void)[] = [];

  get length(): number {
    return this.#bytes.length;
  }
  add(bytes: string | Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(bytes)]);
    this.#wake();
  }
  drop(firstKept: number): void {
    this.firstKept = firstKept;
  }
  end(): void {
    this.ended = true;
    this.#wake();
  }
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
  async read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }> {
    await Promise.resolve();
    if (from < this.firstKept) throw new OffsetGone(this.firstKept);
    return { offset: from, bytes: this.#bytes.subarray(from, from + Math.min(max, this.grain)) };
  }
  grown(after: number, signal: AbortSignal): Promise<void> {
    if (this.length > after || this.ended || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
