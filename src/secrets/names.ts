// Values that are secret because of the name beside them: NAME=value, "api_key": "…", password: …, --token …, <password>…
import { bare, changes, isBlank, isIn, looksMixed, nameCharacters, visibleCharacters } from "./classes.ts";
import { runEnd } from "./run.ts";
import { isReplaced, isWithinMark } from "./shapes.ts";
import { RANK, type Span } from "./span.ts";
import type { View } from "./view.ts";

/** One of these is in every name that counts. In lower case. */
export const nameWords = [
  "key",
  "token",
  "secret",
  "passw",
  "passphrase",
  "credential",
  "_pass",
  "pgpass",
  "_pwd",
  "_pat",
  "_auth",
];

const LONGEST_NAME = 96;
const LONGEST_VALUE = 4096;
const MOST_BLANKS = 8;

/** Ends of names whatever their case, without `_`, `-` and `.`. */
const endings = [
  "secret",
  "password",
  "passwd",
  "passphrase",
  "credential",
  "credentials",
  "apikey",
  "accesskey",
  "secretkey",
  "privatekey",
  "authkey",
  "signingkey",
  "encryptionkey",
  "masterkey",
  "accountkey",
  "clientkeydata",
  "sharedaccesskey",
  "token",
  "secretkeybase",
  "secretaccesskey",
  "authtoken",
]; // prettier-ignore
/** Ends of names in capitals, as variables have them. */
const capitals = [
  "_KEY",
  "_TOKEN",
  "SECRET",
  "PASSWORD",
  "PASSWD",
  "CREDENTIAL",
  "CREDENTIALS",
  "PASSPHRASE",
  "_PASS",
  "PGPASS",
  "_PWD",
  "_PAT",
  "APIKEY",
  "_AUTH",
];
const harmless = [
  "publickey",
  "environmentpass",
  "pubkey",
  "primarykey",
  "foreignkey",
  "gpgkey",
  "hostkey",
  "cachekey",
  "sortkey",
  "nexttoken",
  "pagetoken",
  "padtoken",
  "eostoken",
  "bostoken",
  "unktoken",
  "septoken",
  "continuationtoken",
  "sshauthsock",
  "maxtoken",
  "canceltoken",
  "cancellationtoken",
  "tokentype",
]; // prettier-ignore

/** Whether a value under this name is taken for a secret. `variable`: it is written as variables of an environment are. */
export function secretName(name: string): { variable: boolean } | null {
  let plain = "";
  let small = false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code >= 0x61 && code <= 0x7a) small = true;
    if (code !== 0x5f && code !== 0x2d && code !== 0x2e) plain += name[index];
  }
  let length = plain.length;
  while (length > 0 && plain.charCodeAt(length - 1) >= 0x30 && plain.charCodeAt(length - 1) <= 0x39) length--;
  const core = plain.slice(0, length).toLowerCase();
  if (core === "" || harmless.some((word) => core.endsWith(word))) return null;
  if (!small) {
    let end = name.length;
    while (end > 0 && ((name.charCodeAt(end - 1) >= 0x30 && name.charCodeAt(end - 1) <= 0x39) || name[end - 1] === "_"))
      end--;
    const variable = name.slice(0, end);
    if (capitals.some((ending) => variable.endsWith(ending)) || core.endsWith("secretkeybase"))
      return { variable: true };
  }
  return endings.some((ending) => core.endsWith(ending)) ? { variable: false } : null;
}

/** The secret value, if there is one, beside a word of `nameWords` at `at`. */
export function namedValue(view: View, at: number): Span | null {
  const { text } = view;
  let start = at;
  const lowest = Math.max(view.breakUpTo(at), at - LONGEST_NAME);
  while (start > lowest && isIn(nameCharacters, text.charCodeAt(start - 1))) start--;
  // No name is as long, and what is would be looked at again for each word in it.
  if (start === at - LONGEST_NAME) return null;
  let end = at;
  const lineEnd = view.breakFrom(at + 1);
  const highest = Math.min(lineEnd, at + LONGEST_NAME);
  while (end < highest && isIn(nameCharacters, text.charCodeAt(end))) end++;
  while (start < at && (text[start] === "-" || text[start] === ".")) start++;
  const name = text.slice(start, end);
  const secret = secretName(name);
  if (secret === null || isReplaced(text, start) || isWithinMark(text, start)) return null;
  const value = valueAfter(view, start, end, lineEnd, secret.variable);
  return value === null ? null : { ...value, label: name.slice(-60), rank: RANK.name };
}

