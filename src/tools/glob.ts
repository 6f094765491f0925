// File name patterns, matched without regular expressions: the time is bounded whatever pattern a repository or a model brings.

/** A pattern made ready; `match` takes a path with `/` between its parts, relative to where the pattern counts from. */
export class Glob {
  readonly #alternatives: readonly (readonly string[])[];
  /** True: the pattern names a file anywhere below, not a path. */
  readonly #anywhere: boolean;

  /** `*` and `?` stay within one part of a path, `**` crosses parts, `[a-z]` and `[!a]` are sets, `{a,b}` alternatives. */
  constructor(pattern: string, options: { braces: boolean } = { braces: true }) {
    const trimmed = pattern.replace(/^\.?\//, "");
    this.#anywhere = !pattern.includes("/");
    this.#alternatives = (options.braces ? braces(trimmed) : [trimmed]).map((alternative) => alternative.split("/"));
  }

  match(path: string): boolean {
    const parts = path.split("/");
    const subject = this.#anywhere ? parts.slice(-1) : parts;
    return this.#alternatives.some((alternative) => matchParts(alternative, subject));
  }
}

/** At most this many alternatives; what would be more is taken literally. */
const MAX_ALTERNATIVES = 64;

/** `a{b,c}d` → `abd`, `acd`; nested ones too. */
function braces(pattern: string): string[] {
  let done: string[] = [pattern];
  for (;;) {
    const next: string[] = [];
    let changed = false;
    for (const text of done) {
      const inner = /\{([^{},]*(?:,[^{},]*)+)\}/.exec(text);
      if (inner === null) {
        next.push(text);
        continue;
      }
      changed = true;
      const [whole, list = ""] = inner;
      for (const choice of list.split(",")) {
        next.push(text.slice(0, inner.index) + choice + text.slice(inner.index + whole.length));
      }
    }
    if (!changed) return done;
    if (next.length > MAX_ALTERNATIVES) return done;
    done = next;
  }
}

/** Parts against parts: one `**` at a time needs to be remembered, so the time is at most length times length. */
function matchParts(pattern: readonly string[], path: readonly string[]): boolean {
  return backtrack(
    pattern.length,
    path.length,
    (p) => pattern[p] === "**",
    (p, s) => matchPart(pattern[p] ?? "", path[s] ?? ""),
  );
}

function matchPart(pattern: string, text: string): boolean {
  const tokens = tokenize(pattern);
  const chars = [...text];
  return backtrack(
    tokens.length,
    chars.length,
    (p) => tokens[p] === "*",
    (p, s) => {
      const token = tokens[p];
      return typeof token === "object" ? token.has(chars[s] ?? "") : token === chars[s];
    },
  );
}

/** The classic two-pointer match: on a mismatch the latest star takes one more. */
function backtrack(
  patternLength: number,
  length: number,
  isStar: (p: number) => boolean,
  same: (p: number, s: number) => boolean,
): boolean {
  let p = 0;
  let s = 0;
  let star = -1;
  let resume = 0;
  while (s < length) {
    if (p < patternLength && isStar(p)) {
      star = p;
      p += 1;
      resume = s;
    } else if (p < patternLength && same(p, s)) {
      p += 1;
      s += 1;
    } else if (star !== -1) {
      p = star + 1;
      resume += 1;
      s = resume;
    } else {
      return false;
    }
  }
  while (p < patternLength && isStar(p)) p += 1;
  return p === patternLength;
}

interface CharacterSet {
  has(char: string): boolean;
}
const anyCharacter: CharacterSet = { has: () => true };

function tokenize(pattern: string): (string | CharacterSet)[] {
  const tokens: (string | CharacterSet)[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? "";
    const close = char === "[" ? chars.indexOf("]", at + 2) : -1;
    if (char === "\\" && at + 1 < chars.length) {
      at += 1;
      // A literal: never the star token, even if it is one.
      const literal = chars[at] ?? "";
      tokens.push({ has: (other) => other === literal });
    } else if (char === "*") {
      if (tokens.at(-1) !== "*") tokens.push("*");
    } else if (char === "?") {
      tokens.push(anyCharacter);
    } else if (close !== -1) {
      tokens.push(characterSet(chars.slice(at + 1, close)));
      at = close;
    } else {
      tokens.push(char);
    }
  }
  return tokens;
}

function characterSet(chars: string[]): CharacterSet {
  const negated = chars[0] === "!" || chars[0] === "^";
  const body = negated ? chars.slice(1) : chars;
  const has = (char: string): boolean => {
    for (let at = 0; at < body.length; at += 1) {
      const low = body[at] ?? "";
      const high = body[at + 1] === "-" ? body[at + 2] : undefined;
      if (high !== undefined) {
        if (char >= low && char <= high) return true;
        at += 2;
      } else if (char === low) return true;
    }
    return false;
  };
  return { has: (char) => has(char) !== negated };
}
