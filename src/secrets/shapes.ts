// Secrets that are known by what stands around them: private key blocks, addresses with a password, Authorization headers.
import { alnum, base64, classOf, digit, hex, isBlank, isIn, token68, visibleCharacters, word } from "./classes.ts";
import type { Kind } from "./kinds.ts";
import { runEnd } from "./run.ts";
import { RANK, type Span } from "./span.ts";
import type { View } from "./view.ts";

/** What stands before a key: the beginning of a word, an escape of JSON, or a percent code. */
export function beginsHere(view: View, at: number): boolean {
  const { text } = view;
  if (at === 0 || view.breakUpTo(at) === at) return true;
  const before = text.charCodeAt(at - 1);
  if (before === 0x5d) return !isReplaced(text, at);
  if (!isIn(word, before) || before === 0x2d) return before !== 0x2d || !isIn(alnum, text.charCodeAt(at - 2));
  // `\n` as JSON writes it is no letter of a word.
  return text.charCodeAt(at - 2) === 0x5c && (before === 0x6e || before === 0x72 || before === 0x74);
}

/** Right before `at` stands what a secret was replaced by: what follows was the middle of a word. */
export function isReplaced(text: string, at: number): boolean {
  if (text[at - 1] !== "]") return false;
  const before = text.slice(Math.max(0, at - LONGEST_MARK), at - 1);
  return before.lastIndexOf("[redacted: ") > before.lastIndexOf("]");
}
/** `at` is within what a secret was replaced by. */
export function isWithinMark(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - LONGEST_MARK), at);
  return before.lastIndexOf("[redacted: ") > before.lastIndexOf("]");
}
const LONGEST_MARK = 80;

/** No word ends like a prefix of so many characters. */
const LONG_PREFIX = 4;
/** Part of a longer name, as of a file: `backup-ghp_…`. */
const isJoint = (text: string, at: number): boolean =>
  (text[at - 1] === "-" || text[at - 1] === "_") && !isWithinMark(text, at) && text[at - 2] !== text[at - 1];

export function ofKind(view: View, at: number, prefix: number, kind: Kind): Span | null {
  const { text } = view;
  if (!beginsHere(view, at) && !(prefix >= LONG_PREFIX && kind.min >= LONG_PREFIX && isJoint(text, at))) return null;
  const from = at + prefix;
  const end = runEnd(view, from, kind.body, kind.min, kind.max);
  const length = end - from;
  // What is still being written counts from its first characters on.
  const unfinished = (end === text.length || text[end] === "…") && length >= 4 && prefix >= 4;
  if (length < kind.min && !unfinished) return null;
  if (kind.min === kind.max && end < text.length && view.breakFrom(end) !== end && isIn(alnum, text.charCodeAt(end)))
    return null;
  if (!byChance(text, from, end) && !unfinished) return null;
  if (kind.label === "JSON web token" && !isToken(text, from, end)) return null;
  if (kind.label === "SendGrid key" && text.indexOf(".", from) > from + 32) return null;
  return { start: at, end, label: kind.label, rank: RANK.shape };
}

/** A key is made by chance: it has digits, or letters of both cases. A word has neither. */
function byChance(text: string, from: number, end: number): boolean {
  let seen = 0;
  for (let index = from; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) return true;
    if (code >= 0x41 && code <= 0x5a) seen |= 1;
    else if (code >= 0x61 && code <= 0x7a) seen |= 2;
    if (seen === 3) return true;
  }
  return false;
}

function isToken(text: string, from: number, end: number): boolean {
  const dot = text.indexOf(".", from);
  return dot !== -1 && dot < end - 8;
}

const LONGEST_PEM = 16 * 1024;
/** Where the next end of a block is, by text: looked for once, however many beginnings there are before it. */
const feet = new WeakMap<View, { from: number; at: number }>();
function footFrom(view: View, from: number): number {
  const known = feet.get(view);
  if (known !== undefined && known.from <= from && (known.at === -1 || known.at >= from)) return known.at;
  const at = view.text.indexOf("-----END", from);
  feet.set(view, { from, at });
  return at;
}

/** `-----BEGIN … PRIVATE KEY-----` to its end, or as far as what follows can belong to it. */
export function privateKey(view: View, at: number): Span | null {
  const { text } = view;
  const head = text.indexOf("-----", at + 11);
  const label = "private key";
  if (head === -1) {
    // Still being written.
    const rest = text.slice(at + 11);
    return rest.length < 40 && rest.includes("PRIVATE")
      ? { start: at, end: text.length, label, rank: RANK.shape }
      : null;
  }
  if (head - at > 64 || !text.slice(at, head).includes("PRIVATE KEY")) return null;
  const limit = Math.min(text.length, at + LONGEST_PEM);
  const foot = footFrom(view, head + 5);
  if (foot !== -1 && foot < limit) {
    const last = text.indexOf("-----", foot + 8);
    return { start: at, end: last === -1 || last - foot > 64 ? foot + 8 : last + 5, label, rank: RANK.shape };
  }
  let end = head + 5;
  while (end < limit && belongs(text, end, end - head < HEADERS)) end++;
  return { start: at, end, label, rank: RANK.shape };
}
/** In the middle of a key; `early`: there may be headers as well. */
function belongs(text: string, index: number, early: boolean): boolean {
  const code = text.charCodeAt(index);
  if (code === 0x2d || code === 0x5f) return early;
  if (isIn(base64, code) || code === 0x0a || code === 0x0d || code === 0x5c) return true;
  return early && (code === 0x20 || code === 0x3a || code === 0x2c);
}
const HEADERS = 120;

