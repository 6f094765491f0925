// Reads the source of a regular expression: how large the machine is that it becomes, which text every match must contain,
// and the same expression for either case (the linear engine has no flag for that).

/** One thing of an expression that is matched as a whole, or a bracket around several. */
interface Token {
  kind: "text" | "class" | "escape" | "any" | "assert" | "open" | "close" | "or";
  /** As it is written. */
  source: string;
  /** The character that it stands for, where it stands for exactly one. */
  character?: string;
  /** How often at least and at most; 1 and 1 without a quantifier. For a group it is at its closing bracket. */
  least: number;
  most: number;
  quantifier: string;
}

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/;
const simpleEscapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", "0": "\0" };

function escapeAt(source: string, at: number): { source: string; character?: string } {
  const rest = source.slice(at);
  const code = /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4}))/.exec(rest);
  if (code !== null)
    return { source: code[0], character: String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? "", 16)) };
  if (/^\\c[a-zA-Z]/.test(rest)) return { source: rest.slice(0, 3) };
  if (/^\\k</.test(rest)) return { source: rest.slice(0, rest.indexOf(">") + 1) };
  const letter = rest[1] ?? "";
  const character = simpleEscapes[letter] ?? (/[\w\s]/.test(letter) ? undefined : letter);
  return { source: rest.slice(0, 2), ...(character === undefined ? {} : { character }) };
}

/** The end of a character class that begins at `at`. */
function classEnd(source: string, at: number): number {
  let end = at + 1;
  while (end < source.length && source[end] !== "]") end += source[end] === "\\" ? 2 : 1;
  return end + 1;
}

/** Only for sources that the engine has accepted. */
function tokens(source: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < source.length; ) {
    const token = tokenAt(source, at);
    at += token.source.length;
    const quantifier = token.kind === "open" || token.kind === "or" ? null : QUANTIFIER.exec(source.slice(at));
    if (quantifier !== null) {
      const [all, low, comma, high] = quantifier;
      token.quantifier = all;
      at += all.length;
      token.least = low === undefined ? (all.startsWith("+") ? 1 : 0) : Number(low);
      token.most = low === undefined ? (all.startsWith("?") ? 1 : 2) : manyOf(Number(low), comma, high);
    }
    found.push(token);
  }
  return found;
}

/** How many copies of itself a repetition becomes. */
function manyOf(low: number, comma: string | undefined, high: string | undefined): number {
  if (comma === undefined) return low;
  return high === undefined || high === "" ? low + 1 : Number(high);
}

function tokenAt(source: string, at: number): Token {
  const one = (kind: Token["kind"], text: string, character?: string): Token => ({
    kind,
    source: text,
    ...(character === undefined ? {} : { character }),
    least: 1,
    most: 1,
    quantifier: "",
  });
  const here = source[at] ?? "";
  switch (here) {
    case "(":
      return one("open", /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/.exec(source.slice(at))?.[0] ?? "(");
    case ")":
      return one("close", here);
    case "|":
      return one("or", here);
    case "[":
      return one("class", source.slice(at, classEnd(source, at)));
    case ".":
      return one("any", here);
    case "^":
    case "$":
      return one("assert", here);
    case "\\": {
      const { source: written, character } = escapeAt(source, at);
      return /^\\[bB]$/.test(written) ? one("assert", written) : one("escape", written, character);
    }
    default:
      return one("text", here, here);
  }
}

/** Roughly how many states its machine has: what a character of a line costs at worst. */
export function weightOf(source: string): number {
  const open: number[] = [];
  let weight = 0;
  for (const { kind, most } of tokens(source)) {
    if (kind === "open") {
      open.push(weight);
      weight = 0;
    } else if (kind === "close") weight = (open.pop() ?? 0) + (weight + 1) * Math.max(1, most);
    else weight += Math.max(1, most);
  }
  return weight;
}

/** Whether it depends on what is behind a match that it is one: by `$` or a word's bound. */
export function looksPastEnd(source: string): boolean {
  return tokens(source).some(({ kind, source: written }) => kind === "assert" && written !== "^");
}

/** A text is worth looking for from so many characters on. */
const SHORTEST = 2;

/**
 * Texts of which every match contains one, or null where there is no such list that is easily seen. Looking for them is
 * a hundred times faster than the machine.
 */
