// Finds literals in what is seen of a stream of bytes, line by line. Bytes, not text: decoding alone would cost more than the
// search.
// Each pattern is searched by itself over a whole chunk (measured: twice the speed of one automaton for all of them), and
// line bounds are looked for only where something hit.

import { Places } from "./places.ts";
import { type Run, takenBack } from "./seen.ts";

const LF = 0x0a;
const CR = 0x0d;
/** A run is looked through before it is searched. */
const SHORT = 32;

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

/** Characters at the end of a line that can be taken back and still be looked past. */
const REACH = 1024;

/** One match per line. A literal that straddles two runs is found; memory is one pattern's length and 1 KiB. */
export class LineScanner {
  readonly #patterns: readonly Buffer[];
  readonly #longest: number;
  /** The last bytes of all patterns: a short stretch without them ends no match. */
  readonly #last = new Set<number>();
  /** The end of the unfinished line, and where it stands. */
  #carry: Buffer = Buffer.alloc(0);
  #places: Places = Places.from(0);
  #line: number;
  #skipLine: boolean;

  constructor(patterns: readonly string[], from: ScanState) {
    this.#patterns = patterns.map((pattern) => Buffer.from(pattern));
    this.#longest = Math.max(1, ...this.#patterns.map((pattern) => pattern.length));
    for (const pattern of this.#patterns) this.#last.add(pattern.at(-1) ?? 0);
    this.#line = from.offset;
    this.#skipLine = from.skipLine;
  }

  /** Where the line begins that has no end yet. */
  get line(): number {
    return this.#line;
  }
  /** That line has been told. */
  get skipLine(): boolean {
    return this.#skipLine;
  }

  /** Bytes are missing in the stream: goes on at `offset` as if a line began there. */
  jump(offset: number): void {
    this.#carry = Buffer.alloc(0);
    this.#line = offset;
    this.#skipLine = false;
  }

  /** The hits that end in `run`. What is taken back afterwards was there, and counts. */
  push({ erase, bytes, places }: Run): Hit[] {
    const hits: Hit[] = [];
    let window: Window = { bytes, places, carried: 0, before: places };
    let from = 0;
    if (this.#skipLine) {
      const end = firstLineEnd(bytes, 0);
      if (end < 0) return hits;
      this.#skipLine = false;
      from = end + 1;
      this.#line = places.of(end) + 1;
    } else {
      if (erase > 0) this.#carry = this.#carry.subarray(0, takenBack(this.#carry, this.#carry.length, erase).end);
      window = this.#joined(bytes, places);
    }
    const seam = Math.max(from, window.carried - this.#longest + 1);
    if (bytes.length > SHORT || bytes.some((byte) => this.#last.has(byte))) this.#search(window, from, seam, hits);
    const end = lastLineEnd(window.bytes, window.bytes.length - 1);
    if (end >= from) this.#line = placeOf(window, end) + 1;
    this.#keep(window, Math.max(from, end + 1));
    return hits;
  }

  #joined(bytes: Buffer, places: Places): Window {
    const carried = this.#carry.length;
    if (carried === 0) return { bytes, places, carried, before: places };
    if (joint.length < carried + bytes.length) joint = Buffer.allocUnsafeSlow(carried + bytes.length);
    this.#carry.copy(joint);
    bytes.copy(joint, carried);
    return { bytes: joint.subarray(0, carried + bytes.length), places, carried, before: this.#places };
  }

  #keep({ bytes, places, carried, before }: Window, lineStart: number): void {
    const first = Math.max(lineStart, bytes.length - this.#longest - REACH);
    const isNeeded = !this.#skipLine && this.#patterns.length > 0;
    this.#carry = !isNeeded ? Buffer.alloc(0) : Buffer.from(bytes.subarray(first));
    if (this.#carry.length === 0) return;
    this.#places =
      first >= carried
        ? places.after(first - carried)
        : Places.joined([
            { places: before.after(first), length: carried - first },
            { places, length: bytes.length - carried },
          ]);
  }

  /** Looks at no byte twice for the same thing: every line may hit, and then what is looked for again costs its square. */
  #search(window: Window, start: number, seam: number, hits: Hit[]): void {
    const { bytes } = window;
    let from = start;
    const ends = new LineEnds(bytes);
    const next = this.#patterns.map((pattern) => bytes.indexOf(pattern, seam));
    while (true) {
      let first = -1;
      for (let i = 0; i < next.length; i++) {
        const at = next[i] ?? -1;
        if (at >= 0 && (first < 0 || at < (next[first] ?? 0))) first = i;
      }
      if (first < 0) return;
      const at = next[first] ?? 0;
      const before = lastLineEnd(bytes.subarray(from, at), at - from - 1);
      const end = before >= 0 ? from + before : from - 1;
      hits.push({
        pattern: first,
        offset: placeOf(window, at),
        line: end < start ? this.#line : placeOf(window, end) + 1,
      });
      const lineEnd = ends.after(at);
      if (lineEnd < 0) {
        this.#skipLine = true;
        return;
      }
      from = lineEnd + 1;
      for (let i = 0; i < next.length; i++) {
        const pattern = this.#patterns[i];
        if (pattern !== undefined && (next[i] ?? -1) >= 0 && (next[i] ?? 0) < from)
          next[i] = bytes.indexOf(pattern, from);
      }
    }
  }
}

/** What is looked at: the end of a line that came before, and a run. */
interface Window {
  bytes: Buffer;
  places: Places;
  /** So many bytes of it came before, and stand at `before`. */
  carried: number;
  before: Places;
}

/** One for all: nobody waits while it is in use. */
let joint = Buffer.alloc(0);

const placeOf = ({ places, carried, before }: Window, index: number): number =>
  index < carried ? before.of(index) : places.of(index - carried);

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
