// A piece of work per turn of the event loop: what one start does in one go is little, what sixteen do is not.

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #going = false;

  /**
   * Resolves in a later turn of the loop, after it has looked for news, and in one in which nobody else's does; the others
   * in the order in which they asked.
   */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#going) return;
      this.#going = true;
      setImmediate(() => setImmediate(() => this.#go())); // the first one belongs to the turn that goes on
    });
  }

  #go(): void {
    this.#waiting.shift()?.();
    this.#going = this.#waiting.length > 0;
    if (this.#going) setImmediate(() => this.#go());
  }
}

/** Resolves in a later turn of the loop, after it has looked for news. */
export function laterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
