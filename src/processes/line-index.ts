// Line numbers in a stream that may be far larger than memory: newlines are counted once, with a bookmark every so often.

const LF = 0x0a;
const CHUNK_BYTES = 256 * 1024;
const MAX_BOOKMARKS = 1024;

/** The part of a spool that counting needs. */
export interface Readable {
  readonly length: number;
  readonly firstKept: number;
  read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }>;
}

interface Bookmark {
  offset: number;
  /** Newlines before `offset`, counted from `base`. */
  newlines: number;
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

/** Counts on demand, never twice; one count at a time. Memory: at most 1,024 bookmarks. */
export class LineIndex {
  readonly #spool: Readable;
  /** Line 1 begins here: 0 unless bytes were dropped before anyone had counted them. */
  #base = 0;
  #counted: Bookmark = { offset: 0, newlines: 0 };
  #endsLine = true;
  #bookmarks: Bookmark[] = [{ offset: 0, newlines: 0 }];
  #spacing = CHUNK_BYTES;
  #busy: Promise<void> = Promise.resolve();

  constructor(spool: Readable) {
    this.#spool = spool;
  }

  /** Where line 1 begins. */
  get base(): number {
    return this.#base;
  }

  /** Counts up to the present end. `lines` includes an unfinished last one; `end` is the offset counted to. */
  async total(): Promise<{ lines: number; end: number }> {
    const mine = this.#busy.then(() => this.#count(this.#spool.length));
    this.#busy = mine.catch(() => undefined);
    await mine;
    return { lines: this.#counted.newlines + (this.#endsLine ? 0 : 1), end: this.#counted.offset };
  }

  async #count(end: number): Promise<void> {
    while (this.#counted.offset < end) {
      if (this.#spool.firstKept > this.#counted.offset) this.#restart(this.#spool.firstKept);
      const from = this.#counted.offset;
      const { bytes } = await this.#spool.read(from, Math.min(CHUNK_BYTES, end - from));
      if (bytes.length === 0) return;
      this.#counted = { offset: from + bytes.length, newlines: this.#counted.newlines + countNewlines(bytes) };
      this.#endsLine = bytes[bytes.length - 1] === LF;
      this.#remember();
    }
  }

  #restart(offset: number): void {
    this.#base = offset;
    this.#counted = { offset, newlines: 0 };
    this.#endsLine = true;
    this.#bookmarks = [this.#counted];
    this.#spacing = CHUNK_BYTES;
  }

  #remember(): void {
    const last = this.#bookmarks.at(-1);
    if (last !== undefined && this.#counted.offset - last.offset < this.#spacing) return;
    this.#bookmarks.push(this.#counted);
    if (this.#bookmarks.length < MAX_BOOKMARKS) return;
    this.#bookmarks = this.#bookmarks.filter((_, index) => index % 2 === 0);
    this.#spacing *= 2;
  }

  /**
   * Offset at which the 1-based line `wanted` begins, or of the first kept whole line after it, with that line's number.
   * Call `total` first; null if there is no such line. Throws OffsetGone if bytes are dropped meanwhile.
   */
  async find(wanted: number): Promise<{ offset: number; line: number } | null> {
    const { firstKept } = this.#spool;
    if (wanted <= 1 && firstKept <= this.#base) return { offset: this.#base, line: 1 };
    const from = await this.#before(wanted, firstKept);
    // A known offset lies anywhere inside a line: the next newline is the first bound that can be trusted.
    const target = Math.max(wanted - 1, from.newlines + 1);
    let { offset, newlines } = from;
    while (offset < this.#counted.offset) {
      const { bytes } = await this.#spool.read(offset, Math.min(CHUNK_BYTES, this.#counted.offset - offset));
      if (bytes.length === 0) return null;
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1))
        if (++newlines === target) return { offset: offset + at + 1, line: target + 1 };
      offset += bytes.length;
    }
    return null;
  }

  /** A kept offset whose newline count is known and that lies before line `wanted`, if any is: else the first kept. */
  async #before(wanted: number, firstKept: number): Promise<Bookmark> {
    const mark = this.#bookmarks.findLast((known) => known.offset >= firstKept && known.newlines < wanted - 1);
    if (mark !== undefined) return mark;
    // Bookmarks before the first kept byte went with their bytes: count back from the first one that is left.
    const after = this.#bookmarks.find((known) => known.offset >= firstKept) ?? this.#counted;
    let newlines = after.newlines;
    let offset = firstKept;
    while (offset < after.offset) {
      const { bytes } = await this.#spool.read(offset, Math.min(CHUNK_BYTES, after.offset - offset));
      if (bytes.length === 0) break;
      newlines -= countNewlines(bytes);
      offset += bytes.length;
    }
    return { offset: firstKept, newlines };
  }
}
