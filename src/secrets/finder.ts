// Finds many texts at once in one pass: two neighbouring characters decide, for nearly every place, that nothing begins there.

export interface Literal<T> {
  text: string;
  /** Whether ASCII letters of either case match; `text` is then in lower case. */
  fold?: boolean;
  of: T;
}
interface Entry<T> {
  text: string;
  fold: boolean;
  /** Where in `text` the two characters are by which it is found. */
  at: number;
  of: T;
}

/** The rarer in ordinary text, the higher. */
function rarity(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return "etaoinsrhldcumfpgwybvkxjqz".indexOf(String.fromCharCode(code));
  if (code >= 0x30 && code <= 0x39) return 20;
  if (code === 0x20) return 0;
  if (code === 0x2d || code === 0x2e || code === 0x2f || code === 0x3d) return 16;
  return 28;
}

const lower = (code: number): number => (code >= 0x41 && code <= 0x5a ? code | 0x20 : code);

export class Finder<T> {
  /** By pair of characters: 0, or one more than the place in `#buckets`. */
  readonly #pairs = new Uint16Array(128 * 128);
  readonly #buckets: Entry<T>[][] = [];
  #longest = 0;

  constructor(literals: Iterable<Literal<T>>) {
    for (const { text, fold = false, of } of literals) {
      this.#longest = Math.max(this.#longest, text.length);
      const at = rarestPair(text);
      if (at === -1) continue;
      const entry = { text, fold, at, of };
      const [a, b] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
      for (const first of fold ? bothCases(a) : [a])
        for (const second of fold ? bothCases(b) : [b]) this.#put(first, second, entry);
    }
  }

  #put(first: number, second: number, entry: Entry<T>): void {
    const pair = (first << 7) | second;
    const known = this.#pairs[pair] ?? 0;
    if (known > 0) this.#buckets[known - 1]?.push(entry);
    else this.#pairs[pair] = this.#buckets.push([entry]);
  }

  /** Length of the longest text it knows. */
  get longest(): number {
    return this.#longest;
  }

  /** Calls `found` for each place, in no order that matters. */
  each(text: string, found: (start: number, length: number, of: T) => void): void {
    const pairs = this.#pairs;
    const { length } = text;
    let before = 0;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 128) {
        before = 0;
        continue;
      }
      const bucket = pairs[(before << 7) | code];
      before = code;
      if (bucket === 0 || bucket === undefined) continue;
      for (const entry of this.#buckets[bucket - 1] ?? []) {
        const start = index - 1 - entry.at;
        if (start >= 0 && matches(text, start, entry)) found(start, entry.text.length, entry.of);
      }
    }
  }
}

function rarestPair(text: string): number {
  let best = -1;
  let most = -1;
  for (let at = 0; at + 1 < text.length; at++) {
    const [a, b] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
    if (a >= 128 || b >= 128 || a === 0) continue;
    const score = rarity(a) + rarity(b);
    if (score > most) [best, most] = [at, score];
  }
  return best;
}

function bothCases(code: number): readonly number[] {
  return code >= 0x61 && code <= 0x7a ? [code, code & ~0x20] : [code];
}

function matches(text: string, start: number, { text: wanted, fold }: Entry<unknown>): boolean {
  if (!fold) return text.startsWith(wanted, start);
  for (let index = 0; index < wanted.length; index++)
    if (lower(text.charCodeAt(start + index)) !== wanted.charCodeAt(index)) return false;
  return true;
}
