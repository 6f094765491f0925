// How many output files this process has open at a time: its table of open files is one, whoever reads, and a list of a
// thousand ended processes must not fill it.
import { readFile } from "node:fs/promises";

/** How many files this process may have open; undefined where the system does not say. */
export async function openFilesLimit(): Promise<number | undefined> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const found = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Something that has a file open until it is released; it opens it again when it needs it. */
interface Holder {
  release(): Promise<void>;
}

/** Reads from disk that go on at a time: as the thread pool does not do more at once, waiting costs nothing. */
const READING = 8;
const USUALLY_OPEN = 128;

export class OpenFiles {
  /** The least recently used first. */
  readonly #holders = new Set<Holder>();
  readonly #waiting: (() => void)[] = [];
  #most = USUALLY_OPEN;
  #reading = 0;

  /** An eighth of what the process may have. */
  fit(limit: number | undefined): void {
    if (limit !== undefined) this.#most = Math.max(4, Math.min(1024, Math.floor(limit / 8)));
  }

  /** Files that are kept open. */
  get size(): number {
    return this.#holders.size;
  }

  /** Whoever is about to open and read waits for what this answers, if anything, and calls `left` afterwards. */
  entered(): Promise<void> | undefined {
    if (this.#reading < READING) {
      this.#reading++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  left(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#reading--;
    else next();
  }

  /** It has a file open, and has just read from it; the one that has not for longest may have to close its own. */
  used(holder: Holder): void {
    this.#holders.delete(holder);
    this.#holders.add(holder);
    if (this.#holders.size <= this.#most) return;
    const [oldest] = this.#holders;
    if (oldest === undefined) return;
    this.#holders.delete(oldest);
    void oldest.release().catch(() => undefined); // closing a file that is gone: nothing to save
  }

  released(holder: Holder): void {
    this.#holders.delete(holder);
  }
}

/** Those of this process. */
export const openFiles = new OpenFiles();
