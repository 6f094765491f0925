// Text from outside becomes a value here, and nothing in it can hurt: not its depth, not its names.

/** Deeper than anything the protocol knows; far from where a recursive reader runs out of stack. */
const MAX_DEPTH = 100;

/** Names of one object that are remembered: no object of the protocol has more, and a huge one must not cost double. */
const MOST_NAMES = 10_000;

export interface Parsed {
  value: unknown;
  /** A `__proto__` was in it, and was left out. */
  tainted: boolean;
  /** An object in it has a name twice; the last one is in `value`. */
  twice: boolean;
}

/** `undefined`: no JSON, or nested too deep (looked at before it is parsed). */
export function parseJson(text: string): Parsed | undefined {
  let tainted = false;
  // As JSON a name can be written with escapes too; whoever writes neither has no such name.
  const suspicious = text.includes("__proto__") || text.includes("\\u005f") || text.includes("\\u005F");
  try {
    const { deep, twice } = look(text);
    if (deep) return undefined;
    if (!suspicious) return { value: JSON.parse(text), tainted, twice };
    const value: unknown = JSON.parse(text, (key, inner: unknown) => {
      if (key !== "__proto__") return inner;
      tainted = true;
      return undefined;
    });
    return { value, tainted, twice };
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * How deep it goes at most, up to one past the limit, and whether an object in it has a name twice: parsers differ in which
 * one they take, so what one has checked another may not have seen. Of text that is no JSON anything may be said.
 */
function look(text: string): { deep: boolean; twice: boolean } {
  /** The names of each object around the place we are at; null for a list. */
  const around: (Set<string> | null)[] = [];
  let nameNext = false;
  let twice = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = endOfString(text, i);
      if (end === -1) break; // not JSON; the parser says so
      const names = around.at(-1);
      if (nameNext && names) {
        const name = nameIn(text.slice(i, end + 1));
        twice ||= names.has(name);
        if (names.size < MOST_NAMES) names.add(name);
      }
      nameNext = false;
      i = end;
    } else if (c === OPEN_OBJECT || c === OPEN_LIST) {
      if (around.push(c === OPEN_OBJECT ? new Set() : null) > MAX_DEPTH) return { deep: true, twice };
      nameNext = c === OPEN_OBJECT;
    } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) around.pop();
    else if (c === COMMA) nameNext = true;
  }
  return { deep: false, twice };
}

/** Two spellings of one name are the same name. */
function nameIn(quoted: string): string {
  return quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

/** Index of the quote that ends the string beginning at `start`, by native search: strings are most of a big frame. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let back = end - 1;
    while (text.charCodeAt(back) === BACKSLASH) back--;
    if ((end - back) % 2 === 1) return end;
  }
  return -1;
}
