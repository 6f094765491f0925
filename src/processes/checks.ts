// Tells an agent now and then how something that it has started stands (P38). No look is told while the one before has not
// been heard: a sleeping agent wakes to one, not to a hundred.
import { type Clock, leftOf, systemClock } from "./clock.ts";

export interface Check {
  /** Counts from 1. */
  number: number;
  /** When, ms since the epoch. */
  at: number;
}
export const noCheck: Check = { number: 0, at: 0 };

export class PeriodicCheck {
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #tell: (check: Check) => Promise<void>;
  readonly #unheard: (check: Check) => Promise<boolean>;
  readonly #admit: () => boolean;
  readonly #onError: (error: unknown) => void;
  #last: Check;
  #callOff: (() => void) | null = null;
  #telling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(o: {
    everyMs: number;
    /** The last one told; before the first one, number 0 and when the process was started. */
    last: Check;
    tell: (check: Check) => Promise<void>;
    /** Has the agent not yet been told what this one said? */
    unheard: (check: Check) => Promise<boolean>;
    /** May one more notice be given now? */
    admit: () => boolean;
    onError: (error: unknown) => void;
    clock?: Clock;
  }) {
    this.#everyMs = o.everyMs;
    this.#last = o.last;
    this.#tell = o.tell;
    this.#unheard = o.unheard;
    this.#admit = o.admit;
    this.#onError = o.onError;
    this.#clock = o.clock ?? systemClock;
    this.#arm(leftOf(this.#clock, o.last.at, o.everyMs));
  }

  #arm(ms: number): void {
    if (this.#stopped) return;
    this.#callOff = this.#clock.after(ms, () => {
      this.#telling = this.#look()
        .catch(this.#onError)
        .finally(() => this.#arm(this.#everyMs));
    });
  }

  async #look(): Promise<void> {
    if (this.#last.number > 0 && (await this.#unheard(this.#last))) return;
    if (this.#stopped || !this.#admit()) return;
    const check = { number: this.#last.number + 1, at: this.#clock.wall() };
    await this.#tell(check);
    this.#last = check;
  }

  /** No check is told after this has resolved. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff?.();
    await this.#telling;
  }
}
