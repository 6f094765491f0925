// Many readers, one disk: output is read by offset, and its recent end is kept in memory once for all who follow it.
import { addAbortListener } from "node:events";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { OffsetGone } from "./failures.ts";
import type { Spool } from "./types.ts";

const blockSize = 64 * 1024;
const cachedBlocks = 4;
/** Who reads further back than this reads for himself: the cache is for those who follow the end. */
const recent = blockSize * cachedBlocks;
const largestRead = 1024 * 1024;
const idleMs = 5_000;

/** A stretch of the spool in memory. It only ever grows, so what was handed out never changes under its reader. */
interface Block {
  readonly start: number;
  readonly bytes: Buffer;
  filled: number;
  filling: Promise<void> | undefined;
}

/** Readers at different offsets need different segments: one that was replaced is closed by its last reader. */
interface OpenSegment {
  readonly start: number;
  readonly handle: FileHandle;
  readers: number;
}

export class SpoolReader implements Spool {
  readonly #dir: string;
  #length = 0;
  #firstKept = 0;
  #ended = false;
  /** First offsets of the segments, ascending, as last listed. */
  #segments: number[] = [];
  #open: OpenSegment | undefined;
  #blocks = new Map<number, Block>();
  #waiters = new Set<{ after: number; wake: () => void }>();
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

  async read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }> {
    if (from < this.#firstKept) throw new OffsetGone(this.#firstKept);
    const count = Math.min(max, this.#length - from, largestRead);
    if (count <= 0) return { offset: from, bytes: Buffer.alloc(0) };
    this.#keepWarm();
    const start = from - (from % blockSize);
    const aside = this.#length - from > recent || start < this.#firstKept;
    const bytes = await (aside
      ? this.#readAside(from, count)
      : this.#readShared(start, from, Math.min(count, start + blockSize - from)).catch((error: unknown) => {
          // With a small quota the block's beginning may be dropped while `from` is still there.
          if (error instanceof OffsetGone && from >= this.#firstKept) return this.#readAside(from, count);
          throw error;
        }));
    return { offset: from, bytes };
  }

  grown(after: number, signal: AbortSignal): Promise<void> {
    if (this.#length > after || this.#ended || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const aborting = addAbortListener(signal, () => waiter.wake());
      const waiter = {
        after,
        wake: () => {
          aborting[Symbol.dispose]();
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Gives back memory and the open file; reading again takes them again. */
  async release(): Promise<void> {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#blocks.clear();
    await this.#replaceOpen(undefined);
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) if (this.#ended || this.#length > waiter.after) waiter.wake();
  }

  #keepWarm(): void {
    this.#used = true;
    this.#idle ??= setInterval(() => {
      if (!this.#used) void this.release().catch(() => undefined); // closing a file that is gone: nothing to save
      this.#used = false;
    }, idleMs).unref();
  }

  async #readShared(start: number, from: number, count: number): Promise<Buffer> {
    const block = this.#block(start);
    const wanted = from + count - start;
    while (block.filled < wanted) {
      block.filling ??= this.#fill(block).finally(() => {
        block.filling = undefined;
      });
      const before = block.filled;
      await block.filling;
      if (block.filled === before) break;
    }
    return block.bytes.subarray(from - start, Math.min(wanted, Math.max(block.filled, from - start)));
  }

  #block(start: number): Block {
    const block = this.#blocks.get(start) ?? {
      start,
      bytes: Buffer.allocUnsafeSlow(blockSize),
      filled: 0,
      filling: undefined,
    };
    this.#blocks.delete(start); // the one used last stands last
    this.#blocks.set(start, block);
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= cachedBlocks) break;
      this.#blocks.delete(oldest);
    }
    return block;
  }

  async #fill(block: Block): Promise<void> {
    const end = Math.min(blockSize, this.#length - block.start);
    block.filled += await this.#readDisk(block.start + block.filled, block.bytes.subarray(block.filled, end));
  }

  async #readAside(from: number, count: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(count);
    return bytes.subarray(0, await this.#readDisk(from, bytes));
  }

  /** Reads into `target` what one segment has of it; 0 only where the disk holds less than the keeper said. */
  async #readDisk(from: number, target: Buffer): Promise<number> {
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
      this.#keepWarm(); // memory may have been given back while the file was being opened
      return segment;
    }
    segment.readers++;
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
