// How many notices of matches and checks all processes together may give: at most 15 in 10 s, else none for 30 s (P27). What
// is held back is told later; nothing is lost. Ends are no business of this.
import { type Clock, leftOf, systemClock } from "./clock.ts";

export const MOST = 15;
export const WINDOW_MS = 10_000;
export const PAUSE_MS = 30_000;
/** A host that comes back in the middle of a pause gives its watchers this long to find again what they held back. */
const RECOVERY_MS = 1_000;
const NAMED = 10;

export interface Held {
  process_id: string;
  count: number;
}
/** What a session is told when a pause begins, and when it is over. `id` names the pause for this session for ever. */
export type Announcement = { session_id: string; id: string } & (
  | { state: "tripped"; process_id: string; until: number }
  | { state: "released"; process_id: string; held: Held[]; more: number; count: number }
);
/** A pause that an earlier host has announced to a session and not ended. */
export interface OpenPause {
  session_id: string;
  id: string;
  process_id: string;
  /** ms since the epoch. */
  until: number;
}

interface Asking {
  process_id: string;
  session_id: string;
  /** Matches that wait by now. */
  count: () => number;
}
interface Paused {
  id: string;
  /** By process. */
  held: Map<string, () => number>;
  /** The first that was held back. */
  process_id: string;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #announce: (announcement: Announcement) => void;
  readonly #told: number[] = [];
  /** Sessions that know of the pause. */
  readonly #sessions = new Map<string, Paused>();
  #until = Number.NEGATIVE_INFINITY;
  #wallUntil = 0;
  #callOff: (() => void) | null = null;

  constructor(o: { announce: (announcement: Announcement) => void; open?: readonly OpenPause[]; clock?: Clock }) {
    this.#clock = o.clock ?? systemClock;
    this.#announce = o.announce;
    for (const { session_id, id, process_id, until } of o.open ?? []) {
      this.#sessions.set(session_id, { id, held: new Map(), process_id });
      const left = leftOf(this.#clock, until - PAUSE_MS, PAUSE_MS);
      this.#until = Math.max(this.#until, this.#clock.now() + Math.max(left, RECOVERY_MS));
      this.#wallUntil = Math.max(this.#wallUntil, until);
    }
    if (this.#sessions.size > 0) this.#releaseLater();
  }

  /** 0: tell it now, and it counts as told; else in how many milliseconds to ask again. */
  admit(asking: Asking): number {
    const now = this.#clock.now();
    if (now >= this.#until) {
      // Its timer may be late: who is told must have heard of the end of the pause before.
      if (this.#sessions.size > 0) this.#release();
      while (this.#told[0] !== undefined && now - this.#told[0] >= WINDOW_MS) this.#told.shift();
      if (this.#told.length < MOST) {
        this.#told.push(now);
        return 0;
      }
      this.#told.length = 0;
      this.#until = now + PAUSE_MS;
      this.#wallUntil = this.#clock.wall() + PAUSE_MS;
      this.#releaseLater();
    }
    this.#hold(asking);
    return this.#until - now;
  }

  #hold({ process_id, session_id, count }: Asking): void {
    let paused = this.#sessions.get(session_id);
    if (paused === undefined) {
      paused = { id: `${this.#wallUntil}`, held: new Map(), process_id };
      this.#sessions.set(session_id, paused);
      this.#announce({ session_id, id: paused.id, state: "tripped", process_id, until: this.#wallUntil });
    }
    paused.held.set(process_id, count);
  }

  #releaseLater(): void {
    this.#callOff?.();
    this.#callOff = this.#clock.after(this.#until - this.#clock.now(), () => {
      if (this.#clock.now() >= this.#until) this.#release();
      else this.#releaseLater();
    });
  }

  #release(): void {
    this.#callOff?.();
    this.#callOff = null;
    const sessions = [...this.#sessions];
    this.#sessions.clear();
    for (const [session_id, { id, held, process_id }] of sessions) {
      const all = Array.from(held, ([process, count]) => ({ process_id: process, count: count() }));
      const named = all.toSorted((a, b) => b.count - a.count).slice(0, NAMED);
      const count = all.reduce((sum, one) => sum + one.count, 0);
      this.#announce({
        ...{ session_id, id, process_id, count },
        state: "released",
        held: named,
        more: all.length - named.length,
      });
    }
  }

  /** Announces nothing any more; a later host does. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = null;
  }
}
