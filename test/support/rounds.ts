// How often a fault test injects its fault: a few times with every commit, often when somebody asks for it, and never past
// the time there is. What it measured goes to whoever runs the tests, as one line of figures.
import type { TestContext } from "node:test";

/** How the line begins that a runner looks for. */
export const FIGURES = "rounds";

/**
 * The usual number of rounds, or as many as HEARTH_ROUNDS asks for. `Infinity` and nonsense are the usual number too.
 */
export function roundsOf(usual: number): number {
  const asked = Number(process.env.HEARTH_ROUNDS);
  return Number.isInteger(asked) && asked > 0 ? asked : usual;
}

/**
 * `for (const round of rounds)`, with a figure for each. Past the usual number it stops when HEARTH_ROUNDS_SECONDS are over,
 * so that many faults in a row have a known end.
 */
export class Rounds {
  readonly wanted: number;
  readonly #usual: number;
  readonly #until: number;
  readonly #measured: number[] = [];
  #done = 0;

  constructor(usual: number) {
    this.wanted = roundsOf(usual);
    this.#usual = Math.min(usual, this.wanted);
    const seconds = Number(process.env.HEARTH_ROUNDS_SECONDS);
    this.#until = seconds > 0 ? performance.now() + seconds * 1000 : Number.POSITIVE_INFINITY;
  }

  /** Rounds begun. */
  get done(): number {
    return this.#done;
  }

  *[Symbol.iterator](): Generator<number> {
    while (this.#done < this.wanted && (this.#done < this.#usual || performance.now() < this.#until))
      yield this.#done++;
  }

  /** Notes how long something took, in ms. */
  measured(ms: number): void {
    this.#measured.push(ms);
  }

  /** Says what came of it, `what` being what the times are of. */
  report(t: TestContext, what: string): void {
    const sorted = this.#measured.toSorted((a, b) => a - b);
    const at = (share: number): string => {
      const ms = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      return ms === undefined ? "-" : String(Math.round(ms));
    };
    const times = sorted.length === 0 ? "" : ` · ${what} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
    t.diagnostic(`${FIGURES} ${this.#done}${times}`);
  }
}