/** The end of a private key whose beginning is before the text. */
export function restOfPrivateKey(view: View, at: number): Span | null {
  const { text } = view;
  const close = text.indexOf("-----", at + 9);
  if (close === -1 || close - at > 64 || !text.slice(at, close).includes("PRIVATE KEY")) return null;
  let start = at;
  while (start > 0 && at - start < LONGEST_PEM && belongs(text, start - 1, false)) start--;
  return start === 0 ? { start, end: close + 5, label: "private key", rank: RANK.shape } : null;
}

const LONGEST_USER = 256;
const LONGEST_PASSWORD = 512;
/** What stands between the `://` and the path of an address. */
const authority = classOf(
  Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index))
    .filter((character) => !"/?#\"'<>`".includes(character))
    .join(""),
);
/** The password in `scheme://user:password@host`, from the `://` on. */
export function addressPassword(view: View, at: number): Span | null {
  const { text } = view;
  const from = at + 3;
  let stop = from;
  while (stop - from < LONGEST_USER + LONGEST_PASSWORD && isIn(authority, text.charCodeAt(stop))) stop++;
  const limit = runEnd(view, from, visibleCharacters, 0, stop - from);
  let colon = -1;
  let mark = -1;
  for (let index = from; index < limit; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x3a && colon === -1) colon = index;
    if (code === 0x40) mark = index;
  }
  if (mark === -1) return null;
  const start = colon === -1 || colon > mark ? at + 3 : colon + 1;
  const secret = text.slice(start, mark);
  if (
    secret === "" ||
    secret.startsWith("[redacted: ") ||
    secret.startsWith("$") ||
    secret.startsWith("{") ||
    secret.startsWith("*")
  )
    return null;
  if (start === at + 3 && (secret.length < 16 || !byChance(text, start, mark))) return null;
  return { start, end: mark, label: "password in an address", rank: RANK.shape };
}

/** The credential after `Bearer `, `Basic ` or in an Authorization header; `at` is where the word begins. */
export function authorization(view: View, at: number, wordLength: number): Span | null {
  const { text } = view;
  let index = at + wordLength;
  while (index < text.length && isBlank(text.charCodeAt(index))) index++;
  const end = runEnd(view, index, token68, 16, 4096);
  if (end - index < 16 || (!byChance(text, index, end) && end - index < 24)) return null;
  return { start: index, end, label: "Authorization header", rank: RANK.shape };
}

export function authorizationHeader(view: View, at: number, length: number): Span | null {
  const { text } = view;
  const lineEnd = view.breakFrom(at + 1);
  let index = at + length;
  const skip = (characters: string): void => {
    for (let steps = 0; steps < 8 && index < lineEnd && characters.includes(text[index] ?? "-"); steps++) index++;
  };
  skip("\\\"'");
  skip(" \t");
  if (text[index] !== ":" && text[index] !== "=") return null;
  index++;
  skip(" \t\\\"'");
  let end = index;
  while (end < lineEnd && isIn(alnum, text.charCodeAt(end)) && end - index < 24) end++;
  // With a scheme, what follows it; without one, all.
  if (end > index && text[end] === " ") {
    index = end;
    skip(" ");
  }
  if (text.startsWith("[redacted: ", index)) return null;
  end = runEnd(view, index, token68, 8, 4096);
  return end - index < 8 ? null : { start: index, end, label: "Authorization header", rank: RANK.shape };
}

/** `digits:AA…` of a Telegram bot; `at` is the colon. */
export function telegramToken(view: View, at: number): Span | null {
  const { text } = view;
  let start = at;
  while (start > 0 && at - start < 11 && isIn(digit, text.charCodeAt(start - 1))) start--;
  const end = runEnd(view, at + 1, word, 35, 35);
  return at - start < 8 || end - at - 1 !== 35 ? null : { start, end, label: "Telegram bot token", rank: RANK.shape };
}

/** 32 hexadecimal digits and `-us1` of Mailchimp; `at` is the hyphen. */
export function mailchimpKey(view: View, at: number): Span | null {
  const { text } = view;
  let start = at;
  while (start > 0 && at - start < 33 && isIn(hex, text.charCodeAt(start - 1))) start--;
  let end = at + 3;
  while (end < at + 5 && isIn(digit, text.charCodeAt(end))) end++;
  return at - start !== 32 || end === at + 3 ? null : { start, end, label: "Mailchimp key", rank: RANK.shape };
}

/** A client secret of Entra: three characters, a digit, `Q~`, and the rest; `at` is the Q. */
export function entraSecret(view: View, at: number): Span | null {
  const { text } = view;
  if (!isIn(digit, text.charCodeAt(at - 1)) || at < 4) return null;
  const end = runEnd(view, at + 2, token68, 31, 36);
  return end - at < 33 ? null : { start: at - 4, end, label: "Azure client secret", rank: RANK.shape };
}

/** A Terraform Cloud token; `at` is the dot of `.atlasv1.`. */
export function terraformToken(view: View, at: number): Span | null {
  const { text } = view;
  let start = at;
  while (start > 0 && at - start < 14 && isIn(alnum, text.charCodeAt(start - 1))) start--;
  const end = runEnd(view, at + 9, word, 60, 80);
  return at - start !== 14 || end - at < 69 ? null : { start, end, label: "Terraform token", rank: RANK.shape };
}
