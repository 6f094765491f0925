// Letters that pass for others: in a Latin word a Cyrillic а is read as an a, and is another file, program or address (A36).

/** With what fonts draw the same, and with what cannot be seen: neither begins another word. */
const WORD = /[\p{L}\p{M}\p{N}\p{Cf}]+/gu;
const LATIN = /(?![\uff21-\uff5a])\p{Script=Latin}/u;
/**
 * Alphabets with letters that look like Latin ones, and the Latin one as mathematicians and East Asian fonts have it. Not
 * those that are honestly written without a blank beside Latin words, as Chinese, Japanese and Thai are.
 */
const FOREIGN =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Georgian}\p{Script=Lisu}\p{Script=Deseret}\p{Script=Osage}\p{Script=Tifinagh}\p{Script=Glagolitic}\p{Script=Gothic}\p{Script=Old_Italic}\p{Script=Runic}\p{Script=Canadian_Aboriginal}\p{Script=Vai}\p{Script=Elbasan}\p{Script=Lycian}\p{Script=Carian}\p{Script=Lydian}\uff21-\uff3a\uff41-\uff5a\u{1d400}-\u{1d7ff}]/u;

/**
 * Where in `text` (in UTF-16 units) letters of another alphabet stand in a word that has Latin ones too. A word that is all
 * of one alphabet is taken for what it is.
 */
export function mixedLetters(text: string): ReadonlySet<number> {
  const found = new Set<number>();
  if (!FOREIGN.test(text)) return found;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!LATIN.test(word) || !FOREIGN.test(word)) continue;
    let at = index;
    for (const letter of word) {
      if (FOREIGN.test(letter)) found.add(at);
      at += letter.length;
    }
  }
  return found;
}
