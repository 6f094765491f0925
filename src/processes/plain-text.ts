// Program output as a model or a notice reads it: no escape sequences, no half characters, no shell chatter.
import { type RawText, rawText } from "../secrets/redactor.ts";
import { seenIn } from "./seen.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const leftovers = /[\x01-\x06\x10-\x1a\x1c-\x1f]+/g;

/**
 * The text as it is seen: without ANSI sequences and other control characters, and without what was taken back by a backspace.
 * Tabs, line feeds and carriage returns stay.
 */
export function stripAnsi(text: string): string {
  if (!control.test(text)) return text;
  return seenIn(Buffer.from(text.replaceAll("\x9b", "\x1b[")))
    .toString()
    .replace(leftovers, "");
}

/** PTY line ends as files have them. */
export function unixLines(text: string): string {
  return text.replace(/\r+\n/g, "\n");
}

const noise = [
  "cannot set terminal process group",
  "no job control in this shell",
  "tcsetattr: Inappropriate ioctl",
  "can't access tty; job control turned off",
];

/** True for a line in which an interactive shell says that it has no terminal. */
export const isShellNoise = (line: string): boolean => noise.some((words) => line.includes(words));

/** Drops such lines from the very beginning of the output; give it nothing else (P10). */
export function withoutShellNoise(head: string): string {
  let rest = head;
  while (true) {
    const end = rest.indexOf("\n");
    const line = end < 0 ? rest : rest.slice(0, end);
    if (rest === "" || !isShellNoise(line)) return rest;
    rest = end < 0 ? "" : rest.slice(end + 1);
  }
}

/** The last `count` characters, never beginning with half a surrogate pair. */
export function lastCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  const start = text.length - count;
  const unit = text.charCodeAt(start);
  return text.slice(unit >= 0xdc00 && unit <= 0xdfff ? start + 1 : start);
}

/** The first `count` characters, with an ellipsis where something was cut. */
export function firstCharacters(text: string, count: number): string {
  return text.length <= count ? text : `${text.slice(0, Math.max(0, count - 1)).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Bytes from the middle of a stream as text: a character cut off at the front is dropped, other broken bytes are U+FFFD. */
export function decodeFrom(bytes: Buffer, atStart: boolean): RawText {
  let skip = 0;
  if (!atStart) while (skip < 3 && skip < bytes.length && ((bytes[skip] ?? 0) & 0xc0) === 0x80) skip++;
  return rawText(bytes.toString("utf8", skip));
}
