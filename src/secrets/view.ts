// A text as secrets are looked for in it: without the line breaks, blanks and colours that something has put into the middle of
// them, and able to say where each character came from.

/** One way to read a text. Indices are those of `text`; `startOf` and `endOf` lead back to the original. */
export interface View {
  readonly text: string;
  /** Where the character at `index` begins in the original. */
  startOf(index: number): number;
  /** Where it ends there. */
  endOf(index: number): number;
  /** The first index at or after `index` before which a line break was left out; `text.length` if there is none. */
  breakFrom(index: number): number;
  /** The last index at or before `index` before which a line break was left out; 0 if there is none. */
  breakUpTo(index: number): number;
}

const ESC = 0x1b;
const CSI_C1 = 0x9b;
const LF = 0x0a;
const CR = 0x0d;
/** An escape sequence that is longer than this is none. */
const LONGEST_SEQUENCE = 4096;
/** Lines of decoded text are longer than this only where it is no text. */
const LONGEST_LINE = 16_384;

/**
 * Where the escape sequence that begins at `at` ends; `at` if none does. It shares no reader with `processes/seen.ts` and the
 * page's `output-log.ts`: those go through bytes or pieces that are cut anywhere, for what a sequence does, and pass over one
 * that has not ended. This looks at one place of a whole text, and what does not end is text here, which may hold a secret.
 */
export function sequenceEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === CSI_C1) return controlEnd(text, at, at + 1);
  if (first !== ESC || at + 1 >= text.length) return at;
  const second = text[at + 1] ?? "";
  if (second === "[") return controlEnd(text, at, at + 2);
  if (isString(text, at)) return stringEnd(text, at);
  const last = past(text, at + 1, 0x20, 0x2f);
  return isBetween(text.charCodeAt(last), 0x30, 0x7e) ? last + 1 : at;
}

const isBetween = (code: number, low: number, high: number): boolean => code >= low && code <= high;

/** Past the characters from `low` to `high`, at most as many as a sequence has. */
function past(text: string, from: number, low: number, high: number): number {
  const limit = Math.min(text.length, from + LONGEST_SEQUENCE);
  let index = from;
  while (index < limit && isBetween(text.charCodeAt(index), low, high)) index++;
  return index;
}

function controlEnd(text: string, at: number, from: number): number {
  const last = past(text, from, 0x20, 0x3f);
  return isBetween(text.charCodeAt(last), 0x40, 0x7e) ? last + 1 : at;
}

/** Up to BEL or ST, within one line. */
function stringEnd(text: string, at: number): number {
  const limit = Math.min(text.length, at + LONGEST_SEQUENCE);
  for (let index = at + 2; index < limit; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x07) return index + 1;
    if (code === ESC) return text.charCodeAt(index + 1) === 0x5c ? index + 2 : at;
    if (code === LF) return at;
  }
  return at;
}

/** The text without single line breaks (and the blanks around them, and a backslash that continues a line) and escape sequences. */
export function squeezed(text: string): View {
  const leaving = new Leaving(text);
  const { length } = text;
  for (let index = 0; index < length; ) {
    const code = text.charCodeAt(index);
    if (code === LF || code === CR) index = leaving.lineBreak(index);
    else if (code === ESC || code === CSI_C1) {
      const end = sequenceEnd(text, index);
      if (end > index) leaving.out(index, end, false);
      index = Math.max(end, index + 1);
    } else if (isUnseen(text, index)) leaving.out(index, ++index, false);
    else index++;
  }
  return leaving.view();
}

/** A control character that shows nothing; NUL only where text has two bytes for each character, else it parts words. */
function isUnseen(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code === 0) return text.charCodeAt(index - 2) === 0 || text.charCodeAt(index + 2) === 0;
  return (code < 0x20 && code !== 0x09) || code === 0x7f;
}

/** The insides of the titles, links and the like in a text: they are not seen, and yet go to whoever shows it. */
export function* strings(text: string): Generator<View> {
  for (let at = text.indexOf("\x1b"); at !== -1; at = text.indexOf("\x1b", at + 1)) {
    if (!isString(text, at)) continue;
    const end = stringEnd(text, at);
    if (end === at) continue;
    const from = at + 2;
    const place = (index: number): number => from + index;
    const inside = text.slice(from, insideEnd(text, end));
    if (inside.length >= SHORTEST_INSIDE) yield new Decoded(inside, new Cut(text, [], [], []), place, place);
    at = end - 1;
  }
}

/** Where the text within a title or the like ends, if all of it ends at `end`: BEL is one character, ST two. */
export const insideEnd = (text: string, end: number): number => end - (text.charCodeAt(end - 1) === 0x07 ? 1 : 2);

/** No secret is shorter. */
const SHORTEST_INSIDE = 6;

