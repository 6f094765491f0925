// Several people watch one terminal, whose program knows one size: the last who typed or took over decides it.
import { setTimeout as delay } from "node:timers/promises";

/** Between two sizes that a program is told of: a window being dragged need not reach it in every state (F50). */
const GAP_MS = 34;

export interface SizeViewer {
  /** It decides the size from now on, or no longer. */
  decides(yours: boolean): void;
  /** Its size could not be set. */
  refused(error: unknown): void;
}
interface Wanted {
  rows: unknown;
  cols: unknown;
}

export class SizeLease {
  readonly #resize: (rows: unknown, cols: unknown) => Promise<unknown>;
  readonly #wanted = new Map<SizeViewer, Wanted>();
  #holder: SizeViewer | undefined;
  #setting: Promise<void> | undefined;
  #due = false;
  readonly #waiting: (() => void)[] = [];

  constructor(resize: (rows: unknown, cols: unknown) => Promise<unknown>) {
    this.#resize = resize;
  }

  isHeldBy(viewer: SizeViewer): boolean {
    return this.#holder === viewer;
  }
  /** Somebody else decides. */
  isHeldFrom(viewer: SizeViewer): boolean {
    return this.#holder !== undefined && this.#holder !== viewer;
  }

  /** The size that fits this viewer: in force if it decides, or nobody does. */
  wants(viewer: SizeViewer, rows: unknown, cols: unknown): void {
    this.#wanted.set(viewer, { rows, cols });
    if (this.#holder === undefined) this.#give(viewer);
    if (this.#holder === viewer) this.#apply();
  }

  /** Whether `take` would change anything. */
  isForTaking(viewer: SizeViewer): boolean {
    return this.#holder !== viewer && this.#wanted.has(viewer);
  }

  /** It decides from now on, if it has said which size fits it. Resolves when that is in force: what it types then is meant for it. */
  async take(viewer: SizeViewer): Promise<void> {
    if (!this.isForTaking(viewer)) return;
    this.#give(viewer);
    const { promise, resolve } = Promise.withResolvers<void>();
    // Before it is applied: that begins at once, with those who wait by then.
    this.#waiting.push(resolve);
    this.#apply();
    await promise;
  }

  /** The size stays as it is, until somebody else wants another. */
  leave(viewer: SizeViewer): void {
    this.#wanted.delete(viewer);
    if (this.#holder === viewer) this.#holder = undefined;
  }

  #give(viewer: SizeViewer): void {
    const before = this.#holder;
    this.#holder = viewer;
    before?.decides(false);
    viewer.decides(true);
  }

  #apply(): void {
    this.#due = true;
    this.#setting ??= this.#set();
  }

  /** One after the other, the newest only, and not too many. */
  async #set(): Promise<void> {
    while (this.#due) {
      this.#due = false;
      const holder = this.#holder;
      const wanted = holder === undefined ? undefined : this.#wanted.get(holder);
      const waiting = this.#waiting.splice(0);
      if (holder !== undefined && wanted !== undefined) {
        await this.#resize(wanted.rows, wanted.cols).catch((error: unknown) => holder.refused(error));
      }
      for (const resolve of waiting) resolve();
      await delay(GAP_MS);
    }
    this.#setting = undefined;
  }
}
