// Cuts what is seen of an output into whole lines and has them matched with regular expressions. A long line is matched in
// parts, so that no more than one of them is held.

import type { Regex } from "../regex/engine.ts";
import { firstLineEnd, type Hit, lastLineEnd, type ScanState } from "./line-scanner.ts";
import type { Places } from "./places.ts";
import { type Dropped, type Matching, type OpenMatching, openMatching } from "./regex/matcher.ts";
import { type Cut, OVERLAP_BYTES, PART_BYTES, WHOLE } from "./regex/messages.ts";
import { type Run, takenBack } from "./seen.ts";

const CR = 0x0d;
const LF = 0x0a;

/** Whole lines, or a part of one. */
interface Work {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where its first line begins, and where its bytes stand; null: there is only this line. */
  line: number;
  places: Places | null;
  cut: Cut;
}

export class RegexLines implements Disposable {
  readonly #matching: Matching;
  /** What is held of the unfinished line, where that line begins, and whether this is not its beginning. */
  #carry: Buffer = Buffer.alloc(0);
  #line: number;
  #continued = false;
  /** The unfinished line has been told. */
  #skip: boolean;
  #afterReturn = false;

  constructor(
    patterns: readonly Regex[],
    from: ScanState,
    o: { onDropped: (dropped: Dropped) => void; open?: OpenMatching | undefined },
  ) {
    this.#matching = (o.open ?? openMatching)(patterns, o.onDropped);
    this.#line = from.offset;
    this.#skip = from.skipLine;
  }

  /** Where the line begins that has no end yet. */
  get line(): number {
    return this.#line;
  }

  jump(offset: number): void {
    this.#next(offset);
    this.#afterReturn = false;
  }

  async push({ erase, bytes, places }: Run): Promise<Hit[]> {
    this.#carry = this.#carry.subarray(0, takenBack(this.#carry, this.#carry.length, erase).end);
    let from = 0;
    if (this.#afterReturn && bytes[0] === LF) {
      from = 1;
      this.#line = places.of(0) + 1;
    }
    if (bytes.length > 0) this.#afterReturn = bytes.at(-1) === CR;
    const last = lastLineEnd(bytes, bytes.length - 1);
    // All of it is put aside at once: what we were given is not ours any more when we have waited.
    const work: Work[] = [];
    if (last < from) {
      this.#hold(bytes.subarray(from), work);
      return await this.#matches(work);
    }
    const first = firstLineEnd(bytes, from);
    this.#hold(bytes.subarray(from, first), work);
    this.#whole(work);
    const next = first + (bytes[first] === CR && bytes[first + 1] === LF ? 2 : 1);
    if (next <= last) {
      const lines = new Uint8Array(bytes.subarray(next, last + 1));
      work.push({ bytes: lines, line: places.of(next - 1) + 1, places: places.after(next), cut: WHOLE });
    }
    const rest = Math.max(next, last + 1);
    this.#next(places.of(rest - 1) + 1);
    this.#hold(bytes.subarray(rest), work);
    return await this.#matches(work);
  }

  /** What is there of a line that has no end and gets none. */
  async end(): Promise<Hit[]> {
    const work: Work[] = [];
    if (this.#carry.length > 0) this.#whole(work);
    return await this.#matches(work);
  }

  /** Adds to the unfinished line; what is too much to be held is a part of it that can be looked at. */
  #hold(bytes: Buffer, work: Work[]): void {
    if (this.#skip) return;
    let from = 0;
    while (this.#carry.length + bytes.length - from > PART_BYTES) {
      const room = PART_BYTES - this.#carry.length;
      const part = Buffer.concat([this.#carry, bytes.subarray(from, from + room)]);
      this.#part(part, true, work);
      this.#continued = true;
      this.#carry = part.subarray(PART_BYTES - OVERLAP_BYTES);
      from += room;
    }
    this.#carry = Buffer.concat([this.#carry, bytes.subarray(from)]);
  }

  /** The line that is held, as if it ended here. */
  #whole(work: Work[]): void {
    // An empty line has nothing to send, and can match: one byte stands for it.
    if (!this.#skip) this.#part(this.#carry.length === 0 ? Buffer.of(LF) : this.#carry, false, work);
    this.#next(this.#line);
  }

  #part(bytes: Buffer, open: boolean, work: Work[]): void {
    const cut = { continued: this.#continued, open };
    work.push({ bytes: new Uint8Array(bytes), line: this.#line, places: null, cut });
  }

  #next(line: number): void {
    this.#carry = Buffer.alloc(0);
    this.#line = line;
    this.#skip = false;
    this.#continued = false;
  }

  async #matches(work: readonly Work[]): Promise<Hit[]> {
    const hits: Hit[] = [];
    for (const { bytes, line, places, cut } of work) {
      if (places === null && hits.at(-1)?.line === line) continue;
      const found = await this.#matching.scan(bytes, cut);
      for (let at = 0; at < found.length; at += 2) {
        const start = found[at + 1] ?? 0;
        const begins = places === null || start === 0 ? line : places.of(start - 1) + 1;
        hits.push({ pattern: found[at] ?? 0, offset: begins, line: begins });
      }
      if (places === null && found.length > 0 && line === this.#line) {
        this.#skip = true;
        this.#carry = Buffer.alloc(0);
      }
    }
    return hits;
  }

  [Symbol.dispose](): void {
    this.#matching[Symbol.dispose]();
  }
}
