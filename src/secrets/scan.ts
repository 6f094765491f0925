// One look at a text for everything that is secret in it: by value, by shape, by name, and the same in what is encoded.
import { base64, hex, isIn } from "./classes.ts";
import type { Extra } from "./extra.ts";
import { Finder, type Literal } from "./finder.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { Known, Needle } from "./known.ts";
import { namedValue, nameWords } from "./names.ts";
import {
  addressPassword,
  authorization,
  authorizationHeader,
  beginsHere,
  entraSecret,
  mailchimpKey,
  ofKind,
  privateKey,
  restOfPrivateKey,
  telegramToken,
  terraformToken,
} from "./shapes.ts";
import { RANK, type Span } from "./span.ts";
import { Decoded, squeezed, strings, upTo, type View } from "./view.ts";

type Look = (view: View, start: number, length: number) => Span | null;
const byKind =
  (kind: Kind): Look =>
  (view, start, length) =>
    ofKind(view, start, length, kind);

const looks: readonly Literal<Look>[] = [
  ...kinds.flatMap((kind) => kind.prefixes.map((text) => ({ text, of: byKind(kind) }))),
  ...nameWords.map((text) => ({ text, fold: true, of: namedValue })),
  { text: "-----BEGIN", of: privateKey },
  { text: "-----END", of: restOfPrivateKey },
  { text: "://", of: addressPassword },
  {
    text: "bearer ",
    fold: true,
    of: (view, at, length) => (beginsHere(view, at) ? authorization(view, at, length) : null),
  },
  { text: "authorization", fold: true, of: authorizationHeader },
  { text: ":AA", of: telegramToken },
  { text: "-us", of: mailchimpKey },
  { text: "Q~", of: entraSecret },
  { text: ".atlasv1.", of: terraformToken },
];
const shapes = new Finder<Look>(looks);

/** Secrets within one that was found are looked for so often; at its end, where one may reach beyond it, always. */
const MOST_WITHIN = 8;
const ENDING = 256;
/** Where a text was cut by whoever shows it; past so many marks it is no such text. */
const CUT = "…";
const MOST_CUTS = 64;
const SHORTEST_BASE64 = 20;
const SHORTEST_HEX = 24;
/** Encoded text within encoded text is followed so deep. */
const DEEPEST = 2;

/** All secrets in the text, in no order, overlapping where several rules see the same. */
export function scan(text: string, known: Known, extra: Extra): Span[] {
  const spans: Span[] = [];
  look(squeezed(text), { known, extra }, 0, spans);
  for (const inside of strings(text)) look(inside, { known, extra }, 0, spans);
  return spans;
}

/** What is looked for beside the shapes of providers. */
interface Wanted {
  known: Known;
  extra: Extra;
}

function look(view: View, wanted: Wanted, depth: number, spans: Span[]): void {
  const { known } = wanted;
  const add = (found: Span | null): void => {
    if (found === null || found.end <= found.start) return;
    spans.push({ ...found, start: view.startOf(found.start), end: view.endOf(found.end - 1) });
  };
  const { text } = view;
  let covered = 0;
  let within = 0;
  shapes.each(text, (start, length, then) => {
    if (start >= covered) within = 0;
    else if (start < covered - ENDING && ++within > MOST_WITHIN) return;
    const found = then(view, start, length);
    if (found !== null) covered = Math.max(covered, found.end);
    add(found);
  });
  if (known.size > 0) {
    known.finder.each(text, (start, _, needle) => add(asFar(text, start, needle)));
    add(unfinished(text, known));
    for (let at = text.indexOf(CUT), n = 0; at !== -1 && n < MOST_CUTS; at = text.indexOf(CUT, at + 1), n++)
      add(unfinished(text.slice(0, at), known));
  }
  wanted.extra.each(view, add);
  if (depth >= DEEPEST) return;
  if (text.includes("%")) percentDecoded(view, (inner) => look(inner, wanted, depth + 1, spans));
  encodedRuns(view, (inner) => look(inner, wanted, depth + 1, spans));
}