function valueAfter(
  view: View,
  start: number,
  nameEnd: number,
  lineEnd: number,
  variable: boolean,
): { start: number; end: number } | null {
  const { text } = view;
  if (text[nameEnd] === ">" && text[start - 1] === "<") return inTag(text, nameEnd, lineEnd);
  const past = pastQuote(text, nameEnd);
  const separator = past === null ? null : separatorAt(text, start, past, lineEnd);
  if (separator === null) return null;
  const index = skipBlanks(text, separator.end, lineEnd);
  if (index >= lineEnd || index >= text.length || text.startsWith("[redacted: ", index)) return null;
  let back = 0;
  while (text[index + back] === "\\" && back < 4) back++;
  const mark = text[index + back] ?? "";
  if (isQuote(mark)) return inQuotes(text, index + back + 1, mark, variable);
  const assigned = variable && separator.kind === "=";
  if (assigned && separator.tight && separator.end === index) return ofVariable(view, start, index, lineEnd);
  const end = runEnd(view, index, bare, 0, 1024);
  if (text[end] === "(" || text[end] === "[") return null;
  return worthIt(text.slice(index, end), variable, assigned || separator.kind === "flag")
    ? { start: index, end }
    : null;
}

const isQuote = (character: string): boolean => character === '"' || character === "'" || character === "`";

/** XML: the name is a tag. */
function inTag(text: string, nameEnd: number, lineEnd: number): { start: number; end: number } | null {
  const close = text.indexOf("<", nameEnd + 1);
  if (close === -1 || close > Math.min(lineEnd, nameEnd + LONGEST_VALUE)) return null;
  return worthIt(text.slice(nameEnd + 1, close), false, true) ? { start: nameEnd + 1, end: close } : null;
}

/** After the quote that closes the name, if there is one; null where the name ends in what no name does. */
function pastQuote(text: string, nameEnd: number): number | null {
  let index = nameEnd;
  while (text[index] === "\\" && index - nameEnd < 4) index++;
  if (isQuote(text[index] ?? "")) index++;
  else if (index > nameEnd) return null;
  return text[index] === "]" ? index + 1 : index;
}

interface Separator {
  kind: "=" | ":" | "flag";
  end: number;
  /** Nothing stands between it and the name. */
  tight: boolean;
}

function separatorAt(text: string, start: number, from: number, lineEnd: number): Separator | null {
  const index = skipBlanks(text, from, lineEnd);
  const tight = index === from;
  const kind = text[index];
  if (kind !== "=" && kind !== ":")
    return !tight && text.startsWith("--", start - 2) ? { kind: "flag", end: index, tight } : null;
  const next = text[index + 1];
  if ((kind === ":" && next === "=") || (kind === "=" && next === ">")) return { kind, end: index + 2, tight };
  return next === "=" || next === "~" || next === ":" ? null : { kind, end: index + 1, tight };
}

function skipBlanks(text: string, from: number, lineEnd: number): number {
  let index = from;
  while (index < lineEnd && index - from < MOST_BLANKS && isBlank(text.charCodeAt(index))) index++;
  return index;
}

function inQuotes(text: string, from: number, mark: string, variable: boolean): { start: number; end: number } | null {
  const limit = Math.min(text.length, from + LONGEST_VALUE);
  let end = from;
  while (end < limit && text[end] !== mark && text[end] !== "\n") end++;
  // The quote's own backslashes are no part of the value.
  let last = end;
  while (last > from && text[last - 1] === "\\") last--;
  return worthIt(text.slice(from, last), variable, false) ? { start: from, end: last } : null;
}