export function requiredTexts(source: string): string[] | null {
  const texts: string[] = [];
  let longest = "";
  let run = "";
  let depth = 0;
  const endRun = (): void => {
    if (run.length > longest.length) longest = run;
    run = "";
  };
  const endBranch = (): void => {
    endRun();
    texts.push(longest);
    longest = "";
  };
  for (const { kind, character, least, quantifier } of tokens(source)) {
    if (kind === "open") depth++;
    else if (kind === "close") depth--;
    if (kind === "or" && depth === 0) endBranch();
    else if (kind === "assert") continue;
    else if (depth > 0 || character === undefined || kind === "close") endRun();
    else {
      if (least > 0) run += character;
      if (quantifier !== "") endRun();
    }
  }
  endBranch();
  return texts.every((text) => text.length >= SHORTEST) ? texts : null;
}

/** The most copies of one thing that the linear engine takes at a time. */
const MOST_COPIES = 16;
const MOST_REPEATED = 512;

/** The same expression with large repetitions of single things (`[a-z]{40}`) in portions that the engine takes. */
export function inPortions(source: string): string {
  return tokens(source)
    .map(({ kind, source: written, quantifier }) => {
      const counted = /^\{(\d+)(?:(,)(\d*))?\}(\??)$/.exec(quantifier);
      if (counted === null || kind === "close") return written + quantifier;
      const [, low = "", comma, high = "", lazy = ""] = counted;
      const least = Number(low);
      const most = comma === undefined ? least : high === "" ? Number.POSITIVE_INFINITY : Number(high);
      if (least > MOST_REPEATED || (most > MOST_REPEATED && most < Number.POSITIVE_INFINITY))
        return written + quantifier;
      const copies = (count: number, from: (portion: number) => string): string => {
        const portions = Array.from({ length: Math.ceil(count / MOST_COPIES) }, (_, n) =>
          from(Math.min(MOST_COPIES, count - n * MOST_COPIES)),
        );
        return portions.map((portion) => written + portion + lazy).join("");
      };
      const rest = most === Number.POSITIVE_INFINITY ? `${written}*${lazy}` : copies(most - least, (n) => `{0,${n}}`);
      return copies(least, (n) => `{${n}}`) + rest;
    })
    .join("");
}

/** The fixed characters with which every match begins; empty where there are alternatives. */
export function beginningOf(source: string): string {
  let beginning = "";
  let isOver = false;
  let depth = 0;
  for (const { kind, character, quantifier } of tokens(source)) {
    if (kind === "open") depth++;
    else if (kind === "close") depth--;
    else if (kind === "or" && depth === 0) return "";
    isOver ||= character === undefined || quantifier !== "";
    if (!isOver) beginning += character;
  }
  return beginning;
}

/** The same expression for letters of either case. */
export function eitherCase(source: string): string {
  return tokens(source)
    .map(({ kind, source: written, character, quantifier }) => {
      if (kind === "class") return eitherCaseClass(written) + quantifier;
      const other = character === undefined ? undefined : otherCase(character);
      return (other === undefined ? written : `[${written}${other}]`) + quantifier;
    })
    .join("");
}

function otherCase(character: string): string | undefined {
  const lower = character.toLowerCase();
  const other = lower === character ? character.toUpperCase() : lower;
  return other !== character && other.length === 1 ? other : undefined;
}

/** Adds what the members of a class are in the other case: of ranges the letters a to z, of single characters each. */
function eitherCaseClass(written: string): string {
  const negated = written.startsWith("[^");
  const inner = written.slice(negated ? 2 : 1, -1);
  const added: string[] = [];
  for (let at = 0; at < inner.length; ) {
    const low = memberAt(inner, at);
    at += low.source.length;
    const ranged = inner[at] === "-" && at + 1 < inner.length ? memberAt(inner, at + 1) : undefined;
    if (ranged !== undefined && low.character !== undefined && ranged.character !== undefined) {
      at += 1 + ranged.source.length;
      added.push(
        shifted(low.character, ranged.character, "a", "z"),
        shifted(low.character, ranged.character, "A", "Z"),
      );
    } else if (low.character !== undefined) added.push(otherCase(low.character) ?? "");
  }
  // A hyphen in front stands for itself; behind what was added it would make a range.
  return `[${negated ? "^" : ""}${added.join("")}${inner.replace(/^-/, "\\-")}]`;
}

function memberAt(inner: string, at: number): { source: string; character?: string } {
  if (inner[at] === "\\") return escapeAt(inner, at);
  const character = inner[at] ?? "";
  return { source: character, character };
}

/** The part of a range that lies within letters of one case, in the other case. */
function shifted(low: string, high: string, first: string, last: string): string {
  const from = low > first ? low : first;
  const to = high < last ? high : last;
  if (from > to) return "";
  const other = (letter: string): string => (first === "a" ? letter.toUpperCase() : letter.toLowerCase());
  return `${other(from)}-${other(to)}`;
}