/** A known value, as far as the text goes with it. */
function asFar(text: string, start: number, { text: value, label, fold }: Needle): Span {
  let length = 0;
  while (length < value.length) {
    const code = text.charCodeAt(start + length);
    const wanted = value.charCodeAt(length);
    if (code !== wanted && !(fold && (code | 0x20) === wanted)) break;
    length++;
  }
  return { start, end: start + length, label, rank: RANK.known };
}

const SHORTEST_PART = 6;
/** A known value of which the text ends with the first half. */
function unfinished(text: string, known: Known): Span | null {
  for (const [value, label] of known.values()) {
    const from = Math.max(0, text.length - value.length + 1);
    for (
      let at = text.indexOf(value.slice(0, SHORTEST_PART), from);
      at !== -1;
      at = text.indexOf(value.slice(0, SHORTEST_PART), at + 1)
    )
      if (value.startsWith(text.slice(at))) return { start: at, end: text.length, label, rank: RANK.known };
  }
  return null;
}

function percentDecoded(outer: View, then: (view: View) => void): void {
  const { text } = outer;
  const parts: string[] = [];
  /** Index in the result after each decoded character, and how much longer the original is by then. */
  const at: number[] = [];
  let length = 0;
  let from = 0;
  for (let index = text.indexOf("%"); index !== -1; index = text.indexOf("%", index + 1)) {
    const [high, low] = [text.charCodeAt(index + 1), text.charCodeAt(index + 2)];
    if (!isIn(hex, high) || !isIn(hex, low)) continue;
    const character = String.fromCharCode(Number.parseInt(text.slice(index + 1, index + 3), 16));
    parts.push(text.slice(from, index), character);
    length += index - from + 1;
    at.push(length);
    from = index + 3;
    index += 2;
  }
  if (at.length === 0) return;
  parts.push(text.slice(from));
  const first = (index: number): number => index + 2 * upTo(at, index);
  const last = (index: number): number => index + 2 * upTo(at, index + 1);
  then(new Decoded(parts.join(""), outer, first, last));
}

/** Everything in the view that may be base64 or hexadecimal, decoded at each place where it may begin. */
function encodedRuns(outer: View, then: (view: View) => void): void {
  const { text } = outer;
  const { length } = text;
  let start = 0;
  let letters = 0;
  let hexOnly = true;
  for (let index = 0; index <= length; index++) {
    const code = index < length ? text.charCodeAt(index) : 0;
    if (code < 128 && base64[code] === 1 && code !== 0x3d) {
      if (code >= 0x61) letters |= 1;
      else if (code >= 0x41 && code <= 0x5a) letters |= 2;
      if (hexOnly && hex[code] !== 1) hexOnly = false;
      continue;
    }
    const size = index - start;
    if (size >= SHORTEST_HEX && hexOnly && letters !== 3) decodeHex(outer, start, index, then);
    else if (size >= SHORTEST_BASE64 && letters === 3) decodeBase64(outer, start, index, then);
    start = index + 1;
    letters = 0;
    hexOnly = true;
  }
}

function decodeBase64(outer: View, start: number, end: number, then: (view: View) => void): void {
  for (let shift = 0; shift < 4; shift++) {
    const from = start + shift;
    const text = Buffer.from(outer.text.slice(from, end), "base64").toString("latin1");
    if (!hasWords(text)) continue;
    const first = (index: number): number => from + Math.floor((index * 4) / 3);
    const last = (index: number): number => Math.min(end - 1, from + Math.floor((index * 8 + 7) / 6));
    then(new Decoded(text, outer, first, last));
  }
}

function decodeHex(outer: View, start: number, end: number, then: (view: View) => void): void {
  for (let shift = 0; shift < 2; shift++) {
    const from = start + shift;
    const text = Buffer.from(outer.text.slice(from, end), "hex").toString("latin1");
    if (!hasWords(text)) continue;
    then(
      new Decoded(
        text,
        outer,
        (index) => from + 2 * index,
        (index) => from + 2 * index + 1,
      ),
    );
  }
}

const SHORTEST_WORD = 10;
/** A key that was encoded is readable when it is decoded; an image or a hash is not, for so many characters in a row. */
function hasWords(text: string): boolean {
  let row = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    row = code >= 0x20 && code < 0x7f ? row + 1 : 0;
    if (row === SHORTEST_WORD) return true;
  }
  return false;
}
