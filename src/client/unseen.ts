// Characters that cannot be seen as they are: who approves a command must see all that the shell will get, on the page and on a
// terminal alike (A36). Controls are not among them: each place shows those in its own way.

/**
 * Format characters (bidirectional, zero width, soft hyphen, tags), separators, private use, surrogates, unassigned, variation
 * selectors, odd blanks, and the letters that fonts draw as nothing.
 */
const UNSEEN =
  /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}\p{Variation_Selector}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5|(?! )\p{Zs}/gu;
const ONE = new RegExp(UNSEEN.source, "u");

/** More of the same blank than this in a row is counted instead of drawn, so that nothing can be pushed out of sight. */
export const LONGEST_BLANK = 12;

/** Whether one character (a code point) is such. */
export function isUnseen(character: string): boolean {
  return ONE.test(character);
}

/** `text` with `named` of each of them in its place. */
export function nameUnseen(text: string, named: (character: string) => string): string {
  return text.replace(UNSEEN, (character) => named(character));
}
