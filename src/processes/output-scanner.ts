// Finds what a process is watched for in its output: literals at once, also in an unfinished line; regular expressions in
// whole lines. One match per line.

import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { firstLineEnd, type Hit, LineScanner, lastLineEnd, type ScanState } from "./line-scanner.ts";
import { MAX_LINE_BYTES, type Regex } from "./regex/engine.ts";
import { type Matching, openMatching } from "./regex/matcher.ts";

const CR = 0x0d;
const LF = 0x0a;

export class OutputScanner implements Disposable {
  readonly #literals: LineScanner;
  readonly #regexes: RegexLines | null;
  /** Indexes of the literals and of the expressions among all patterns. */
  readonly #literalAt: number[] = [];
  readonly #regexAt: number[] = [];
  /** Lines that have been told and may come again, because they had no end then. */
  #told = new Set<number>();

  constructor(patterns: readonly WatchPattern[], from: ScanState) {
    const literals: string[] = [];
    const regexes: Regex[] = [];
    for (const [index, pattern] of patterns.entries()) {
      (typeof pattern === "string" ? this.#literalAt : this.#regexAt).push(index);
      if (typeof pattern === "string") literals.push(pattern);
      else regexes.push(pattern);
    }
    this.#literals = new LineScanner(literals, from);
    this.#regexes = regexes.length === 0 ? null : new RegexLines(regexes, from);
  }

  /** The offset of the next byte to be given. */
  get offset(): number {
    return this.#literals.offset;
  }
  /** From here a new scanner finds exactly what this one has not yet found. */
  get state(): ScanState {
    return this.#literals.state;
  }
  /** Bytes are missing: goes on at `offset` as if a line began there. */
  jump(offset: number): void {
    this.#literals.jump(offset);
    this.#regexes?.jump(offset);
    this.#told.clear();
  }

  /** What the bytes from `offset` on add. */
  async push(chunk: Buffer): Promise<Hit[]> {
    const found = this.#literals.push(chunk);
    for (const hit of found) hit.pattern = this.#literalAt[hit.pattern] ?? 0;
    if (this.#regexes === null) return found;
    return this.#with(found, await this.#regexes.push(chunk), this.#regexes.line);
  }

  /** What the last line adds, which has no end: call it when no more bytes come. */
  async end(): Promise<Hit[]> {
    return this.#regexes === null ? [] : this.#with([], await this.#regexes.end(), Number.POSITIVE_INFINITY);
  }

  #with(literal: Hit[], regex: readonly Hit[], unfinished: number): Hit[] {
    for (const { line } of literal) this.#told.add(line);
    const more = regex
      .filter(({ line }) => !this.#told.has(line))
      .map((hit) => ({ ...hit, pattern: this.#regexAt[hit.pattern] ?? 0 }));
    if (this.#told.size > 0) this.#told = new Set([...this.#told].filter((line) => line >= unfinished));
    return more.length === 0 ? literal : [...literal, ...more].sort((a, b) => a.line - b.line);
  }

  [Symbol.dispose](): void {
    this.#regexes?.[Symbol.dispose]();
  }
}

/** Cuts a stream into whole lines and has them matched. Holds one line's beginning at most. */
class RegexLines implements Disposable {
  readonly #matching: Matching;
  /** The beginning of the unfinished line, and where that is. */
  #carry: Buffer = Buffer.alloc(0);
  #line: number;
  #offset: number;
  /** The line that `from` lies in has been told. */
  #skip: boolean;
  #afterReturn = false;

  constructor(patterns: readonly Regex[], from: ScanState) {
    this.#matching = openMatching(patterns);
    this.#line = from.offset;
    this.#offset = from.offset;
    this.#skip = from.skipLine;
  }

  get line(): number {
    return this.#line;
  }

  jump(offset: number): void {
    this.#carry = Buffer.alloc(0);
    this.#line = offset;
    this.#offset = offset;
    this.#skip = false;
    this.#afterReturn = false;
  }

  async push(chunk: Buffer): Promise<Hit[]> {
    let from = 0;
    if (this.#afterReturn && chunk[0] === LF) {
      from = 1;
      this.#line = this.#offset + 1;
    }
    if (chunk.length > 0) this.#afterReturn = chunk.at(-1) === CR;
    const base = this.#offset;
    this.#offset += chunk.length;
    const last = lastLineEnd(chunk, chunk.length - 1);
    if (last < from) {
      this.#keep(chunk.subarray(from));
      return [];
    }
    const first = firstLineEnd(chunk, from);
    this.#keep(chunk.subarray(from, first));
    const hits = await this.#whole();
    const next = first + (chunk[first] === CR && chunk[first + 1] === LF ? 2 : 1);
    if (next <= last) {
      const found = await this.#matching.scan(Uint8Array.from(chunk.subarray(next, last + 1)));
      for (let at = 0; at < found.length; at += 2) {
        const line = base + next + (found[at + 1] ?? 0);
        hits.push({ pattern: found[at] ?? 0, offset: line, line });
      }
    }
    this.#line = base + Math.max(next, last + 1);
    this.#keep(chunk.subarray(Math.max(next, last + 1)));
    return hits;
  }

  /** What is there of a line that has no end and gets none. */
  async end(): Promise<Hit[]> {
    return this.#carry.length === 0 ? [] : this.#whole();
  }

  /** The line that is held, as if it ended here. */
  async #whole(): Promise<Hit[]> {
    const [bytes, skip, line] = [this.#carry, this.#skip, this.#line];
    this.#carry = Buffer.alloc(0);
    this.#skip = false;
    if (skip) return [];
    // An empty line has nothing to send, and can match: one byte stands for it.
    const found = await this.#matching.scan(bytes.length === 0 ? Uint8Array.of(LF) : Uint8Array.from(bytes));
    return found.length === 0 ? [] : [{ pattern: found[0] ?? 0, offset: line, line }];
  }

  #keep(bytes: Buffer): void {
    const room = MAX_LINE_BYTES - this.#carry.length;
    if (room > 0 && bytes.length > 0) this.#carry = Buffer.concat([this.#carry, bytes.subarray(0, room)]);
  }

  [Symbol.dispose](): void {
    this.#matching[Symbol.dispose]();
  }
}