/** Whether an escape sequence at `at` is one with a text of its own: OSC, DCS, SOS, PM, APC. */
export const isString = (text: string, at: number): boolean =>
  text.charCodeAt(at) === ESC && at + 1 < text.length && "]PX^_".includes(text[at + 1] ?? "");

const isLineEnd = (code: number): boolean => code === LF || code === CR;

/** Gathers what stays of a text while parts of it are left out, from its beginning to its end. */
class Leaving {
  readonly #text: string;
  readonly #parts: string[] = [];
  /** For each place where something was left out: its index in the result, and what was left out so far. */
  readonly #cuts: number[] = [];
  readonly #left: number[] = [];
  readonly #breaks: number[] = [];
  #length = 0;
  #from = 0;
  #gone = 0;

  constructor(text: string) {
    this.#text = text;
  }

  out(start: number, end: number, isBreak: boolean): void {
    if (start > this.#from) {
      this.#parts.push(this.#text.slice(this.#from, start));
      this.#length += start - this.#from;
    }
    this.#gone += end - start;
    this.#cuts.push(this.#length);
    this.#left.push(this.#gone);
    if (isBreak && this.#breaks.at(-1) !== this.#length) this.#breaks.push(this.#length);
    this.#from = end;
  }

  /** Leaves out the line break at `index`; answers where the text goes on. */
  lineBreak(index: number): number {
    const text = this.#text;
    const { length } = text;
    let start = index;
    while (start > this.#from && isBlank(text.charCodeAt(start - 1))) start--;
    // A backslash that continues the line.
    if (start > this.#from && text[start - 1] === "\\" && text[start - 2] !== "\\") start--;
    let end = index;
    while (end < length && text.charCodeAt(end) === CR) end++;
    if (text.charCodeAt(end) === LF) end++;
    while (end < length && isBlank(text.charCodeAt(end))) end++;
    this.out(start, end, true);
    if (!isLineEnd(text.charCodeAt(end))) return end;
    // An empty line parts what is above from what is below: one of its line ends stays.
    let last = end;
    while (last < length && (isLineEnd(text.charCodeAt(last)) || isBlank(text.charCodeAt(last)))) last++;
    this.out(end + 1, last, true);
    return last;
  }

  view(): View {
    if (this.#cuts.length === 0) return new Cut(this.#text, [], [], []);
    if (this.#from < this.#text.length) this.#parts.push(this.#text.slice(this.#from));
    return new Cut(this.#parts.join(""), this.#cuts, this.#left, this.#breaks);
  }
}

class Cut implements View {
  readonly text: string;
  readonly #cuts: readonly number[];
  readonly #left: readonly number[];
  readonly #breaks: readonly number[];
  constructor(text: string, cuts: readonly number[], left: readonly number[], breaks: readonly number[]) {
    this.text = text;
    this.#cuts = cuts;
    this.#left = left;
    this.#breaks = breaks;
  }
  startOf(index: number): number {
    return index + (this.#left[upTo(this.#cuts, index) - 1] ?? 0);
  }
  endOf(index: number): number {
    return this.startOf(index) + 1;
  }
  breakFrom(index: number): number {
    return this.#breaks[upTo(this.#breaks, index - 1)] ?? this.text.length;
  }
  breakUpTo(index: number): number {
    return this.#breaks[upTo(this.#breaks, index) - 1] ?? 0;
  }
}

/** How many of the sorted numbers are at most `value`. */
export function upTo(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A view of a view in which a character may stand for several: decoded text. */
export class Decoded implements View {
  readonly text: string;
  readonly #outer: View;
  readonly #first: (index: number) => number;
  readonly #last: (index: number) => number;
  /** `first` and `last`: the first and last character of the outer view that this one's stands for. */
  constructor(text: string, outer: View, first: (index: number) => number, last: (index: number) => number) {
    this.text = text;
    this.#outer = outer;
    this.#first = first;
    this.#last = last;
  }
  startOf(index: number): number {
    return this.#outer.startOf(this.#first(index));
  }
  endOf(index: number): number {
    return this.#outer.endOf(this.#last(index));
  }
  // What was wrapped was wrapped outside; in here lines end where a character says so.
  breakFrom(index: number): number {
    const at = this.text.slice(index, index + LONGEST_LINE).indexOf("\n");
    return at === -1 ? this.text.length : index + at;
  }
  breakUpTo(index: number): number {
    const outside = this.#first(index);
    // What was encoded begins where a line does: the end of the line before it is no part of it.
    if (this.#outer.breakUpTo(outside) === outside) return index;
    const from = Math.max(0, index - LONGEST_SEQUENCE);
    return from + this.text.slice(from, index + 1).lastIndexOf("\n") + 1;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
