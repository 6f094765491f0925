// Finds literals in a stream of bytes, line by line. Bytes, not text: decoding alone would cost more than the search.
// Each pattern is searched by itself over a whole chunk (measured: twice the speed of one automaton for all of them), and
// line bounds are looked for only where something hit.

const LF = 0x0a;
const CR = 0x0d;

export interface Hit {
  /** Index of the pattern that hits first in its line. */
  pattern: number;
  /** Where the hit begins, and where its line does, as offsets in the stream. */
  offset: number;
  line: number;
}

/** Where a scan can go on: at `offset`, inside a line that has been told already if `skipLine`. */
export interface ScanState {
  offset: number;
  skipLine: boolean;
}

/** -1: there is none. */
export function firstLineEnd(bytes: Buffer, from: number): number {
  const feed = bytes.indexOf(LF, from);
  // A progress bar repaints its line by a carriage return alone; each repaint counts as a line.
  const back = (feed < 0 ? bytes : bytes.subarray(0, feed)).indexOf(CR, from);
  return back < 0 ? feed : back;
}

/** -1: there is none. */
export function lastLineEnd(bytes: Buffer, before: number): number {
  if (before < 0) return -1;
  const feed = bytes.lastIndexOf(LF, before);
  const back = bytes.subarray(feed + 1, before + 1).lastIndexOf(CR);
  return back < 0 ? feed : feed + 1 + back;
}

/** One match per line. A literal that straddles two chunks is found; memory is one pattern's length. */
export class LineScanner {
  readonly #patterns: readonly Buffer[];
  readonly #longest: number;
  #carry: Buffer = Buffer.alloc(0);
  #offset: number;
  #line: number;
  #skipLine: boolean;

  constructor(patterns: readonly string[], from: ScanState) {
    this.#patterns = patterns.map((pattern) => Buffer.from(pattern));
    this.#longest = Math.max(0, ...this.#patterns.map((pattern) => pattern.length));
    this.#offset = from.offset;
    this.#line = from.offset;
    this.#skipLine = from.skipLine;
  }

  /** The offset of the next byte to be given. */
  get offset(): number {
    return this.#offset;
  }

  /** From here a new scanner finds exactly what this one has not yet found. */
  get state(): ScanState {
    return this.#skipLine ? { offset: this.#offset, skipLine: true } : { offset: this.#line, skipLine: false };
  }

  /** Bytes are missing in the stream: goes on at `offset` as if a line began there. */
  jump(offset: number): void {
    this.#carry = Buffer.alloc(0);
    this.#offset = offset;
    this.#line = offset;
    this.#skipLine = false;
  }

  /** The hits that end in `chunk`, which begins at `offset`. */
  push(chunk: Buffer): Hit[] {
    const window = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const base = this.#offset - this.#carry.length;
    const hits: Hit[] = [];
    let from = 0;
    if (this.#skipLine) {
      const end = firstLineEnd(window, 0);
      if (end < 0) {
        this.#offset += chunk.length;
        return hits;
      }
      this.#skipLine = false;
      from = end + 1;
      this.#line = base + from;
    }
    this.#search(window, base, from, hits);
    this.#offset += chunk.length;
    const end = lastLineEnd(window, window.length - 1);
    if (end >= 0 && base + end + 1 > this.#line) this.#line = base + end + 1;
    const keep = this.#skipLine ? 0 : Math.min(this.#longest - 1, this.#offset - this.#line, window.length);
    this.#carry = keep <= 0 ? Buffer.alloc(0) : Buffer.from(window.subarray(window.length - keep));
    return hits;
  }

  /** Looks at no byte twice for the same thing: every line may hit, and then what is looked for again costs its square. */
  #search(window: Buffer, base: number, start: number, hits: Hit[]): void {
    let from = start;
    const ends = new LineEnds(window);
    const next = this.#patterns.map((pattern) => window.indexOf(pattern, from));
    while (true) {
      let first = -1;
      for (let i = 0; i < next.length; i++) {
        const at = next[i] ?? -1;
        if (at >= 0 && (first < 0 || at < (next[first] ?? 0))) first = i;
      }
      if (first < 0) return;
      const at = next[first] ?? 0;
      const before = lastLineEnd(window.subarray(from, at), at - from - 1);
      hits.push({
        pattern: first,
        offset: base + at,
        line: before >= 0 ? base + from + before + 1 : from === 0 ? this.#line : base + from,
      });
      const end = ends.after(at);
      if (end < 0) {
        this.#skipLine = true;
        return;
      }
      from = end + 1;
      for (let i = 0; i < next.length; i++) {
        const pattern = this.#patterns[i];
        if (pattern !== undefined && (next[i] ?? -1) >= 0 && (next[i] ?? 0) < from)
          next[i] = window.indexOf(pattern, from);
      }
    }
  }
}

/** The line ends of one window, asked for in ascending order. */
class LineEnds {
  readonly #window: Buffer;
  /** Where the next of each is; -1: none is left. */
  #feed = -2;
  #back = -2;
  constructor(window: Buffer) {
    this.#window = window;
  }

  /** -1: there is none. */
  after(at: number): number {
    if (this.#feed !== -1 && this.#feed < at) this.#feed = this.#window.indexOf(LF, at);
    if (this.#back !== -1 && this.#back < at) this.#back = this.#window.indexOf(CR, at);
    return this.#feed < 0 || (this.#back >= 0 && this.#back < this.#feed) ? this.#back : this.#feed;
  }
}