/** A variable as `env` prints it, up to its line's end; in a command, up to the next blank. */
function ofVariable(
  view: View,
  nameStart: number,
  from: number,
  lineEnd: number,
): { start: number; end: number } | null {
  const { text } = view;
  const reach = runEnd(view, from, visibleCharacters, 0, LONGEST_VALUE);
  let blank = view.breakFrom(from + 1);
  while (blank < reach && !isAssignment(text, blank, text.length)) blank = view.breakFrom(blank + 1);
  blank = Math.min(blank, reach);
  const atLineStart = view.breakUpTo(nameStart) === nameStart || nameStart === 0 || text[nameStart - 1] === "\n";
  const dump =
    atLineStart &&
    (isAssignment(text, view.breakFrom(from), text.length) ||
      isAssignment(text, view.breakUpTo(Math.max(0, nameStart - 1)), nameStart));
  let end = blank;
  if (dump && blank < lineEnd) {
    const hard = text.indexOf("\n", from);
    end = Math.min(lineEnd, from + LONGEST_VALUE, hard === -1 ? text.length : hard);
  } else
    while (
      end > from &&
      (text[end - 1] === ";" || text[end - 1] === "'" || text[end - 1] === '"' || text[end - 1] === ")")
    )
      end--;
  return worthIt(text.slice(from, end), true, true) ? { start: from, end } : null;
}

function isAssignment(text: string, from: number, limit: number): boolean {
  let index = from;
  const first = text.charCodeAt(index);
  if (first >= 0x30 && first <= 0x39) return false;
  while (index < limit && index - from < LONGEST_NAME && isIn(nameCharacters, text.charCodeAt(index))) index++;
  return index > from && index < limit && text[index] === "=";
}

const trivial = new Set([
  "true",
  "false",
  "null",
  "none",
  "nil",
  "undefined",
  "yes",
  "no",
  "on",
  "off",
  "set",
  "not",
  "string",
  "number",
  "boolean",
  "required",
  "optional",
  "any",
]);
const roots = [
  "/home/",
  "/etc/",
  "/usr/",
  "/var/",
  "/tmp/",
  "/root/",
  "/opt/",
  "/run/",
  "/srv/",
  "/mnt/",
  "/app/",
  "/workspace/",
  "/Users/",
  "~/",
  "./",
  "../",
  "file:",
];

/** `plain`: what stands there is taken as it is; else it must look made by chance, since source code is full of names. */
function worthIt(value: string, variable: boolean, plain: boolean): boolean {
  if (value === "" || value.startsWith("[redacted: ")) return false;
  if (trivial.has(value.toLowerCase()) || roots.some((root) => value.startsWith(root))) return false;
  const first = value.charCodeAt(0);
  if (first === 0x24 && (value[1] === "{" || value[1] === "(" || isUpperWord(value.slice(1)))) return false;
  if (value.startsWith("<") || value.startsWith("{{") || value.startsWith("%(")) return false;
  if (sameThroughout(value)) return false;
  if (variable || plain) return !(value.length < 6 && isNumber(value));
  if (value.length < 6 || value.includes(" ") || (value.length < 20 && isPath(value))) return false;
  return (looksMixed(value) && changes(value) > 0 && (changes(value) > 1 || value.length >= 12)) || changes(value) > 2;
}

function isUpperWord(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!((code >= 0x41 && code <= 0x5a) || code === 0x5f || (index > 0 && code >= 0x30 && code <= 0x39))) return false;
  }
  return text !== "";
}
/** Names with dots between them, as source code is full of: `response2.data`. */
function isPath(text: string): boolean {
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!isIn(nameCharacters, code)) return false;
    if (code >= 0x30 && code <= 0x39) digits++;
  }
  return digits < 2 && text.includes(".");
}
function isNumber(text: string): boolean {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) < 0x30 || text.charCodeAt(index) > 0x39) return false;
  return true;
}
function sameThroughout(text: string): boolean {
  for (let index = 1; index < text.length; index++) if (text[index] !== text[0]) return false;
  return text.length > 1 || text === "*";
}
