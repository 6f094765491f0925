// What may be hidden from a person who is asked whether something may be done: nothing that could be a part of it.
import { base64, classOf, isIn } from "./classes.ts";
import { RANK, type Span } from "./span.ts";

/** By these alone no shell, and nothing that is like one, is told to do anything: what they make up is one word. */
const idle = classOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/=.~:%@,^!?*#-");
/** A line of a key in a block of it; no command is one word as long as this. */
const SHORTEST_LINE = 40;

/** Of what was found, what is hidden even so: known values, which nobody can make up, single words, and the long lines of key blocks. */
export function inert(text: string, span: Span): Span[] {
  if (span.rank === RANK.known || isIdle(text, span.start, span.end)) return [span];
  const lines: Span[] = [];
  for (let start = span.start; start < span.end; start++) {
    let end = start;
    while (end < span.end && isIn(base64, text.charCodeAt(end))) end++;
    if (end - start >= SHORTEST_LINE) lines.push({ ...span, start, end });
    start = end;
  }
  return lines;
}

function isIdle(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (!isIn(idle, text.charCodeAt(index))) return false;
  return true;
}
