// The recent events of each stream that somebody follows, once in memory for all who follow it.
import type { Recorded } from "../protocol/events.ts";

export type Page = readonly Recorded[];

/** Kept per followed stream. Whoever is further behind reads from disk. */
const KEPT_EVENTS = 2048;
const KEPT_BYTES = 1024 * 1024;
/** So many followers are woken for every append; more are woken together, this many milliseconds apart at the least. */
const FEW = 16;
const GROUP_MS = 8;

/** One stream's recent events as pages, and its followers that wait at the end of them. */
export class Tail {
  followers = 0;
  /** The last number known to this tail, 0 while it knows none. */
  last = 0;
  readonly #pages: { page: Page; bytes: number }[] = [];
  #events = 0;
  #bytes = 0;
  #gathering: Recorded[] = [];
  #gatheringBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

  /** Takes events that are durable; they follow on what came before. `bytes`: about what they take. */
  push(records: Page, bytes: number): void {
    if (this.followers > FEW) {
      this.#gathering.push(...records);
      this.#gatheringBytes += bytes;
      if (this.#gatheringBytes >= KEPT_BYTES / 2) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), GROUP_MS);
      return;
    }
    this.#flush();
    this.#keep(records, bytes);
    this.wake();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathering.length === 0) return;
    this.#keep(this.#gathering, this.#gatheringBytes);
    this.#gathering = [];
    this.#gatheringBytes = 0;
    this.wake();
  }

  #keep(page: Page, bytes: number): void {
    this.#pages.push({ page, bytes });
    this.#events += page.length;
    this.#bytes += bytes;
    this.last = page.at(-1)?.seq ?? this.last;
    while (this.#pages.length > 1 && (this.#events > KEPT_EVENTS || this.#bytes > KEPT_BYTES)) {
      const oldest = this.#pages.shift();
      this.#events -= oldest?.page.length ?? 0;
      this.#bytes -= oldest?.bytes ?? 0;
    }
  }

  /** The page that holds what comes after `after`, or undefined if it is not here (any more, or yet). */
  after(after: number): Page | undefined {
    if (after >= this.last) return undefined;
    const wanted = after + 1;
    // Those who keep up want the newest page; looked for from there.
    for (let i = this.#pages.length - 1; i >= 0; i--) {
      const page = this.#pages[i]?.page ?? [];
      const first = page[0]?.seq ?? 0;
      if (first === wanted) return page;
      if (first < wanted) return page.slice(wanted - first);
    }
    return undefined;
  }

  /** Resolves at the next wake-up, or at once if `gone` says so meanwhile. */
  next(forget: (wake: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      forget(wake);
    });
  }

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** The stream was removed: nothing here is true any more. */
  reset(): void {
    this.close();
    this.#pages.length = 0;
    this.#events = 0;
    this.#bytes = 0;
    this.#gathering = [];
    this.#gatheringBytes = 0;
    this.last = 0;
    this.wake();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
