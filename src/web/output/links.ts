// Addresses in lines of output. Any program, and any file that is printed, can put one there: what a link opens is what
// stands there, and nothing that could be read as another place is a link.
import { judgeLink } from "../terminal/links.ts";
import { hiddenCount } from "../visible.ts";
import type { Line } from "./output-log.ts";

export interface FoundLink {
  readonly start: number;
  readonly end: number;
  readonly href: string;
}

const CANDIDATE =
  /\bhttps?:\/\/[^\s<>"'`|\\^{}]+|(?<![\w.:/@-])(?:localhost|127\.0\.0\.1|\[::1\]):\d{1,5}(?![\w:@-]|\.\d)(?:\/[^\s<>"'`|\\^{}]*)?/gi;
/** One of these is in every address; most lines of a log have none, and cost no more than the look. */
const SIGNS = ["://", "localhost:", "LOCALHOST:", "127.0.0.1:", "[::1]:"] as const;
/** What a sentence puts behind an address. */
const BEHIND = new Set(".,;:!?…");
/** Only so much of a line is looked through, and so many of its addresses are links. */
const LONGEST_LINE = 20_000;
const MOST_LINKS = 200;

/** In the order of the line. */
export function linksIn(line: string): readonly FoundLink[] {
  if (!SIGNS.some((sign) => line.includes(sign))) return none;
  const found: FoundLink[] = [];
  for (const match of line.slice(0, LONGEST_LINE).matchAll(CANDIDATE)) {
    const text = trimmed(match[0]);
    const href = addressOf(text);
    if (href !== null) found.push({ start: match.index, end: match.index + text.length, href });
    if (found.length >= MOST_LINKS) break;
  }
  return found;
}
const none: readonly FoundLink[] = [];

/** Those of a line that can be read whole: what a program hides would be in the address and not on the page. */
export function linksOf({ text, runs }: Pick<Line, "text" | "runs">): readonly FoundLink[] {
  const links = linksIn(text);
  if (links.length === 0 || !runs.some(({ style }) => style.hidden)) return links;
  let at = 0;
  const hidden = runs.flatMap(({ text: { length }, style }) => {
    at += length;
    return style.hidden ? [{ start: at - length, end: at }] : [];
  });
  return links.filter((link) => !hidden.some(({ start, end }) => start < link.end && link.start < end));
}

/** Without what belongs to the sentence or the brackets around it. In one pass: a line of brackets must not cost their square. */
function trimmed(text: string): string {
  const over = { ")": count(text, ")") - count(text, "("), "]": count(text, "]") - count(text, "[") };
  let end = text.length;
  for (; end > 0; end -= 1) {
    const last = text[end - 1] ?? "";
    if (last === ")" || last === "]") {
      if (over[last] <= 0) break;
      over[last] -= 1;
    } else if (!BEHIND.has(last)) break;
  }
  return text.slice(0, end);
}

const count = (text: string, character: string): number => text.split(character).length - 1;

/** Null where what stands there and where it leads would not look the same. */
function addressOf(text: string): string | null {
  if (hiddenCount(text) > 0) return null;
  const link = judgeLink(/^https?:\/\//i.test(text) ? text : `http://${text}`);
  if (!link.ok) return null;
  const { username, password, hostname } = new URL(link.address);
  // `https://bank.example@evil.example` leads to the second of the two.
  if (username !== "" || password !== "") return null;
  // A host in other letters, or in other numbers, is not the one that is read, also where its own name comes later in the text.
  const written = /^(?:https?:\/\/)?(\[[^\]]*\]|[^/?#:]*)/i.exec(text)?.[1]?.toLowerCase();
  return written === hostname && !hostname.includes("xn--") ? link.address : null;
}
