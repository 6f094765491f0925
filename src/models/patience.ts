// Notices a provider that has stopped sending while we wait for it.

/**
 * Counts only while someone waits (`begin` … `rest`): when the reader itself is slow, the silence is ours. `heard` starts
 * the count anew; before the first byte `firstMs` counts, afterwards `nextMs`.
 */
export class Patience implements Disposable {
  readonly #nextMs: number;
  readonly #onStall: (silentMs: number) => void;
  #limitMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(firstMs: number, nextMs: number, onStall: (silentMs: number) => void) {
    this.#limitMs = firstMs;
    this.#nextMs = nextMs;
    this.#onStall = onStall;
  }

  begin(): void {
    this.rest();
    const limit = this.#limitMs;
    this.#timer = setTimeout(() => this.#onStall(limit), limit);
  }

  heard(): void {
    const first = this.#limitMs !== this.#nextMs;
    this.#limitMs = this.#nextMs;
    if (this.#timer === undefined) return;
    if (first) this.begin();
    else this.#timer.refresh();
  }

  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.rest();
  }
}
