// Text from outside becomes a value here, and nothing in it can hurt: not its depth, not its names.

/** Deeper than anything the protocol knows; far from where a recursive reader runs out of stack. */
const MAX_DEPTH = 100;

export type Parsed = { ok: true; value: unknown /** A `__proto__` was in it, and was left out. */; tainted: boolean };

/** `undefined`: no JSON, or nested too deep (looked at before it is parsed). */
export function parseJson(text: string): Parsed | undefined {
  if (deeperThan(text, MAX_DEPTH)) return undefined;
  let tainted = false;
  // As JSON a name can be written with escapes too; whoever writes neither has no such name.
  const suspicious = text.includes("__proto__") || text.includes("\\u005f") || text.includes("\\u005F");
  try {
    if (!suspicious) return { ok: true, value: JSON.parse(text), tainted };
    const value: unknown = JSON.parse(text, (key, inner: unknown) => {
      if (key !== "__proto__") return inner;
      tainted = true;
      return undefined;
    });
    return { ok: true, value, tainted };
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function deeperThan(text: string, limit: number): boolean {
  // Each level takes two characters: short texts need no look.
  if (text.length <= limit) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = endOfString(text, i);
      if (i === -1) return false; // not JSON; the parser says so
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > limit) return true;
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
  return false;
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
