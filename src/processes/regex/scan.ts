// Which lines of a run of bytes match which expression: the work of the regex thread, as a plain function.
import { compile, type Regex } from "../../regex/engine.ts";
import { looksPastEnd, requiredTexts } from "../../regex/source.ts";
import { type Cut, OVERLAP_BYTES, PART_BYTES, WHOLE } from "./messages.ts";

const LF = 0x0a;
const CR = 0x0d;

interface Compiled {
  machine: RegExp;
  /** A line without one of these cannot match; null: nothing is known of it. */
  texts: readonly string[] | null;
  ignoreCase: boolean;
  /** A match at the end of a part of a line may be none in the whole line. */
  looksPastEnd: boolean;
}

/** Whole lines that matched, as pairs: the index of the first expression that does, and where the line begins. */
export type LineHits = number[];

export class RegexSet {
  readonly #all: readonly Compiled[];
  /** What at least one of must be there; null where lines have to be looked at one by one. */
  readonly #exact: readonly Buffer[] | null;
  readonly #folded: readonly string[];

  constructor(patterns: readonly Regex[]) {
    this.#all = patterns.map((pattern) => ({
      machine: compile(pattern),
      texts: searchable(pattern),
      ignoreCase: pattern.ignore_case === true,
      looksPastEnd: looksPastEnd(pattern.regex),
    }));
    const texts = (ignoreCase: boolean) =>
      this.#all.filter((one) => one.ignoreCase === ignoreCase).flatMap((one) => one.texts ?? []);
    this.#exact = this.#all.some((one) => one.texts === null) ? null : texts(false).map((text) => Buffer.from(text));
    this.#folded = texts(true);
  }

  /** The lines of `bytes` that match; the last one counts whether or not it has an end. `cut`: it is a part of one line. */
  scan(bytes: Buffer, cut: Cut = WHOLE): LineHits {
    const hits: LineHits = [];
    const candidate = this.#exact === null ? null : this.#finder(bytes, this.#exact);
    for (let at = 0; at < bytes.length; ) {
      if (candidate !== null) {
        const found = candidate(at);
        if (found < 0) break;
        const before = found === 0 ? -1 : Math.max(bytes.lastIndexOf(LF, found - 1), bytes.lastIndexOf(CR, found - 1));
        at = Math.max(at, before + 1);
      }
      const end = lineEnd(bytes, at);
      const pattern = this.#line(bytes.subarray(at, end), cut);
      if (pattern >= 0) hits.push(pattern, at);
      // A carriage return with its newline is one end, not an empty line.
      at = end + (bytes[end] === CR && bytes[end + 1] === LF ? 2 : 1);
    }
    return hits;
  }

  /** Index of the first expression that a line matches, by its parts if it is long; -1: none. */
  #line(line: Buffer, { continued, open }: Cut): number {
    for (let at = 0; ; at += PART_BYTES - OVERLAP_BYTES) {
      const isLast = line.length - at <= PART_BYTES;
      const part = line.toString("utf8", at, isLast ? line.length : at + PART_BYTES);
      const pattern = this.#match(part, { continued: continued || at > 0, open: open || !isLast });
      if (pattern >= 0 || isLast) return pattern;
    }
  }

  #match(part: string, { continued, open }: Cut): number {
    return this.#all.findIndex(({ machine, texts, ignoreCase, looksPastEnd }) => {
      if (texts !== null) {
        const within = ignoreCase ? part.toLowerCase() : part;
        if (!texts.some((text) => within.includes(text))) return false;
      }
      // The character before tells that no line begins here; what begins with it was in the part before.
      machine.lastIndex = continued ? 1 : 0;
      if (!machine.test(part)) return false;
      return !(open && looksPastEnd && machine.lastIndex === part.length);
    });
  }

  /** Where, from an offset on, the first text stands that a match needs; -1: nowhere. */
  #finder(bytes: Buffer, exact: readonly Buffer[]): (from: number) => number {
    // One byte is one character here, so that places in the text are places in the bytes.
    const folded = this.#folded.length === 0 ? "" : bytes.toString("latin1").toLowerCase();
    const searches = [
      ...exact.map((text) => (from: number) => bytes.indexOf(text, from)),
      ...this.#folded.map((text) => (from: number) => folded.indexOf(text, from)),
    ];
    const next = searches.map((search) => search(0));
    return (from) => {
      let first = -1;
      for (const [index, search] of searches.entries()) {
        let at = next[index] ?? -1;
        if (at >= 0 && at < from) {
          at = search(from);
          next[index] = at;
        }
        if (at >= 0 && (first < 0 || at < first)) first = at;
      }
      return first;
    };
  }
}

/** The texts to look for before the machine is asked, where bytes can be searched for them. */
function searchable(pattern: Regex): string[] | null {
  const texts = requiredTexts(pattern.regex);
  if (texts === null) return null;
  if (pattern.ignore_case !== true)
    return texts.every((text) => text.isWellFormed() && !text.includes("\ufffd")) ? texts : null;
  return texts.every((text) => /^[\x20-\x7e]*$/.test(text)) ? texts.map((text) => text.toLowerCase()) : null;
}

function lineEnd(bytes: Buffer, from: number): number {
  const feed = bytes.indexOf(LF, from);
  const limit = feed < 0 ? bytes.length : feed;
  const back = bytes.subarray(from, limit).indexOf(CR);
  return back < 0 ? limit : from + back;
}
