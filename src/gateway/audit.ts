// Who was refused, in the host's log. Anybody can be refused, as often as they like: so it is bounded what that writes.
import type { Logger } from "pino";

/** Lines of one reason that may come at once, and how many more each second after that. The others are counted. */
const AT_ONCE = 50;
const PER_SECOND = 2;

export interface Refusal {
  status: number;
  reason: string;
  [fact: string]: unknown;
}

export class Audit {
  readonly #log: Logger;
  readonly #now: () => number;
  /** By reason, so that a flood of one kind does not hide the others. Reasons are our own words: there are few. */
  readonly #written = new Map<string, { level: number; at: number; leftOut: number }>();

  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  refused(refusal: Refusal): void {
    const now = this.#now();
    const kind = this.#written.get(refusal.reason) ?? { level: 0, at: now, leftOut: 0 };
    this.#written.set(refusal.reason, kind);
    kind.level = Math.max(0, kind.level - ((now - kind.at) / 1000) * PER_SECOND);
    kind.at = now;
    if (kind.level + 1 > AT_ONCE) {
      kind.leftOut++;
      return;
    }
    kind.level++;
    const { leftOut } = kind;
    kind.leftOut = 0;
    this.#log.warn({ audit: "refused", ...refusal, ...(leftOut > 0 ? { left_out_before: leftOut } : {}) }, "refused");
  }
}
