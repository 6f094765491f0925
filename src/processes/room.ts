// How many processes may run at a time, in all and of one session: counted from the moment a start begins.
import { HostError } from "../protocol/errors.ts";

export interface Most {
  running: number;
  runningOfSession: number;
}

export class Room {
  readonly #inside = new Map<string, string | null>();
  readonly #ofSession = new Map<string, number>();

  /** How many are inside. */
  get size(): number {
    return this.#inside.size;
  }

  /** Throws too_many where there is no room. */
  enter(id: string, session: string | null, { running, runningOfSession }: Most): void {
    if (this.#inside.size >= running)
      throw new HostError(
        "too_many",
        `${running} processes run already: end some first (process.list shows them), or raise processes.running`,
        { data: { limit: running } },
      );
    if (session !== null && (this.#ofSession.get(session) ?? 0) >= runningOfSession)
      throw new HostError(
        "too_many",
        `${runningOfSession} processes of this session run already: end some first, or raise sessions.running`,
        { data: { limit: runningOfSession } },
      );
    this.add(id, session);
  }

  /** One that runs already, whether or not there is room. */
  add(id: string, session: string | null): void {
    if (this.#inside.has(id)) return;
    this.#inside.set(id, session);
    if (session !== null) this.#ofSession.set(session, (this.#ofSession.get(session) ?? 0) + 1);
  }

  leave(id: string): void {
    const session = this.#inside.get(id);
    if (session === undefined) return;
    this.#inside.delete(id);
    if (session === null) return;
    const left = (this.#ofSession.get(session) ?? 1) - 1;
    if (left > 0) this.#ofSession.set(session, left);
    else this.#ofSession.delete(session);
  }
}
