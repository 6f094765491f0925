// Many readers, one disk: output is read by offset. What many follow at once is shared by those who send it, not here.
import { readSync } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { OffsetGone } from "./failures.ts";
import { openFiles } from "./open-files.ts";
import type { Spool } from "./types.ts";

const largestRead = 1024 * 1024;
/** Reads of at most so much, this near to the end, are done at once: see `readNow`. */
const smallRead = 256 * 1024;
const recent = 1024 * 1024;
const idleMs = 5_000;

/** Readers at different offsets need different segments: one that was replaced is closed by its last reader. */
interface OpenSegment {
  readonly start: number;
  readonly handle: FileHandle;
  readers: number;
}

interface Waiter {
  readonly after: number;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
}

export class SpoolReader implements Spool {
  readonly #dir: string;
  #length = 0;
  #firstKept = 0;
  #ended = false;
  /** First offsets of the segments, ascending, as last listed. */
  #segments: number[] = [];
  #open: OpenSegment | undefined;
  readonly #waiters = new Set<Waiter>();
  /** Whose abort is heard of: a viewer waits with one signal for each key, and to listen anew each time took 40 µs. */
  readonly #heeded = new WeakSet<AbortSignal>();
  #idle: NodeJS.Timeout | undefined;
  #used = false;

  constructor(dir: string) {
    this.#dir = dir;
  }

  get length(): number {
    return this.#length;
  }
  get firstKept(): number {
    return this.#firstKept;
  }
  get ended(): boolean {
    return this.#ended;
  }

  /** The keeper's news. Offsets only move forward, whatever order the news comes in. */
  heard(length: number, firstKept = 0): void {
    this.#firstKept = Math.max(this.#firstKept, firstKept);
    if (length <= this.#length) return;
    this.#length = length;
    this.#wake();
  }

  /** No byte will come after `length`. */
  finish(length: number): void {
    this.#ended = true;
    this.heard(length);
    this.#wake();
  }

  /** What is on disk, for a child whose keeper can no longer say. */
  async measure(): Promise<void> {
    await this.#list();
    const last = this.#segments.at(-1);
    this.#length = last === undefined ? 0 : last + (await stat(join(this.#dir, `spool.${last}`))).size;
    this.#wake();
  }

  async read(from: number, max: number, into?: Buffer): Promise<{ offset: number; bytes: Buffer }> {
    if (from < this.#firstKept) throw new OffsetGone(this.#firstKept);
    const count = Math.min(max, this.#length - from, into?.length ?? largestRead);
    if (count <= 0) return { offset: from, bytes: Buffer.alloc(0) };
    const target = into?.subarray(0, count) ?? Buffer.allocUnsafe(count);
    const read = this.readNow(from, target) || (await this.#readDisk(from, target));
    return { offset: from, bytes: target.subarray(0, read) };
  }

  /**
   * What the keeper wrote just now is in the page cache: reading a key's echo takes 5 µs and 256 KiB take 40, where the way
   * through the thread pool adds 100 µs and two changes of threads. Answers 0 where it is not that little, not that fresh, or
   * not in the open file.
   */
  readNow(from: number, into: Buffer): number {
    const segment = this.#open;
    const count = Math.min(into.length, this.#length - from);
    if (count <= 0 || count > smallRead || this.#length - from > recent || from < this.#firstKept) return 0;
    if (segment === undefined || segment.start > from) return 0;
    this.#keepWarm();
    openFiles.used(this);
    return readSync(segment.handle.fd, into, 0, count, from - segment.start);
  }

  grown(after: number, signal: AbortSignal): Promise<void> {
    if (this.#length > after || this.#ended || signal.aborted) return Promise.resolve();
    if (!this.#heeded.has(signal)) {
      this.#heeded.add(signal);
      signal.addEventListener("abort", () => this.#wake(), { once: true });
    }
    return new Promise((resolve) => this.#waiters.add({ after, signal, resolve }));
  }

  /** Gives back memory and the open file; reading again takes them again. */
  async release(): Promise<void> {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    openFiles.released(this);
    await this.#replaceOpen(undefined);
  }

  #wake(): void {
    // A set may lose what it is walked over.
    for (const waiter of this.#waiters) {
      if (this.#length <= waiter.after && !this.#ended && !waiter.signal.aborted) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #keepWarm(): void {
    this.#used = true;
    this.#idle ??= setInterval(() => {
      if (!this.#used) void this.release().catch(() => undefined); // closing a file that is gone: nothing to save
      this.#used = false;
    }, idleMs).unref();
  }

  /** Reads into `target` what one segment has of it; 0 only where the disk holds less than the keeper said. */
  async #readDisk(from: number, target: Buffer): Promise<number> {
    this.#keepWarm();
    const room = openFiles.entered();
    if (room !== undefined) await room;
    try {
      return await this.#readSegments(from, target);
    } finally {
      openFiles.left();
    }
  }

  async #readSegments(from: number, target: Buffer): Promise<number> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const segment = await this.#segmentAt(from, attempt > 0);
      if (segment === undefined) continue;
      try {
        const { bytesRead } = await segment.handle.read(target, 0, target.length, from - segment.start);
        if (bytesRead > 0) return bytesRead; // nothing: a newer segment begins here
      } finally {
        segment.readers--;
        await this.#closeIfUnused(segment);
      }
    }
    return 0;
  }

  /** The segment that holds `from`, counted as being read: whoever asked says when he is done. */
  async #segmentAt(from: number, listAgain: boolean): Promise<OpenSegment | undefined> {
    if (listAgain || this.#segments.length === 0) await this.#list();
    const start = this.#segments.findLast((first) => first <= from);
    if (start === undefined) throw new OffsetGone(this.#firstKept);
    let segment = this.#open;
    if (segment?.start !== start) {
      const handle = await openIfThere(join(this.#dir, `spool.${start}`));
      if (handle === undefined) return undefined; // dropped since the listing
      segment = { start, handle, readers: 1 };
      await this.#replaceOpen(segment);
      openFiles.used(this);
      this.#keepWarm(); // memory may have been given back while the file was being opened
      return segment;
    }
    segment.readers++;
    openFiles.used(this);
    return segment;
  }

  async #replaceOpen(segment: OpenSegment | undefined): Promise<void> {
    const before = this.#open;
    this.#open = segment;
    if (before !== undefined) await this.#closeIfUnused(before);
  }

  async #closeIfUnused(segment: OpenSegment): Promise<void> {
    if (segment !== this.#open && segment.readers === 0) await segment.handle.close();
  }

  async #list(): Promise<void> {
    const names = await readdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const starts = names.flatMap((name) => /^spool\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    this.#segments = starts.sort((a, b) => a - b);
    this.#firstKept = Math.max(this.#firstKept, this.#segments[0] ?? this.#length);
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
