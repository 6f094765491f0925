// Text of a model as a person may be shown it: one line in which nothing hides.

/** Control characters, marks that reverse or hide text, and what looks like nothing. Plain spaces stay. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u3164\uffa0]|\p{Cs}/gu;
const LIMIT = 2000;
const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e" };

/** Escapes what cannot be seen and cuts what is long, saying how long it is. */
export function visible(text: string): string {
  const cut = text.length > LIMIT ? `${text.slice(0, LIMIT)}… (${text.length} characters in all)` : text;
  return cut.replace(HIDDEN, (char) => named[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
