// Text of tools, models and processes as a terminal may show it: what would command the terminal is made visible (A46).
import { mixedLetters } from "../client/mixed-scripts.ts";
import { LONGEST_BLANK, nameUnseen } from "../client/unseen.ts";

/** Controls except tab and newline, and marks that reorder or hide text. Joiners stay: words and emoji are made with them. */
const COMMANDING =
  /(?![\t\n])\p{Cc}|[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** Colours and the like: on a terminal they are noise when shown and harmless when left out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
const COLOURS = /\u001b\[[\d;:]*m/g;

/** Every commanding character by a visible name. Works on any part of a text: no character depends on another. */
export function safe(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(COMMANDING, named);
}

/** On one line, at most `limit` characters. */
export function safeLine(text: string, limit = Number.POSITIVE_INFINITY): string {
  const line = safe(text).replace(/\n/g, "⏎").replace(/\t/g, " ");
  const characters = [...line];
  return characters.length > limit ? `${characters.slice(0, Math.max(0, limit - 1)).join("")}…` : line;
}

/** As JSON, with escapes for the same characters: it is the same value for programs, and people look at it on terminals too. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(COMMANDING, (character) =>
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

/**
 * What is to be approved must be what is read: joiners, odd blanks, carriage returns and letters that pass for others too; a
 * row of the same counts as one.
 */
export function exact(text: string): string {
  return nameUnseen(safe(unmixed(text).replace(/\r\n/g, "\u240d\n")).replace(/\t/g, "\\t"), named)
    .replace(
      /((?:\\u\{[\da-f]+\})|[\u2400-\u2421]|\\t)\1{3,}/g,
      (run: string, one: string) => `${one}×${run.length / one.length}`,
    )
    .replace(/ +/g, (run) => (run.length > LONGEST_BLANK ? `␣×${run.length}` : run))
    .replace(/\n+/g, ({ length }) => (length > 2 ? `⏎×${length}\n    ` : "⏎\n    ".repeat(length)));
}

function unmixed(text: string): string {
  const mixed = mixedLetters(text);
  if (mixed.size === 0) return text;
  return text.replace(/[\s\S]/gu, (letter, at: number) => (mixed.has(at) ? named(letter) : letter));
}

/** Output of a process: without its colours, everything else visible. Give whole lines, or a sequence is cut in two. */
export function safeOutput(text: string): string {
  return safe(text.replace(COLOURS, ""));
}

function named(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20) return String.fromCodePoint(0x2400 + point); // ␀ … ␟, among them ␛ for escape
  if (point === 0x7f) return "␡";
  return `\\u{${point.toString(16)}}`;
}
