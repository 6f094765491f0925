// Finds what a process is watched for in its output: texts at once, also in an unfinished line; regular expressions in whole
// lines. One match per line. What is looked at is what a person sees, unless a pattern itself names what nobody sees.

import type { WatchPattern } from "../protocol/watch-pattern.ts";
import type { Regex } from "../regex/engine.ts";
import { type Hit, LineScanner, type ScanState } from "./line-scanner.ts";
import { Places } from "./places.ts";
import { type Dropped, NotWatched, type OpenMatching } from "./regex/matcher.ts";
import { RegexLines } from "./regex-lines.ts";
import { type Run, Seen, settled } from "./seen.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const unseenText = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const unseenSource = /\\x(?:[01][\da-f]|7f)|\\u00(?:[01][\da-f]|7f)|\\c[a-z]|\\[0bfv]/i;

/** Does a pattern ask for escape sequences or the like? Then it gets the output as it is. */
export function isForRaw(pattern: WatchPattern): boolean {
  if (typeof pattern === "string") return unseenText.test(pattern);
  // `\b` is a word's bound; within a class it is a backspace, which nobody means.
  return unseenText.test(pattern.regex) || unseenSource.test(pattern.regex.replaceAll("\\b", ""));
}

export interface ScanOptions {
  /** An expression cannot be matched any more; all others go on. */
  onDropped?: (dropped: Dropped) => void;
  open?: OpenMatching | undefined;
}

export class OutputScanner implements Disposable {
  /** What is seen, then the bytes as they are: each with the patterns that want it so. */
  readonly #seen: Seen;
  readonly #lanes: readonly Lane[];
  #offset: number;
  #looked: number;
  /** Lines that have been told and may come again, because they had no end then. */
  #told = new Set<number>();

  constructor(patterns: readonly WatchPattern[], from: ScanState, options: ScanOptions = {}) {
    const numbered = patterns.map((pattern, index) => ({ pattern, index }));
    const seen = numbered.filter(({ pattern }) => !isForRaw(pattern));
    const raw = numbered.filter(({ pattern }) => isForRaw(pattern));
    this.#offset = from.offset;
    this.#looked = from.offset;
    this.#seen = new Seen(from.offset, from.skipLine);
    this.#lanes = [new Lane(seen, from, options), ...(raw.length === 0 ? [] : [new Lane(raw, from, options)])];
  }

  /** The offset of the next byte to be given. */
  get offset(): number {
    return this.#offset;
  }

  /** Up to here expressions have looked at what there was. */
  get looked(): number {
    return this.#looked;
  }

