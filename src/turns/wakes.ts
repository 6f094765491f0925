// How often notices alone may start a turn, when that is, and how many of them one turn is told.

const HOUR_MS = 3_600_000;
const MOST_PER_TURN = 50;
/** Those of processes are short; a few of delegated work would fill a model's context. */
const MOST_CHARACTERS_PER_TURN = 200_000;

/** Milliseconds until notices may start a turn again; 0: now. */
export function untilWake(wakes: readonly number[], perHour: number, now: number): number {
  const recent = wakes.filter((time) => now - time < HOUR_MS);
  const oldest = recent.at(-perHour);
  // A clock that was set back must not make anyone wait longer than an hour.
  return oldest === undefined ? 0 : Math.min(HOUR_MS, oldest + HOUR_MS - now);
}

/** Ids of the notices that the next turn is told, the oldest first; at least one of those that wait. */
export function nextNotices(waiting: ReadonlyMap<string, string>): string[] {
  const next: string[] = [];
  let characters = 0;
  for (const [id, text] of waiting) {
    characters += text.length;
    if (next.length === MOST_PER_TURN || (next.length > 0 && characters > MOST_CHARACTERS_PER_TURN)) break;
    next.push(id);
  }
  return next;
}

/** Wakes each session once after a while, however often that is asked for meanwhile. */
export class Alarms {
  readonly #wake: (sessionId: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(wake: (sessionId: string) => void) {
    this.#wake = wake;
  }

  /** In `ms`; false where one is set already, which stays as it is. */
  set(sessionId: string, ms: number): boolean {
    if (this.#timers.has(sessionId)) return false;
    const timer = setTimeout(() => {
      this.#timers.delete(sessionId);
      this.#wake(sessionId);
    }, ms);
    this.#timers.set(sessionId, timer.unref());
    return true;
  }

  /** None of those that are set goes off. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
