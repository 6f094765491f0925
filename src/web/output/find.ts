// Finds words in lines of output.
import type { FoundLink } from "./links.ts";
import type { Block, Line } from "./output-log.ts";

export interface Match {
  /** Key of the line. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}
/** More are neither counted nor marked. */
export const MOST_MATCHES = 5_000;

/** One search: what it found in a block is remembered, so that growing output costs only what is new. */
export class Finder {
  readonly #pattern: RegExp | null;
  readonly #known = new WeakMap<Block, readonly Match[]>();

  /** The words are taken as they are, never as a pattern. */
  constructor(words: string, exact: boolean) {
    this.#pattern = words === "" ? null : new RegExp(words.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), exact ? "g" : "gi");
  }

  /** In reading order. The same array for the same block. */
  in(block: Block): readonly Match[] {
    if (this.#pattern === null) return none;
    const known = this.#known.get(block);
    if (known !== undefined) return known;
    const found: Match[] = [];
    for (const line of block.lines) {
      for (const match of line.text.matchAll(this.#pattern)) {
        if (found.length < MOST_MATCHES)
          found.push({ line: line.key, start: match.index, end: match.index + match[0].length });
      }
    }
    const result = found.length === 0 ? none : found;
    this.#known.set(block, result);
    return result;
  }

  all(blocks: readonly Block[]): Match[] {
    const found: Match[] = [];
    for (const block of blocks) {
      if (found.length >= MOST_MATCHES) break;
      found.push(...this.in(block).slice(0, MOST_MATCHES - found.length));
    }
    return found;
  }
}
const none: readonly Match[] = [];

export interface Part {
  readonly text: string;
  readonly style: Line["runs"][number]["style"];
  readonly match: Match | null;
  readonly link: FoundLink | null;
}

/** The line in parts, each with one style, in one match or none, in one link or none. `matches` are this line's. */
export function partsOf(line: Line, matches: readonly Match[], links: readonly FoundLink[] = []): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const { text, style } of line.runs) {
    let from = 0;
    while (from < text.length) {
      const here = at + from;
      const match = spanAt(matches, here);
      const link = spanAt(links, here);
      const next = Math.min(match.next, link.next);
      const to = Math.min(text.length, next - at);
      parts.push({ text: text.slice(from, to), style, match: match.is, link: link.is });
      from = to;
    }
    at += text.length;
  }
  return parts;
}

/** The span that holds a place, if any, and where that changes. */
function spanAt<S extends { start: number; end: number }>(
  spans: readonly S[],
  at: number,
): { is: S | null; next: number } {
  const is = spans.find((one) => one.start <= at && at < one.end) ?? null;
  return { is, next: is?.end ?? spans.find((one) => one.start > at)?.start ?? Number.POSITIVE_INFINITY };
}