  /** From here a new scanner finds exactly what this one has not yet found. */
  get state(): ScanState {
    const [seen, raw] = this.#lanes;
    const line = seen?.literals.line ?? this.#offset;
    const isTold = seen?.literals.skipLine === true || (raw?.literals.skipLine === true && raw.literals.line === line);
    if (!isTold) return { offset: line, skipLine: false };
    const { moved } = this.#seen;
    return moved >= 0 ? { offset: moved, skipLine: false } : { offset: this.#seen.resume, skipLine: true };
  }

  /** Bytes are missing: goes on at `offset` as if a line began there. */
  jump(offset: number): void {
    this.#offset = offset;
    this.#seen.jump(offset);
    for (const lane of this.#lanes) lane.jump(offset);
    this.#told.clear();
  }

  /** What the bytes from `offset` on add. */
  async push(chunk: Buffer): Promise<Hit[]> {
    const places = Places.from(this.#offset);
    this.#offset += chunk.length;
    const [seen, raw] = this.#lanes;
    const asIs: Run[] = [{ erase: 0, bytes: chunk, places }];
    // First the one whose runs are good for a moment only.
    const hits = [seen?.texts(this.#seen.push(chunk)) ?? [], raw?.texts(asIs) ?? []].flat();
    if (raw !== undefined) hits.sort((a, b) => a.offset - b.offset);
    if (this.#lanes.every((lane) => lane.regexes === null)) return raw === undefined ? hits : this.#once(hits);
    const later = [await seen?.expressions(), await raw?.expressions()];
    this.#looked = this.#offset;
    return this.#once([...hits, ...later.flatMap((found) => found ?? [])]);
  }

  /** What the last line adds, which has no end: call it when no more bytes come. */
  async end(): Promise<Hit[]> {
    const found: Hit[] = [];
    for (const lane of this.#lanes) found.push(...(await lane.end()));
    return this.#once(found);
  }

  /** Each line once, by the first that has it. */
  #once(hits: readonly Hit[]): Hit[] {
    const fresh: Hit[] = [];
    for (const hit of hits) {
      if (this.#told.has(hit.line)) continue;
      this.#told.add(hit.line);
      fresh.push(hit);
    }
    const unfinished = Math.min(...this.#lanes.map((lane) => lane.line));
    if (this.#told.size > 0) this.#told = new Set([...this.#told].filter((line) => line >= unfinished));
    return fresh.sort((a, b) => a.line - b.line);
  }

  /** Looks for texts alone from now on; whoever waits for the expressions gets what there is. */
  withoutExpressions(): void {
    for (const lane of this.#lanes) lane.withoutExpressions();
  }

  /** Whoever waits for expressions is answered with NotWatched. */
  [Symbol.dispose](): void {
    for (const lane of this.#lanes) lane[Symbol.dispose]();
  }
}

/** Some of the patterns, and the text that they are looked for in. */
class Lane implements Disposable {
  readonly literals: LineScanner;
  regexes: RegexLines | null;
  /** Indexes of the texts and of the expressions among all patterns. */
  readonly #literalAt: number[] = [];
  readonly #regexAt: number[] = [];
  #expressions: Promise<Hit[]> | null = null;

  constructor(
    patterns: readonly { pattern: WatchPattern; index: number }[],
    from: ScanState,
    { onDropped = () => undefined, open }: ScanOptions,
  ) {
    const literals: string[] = [];
    const regexes: Regex[] = [];
    for (const { pattern, index } of patterns) {
      (typeof pattern === "string" ? this.#literalAt : this.#regexAt).push(index);
      if (typeof pattern === "string") literals.push(pattern);
      else regexes.push(pattern);
    }
    this.literals = new LineScanner(literals, from);
    this.regexes = regexes.length === 0 ? null : new RegexLines(regexes, from, { onDropped, open });
  }

  /** Where the line begins that is not whole yet. */
  get line(): number {
    return this.regexes?.line ?? this.literals.line;
  }

  jump(offset: number): void {
    this.literals.jump(offset);
    this.regexes?.jump(offset);
  }

  /** What the texts find; the expressions begin to look at the same. */
  texts(runs: readonly Run[]): Hit[] {
    const hits = runs.flatMap((run) => this.literals.push(run));
    for (const hit of hits) hit.pattern = this.#literalAt[hit.pattern] ?? 0;
    this.#expressions = this.regexes === null ? null : this.regexes.push(settled(runs));
    // Whoever asks for it hears of a failure.
    this.#expressions?.catch(() => undefined);
    return hits;
  }

  expressions(): Promise<Hit[]> {
    return this.#unlessWithout(this.#expressions);
  }

  end(): Promise<Hit[]> {
    return this.#unlessWithout(this.regexes?.end() ?? null);
  }

  withoutExpressions(): void {
    const { regexes } = this;
    this.regexes = null;
    regexes?.[Symbol.dispose]();
  }

  async #unlessWithout(expressions: Promise<Hit[]> | null): Promise<Hit[]> {
    try {
      return this.#numbered((await expressions) ?? []);
    } catch (error) {
      if (error instanceof NotWatched && this.regexes === null) return [];
      throw error;
    }
  }

  #numbered(hits: Hit[]): Hit[] {
    for (const hit of hits) hit.pattern = this.#regexAt[hit.pattern] ?? 0;
    return hits;
  }

  [Symbol.dispose](): void {
    this.regexes?.[Symbol.dispose]();
  }
}
