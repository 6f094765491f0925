// Which characters secrets are made of, as tables: one look per character, whatever the text.

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";

export type CharClass = Uint8Array;

/** The class of these ASCII characters. */
export function classOf(characters: string): CharClass {
  const table = new Uint8Array(128);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

export const digit = classOf(DIGITS);
export const alnum = classOf(UPPER + LOWER + DIGITS);
/** Letters, digits, `_` and `-`. */
export const word = classOf(`${UPPER + LOWER + DIGITS}_-`);
export const dotted = classOf(`${UPPER + LOWER + DIGITS}_-.`);
export const hex = classOf(`${DIGITS}abcdefABCDEF`);
export const upperDigits = classOf(UPPER + DIGITS);
/** Both alphabets of base64, with `=`. */
export const base64 = classOf(`${UPPER + LOWER + DIGITS}+/=_-`);
export const base64Percent = classOf(`${UPPER + LOWER + DIGITS}+/=_-%`);
/** What tokens in headers are made of. */
export const token68 = classOf(`${UPPER + LOWER + DIGITS}+/=_-.~:`);
/** What names of variables, fields and headers are made of. */
export const nameCharacters = classOf(`${UPPER + LOWER + DIGITS}_-.`);
/** A value without quotes ends at what is not in here. */
export const bare = classOf(
  Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index))
    .filter((character) => !"\"'`,;&<>()[]{}|\\".includes(character))
    .join(""),
);
/** Everything that is seen. */
export const visibleCharacters = classOf(
  Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join(""),
);

export const isIn = (table: CharClass, code: number): boolean => code < 128 && table[code] === 1;
export const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** A digit together with a letter, or letters of both cases: what chance makes and words are not. */
export function looksMixed(text: string): boolean {
  let upper = false;
  let lower = false;
  let digits = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x30 && code <= 0x39) digits = true;
    else if (code >= 0x41 && code <= 0x5a) upper = true;
    else if (code >= 0x61 && code <= 0x7a) lower = true;
  }
  return (digits && (upper || lower)) || (upper && lower);
}

/** How often a text changes between letters, digits and other characters; words and version numbers hardly do. */
export function changes(text: string): number {
  let count = 0;
  let before = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = code >= 0x30 && code <= 0x39 ? 0 : (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a ? 1 : 2;
    if (before !== -1 && kind !== before) count++;
    before = kind;
  }
  return count;
}
