// What a terminal, or the emulator of one, says by itself when a program asks it something: not typed by anybody.

/**
 * Device attributes, status, cursor, modes, keyboard and window reports, focus; colours, names and the like as strings. A
 * place in the first row may be F3 with Shift, Alt or Ctrl instead (`ESC [1;2R`): it is taken for the key, since a key that
 * is lost is noticed by a person each time.
 */
const ANSWER = String.raw`\x1b\[(?:[?>=][\d;:]*[cntuR]|[\d;]*[cnx]|[?>=]?[\d;]*\$y|[\d;]+t|(?!1;[2-8]R)\d+;\d+R|[IO])|\x1b[P_][^\x1b]*\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`;
const EACH = new RegExp(ANSWER, "g");
const ALL = new RegExp(`^(?:${ANSWER})+$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const KEY_OR_PLACE = /^\x1b\[1;[2-8]R$/;

/** True if all of `text` (characters or bytes as such) is what a terminal says by itself. */
export function isAnswer(text: string): boolean {
  return ALL.test(text);
}

/** True for what is either F3 with another key or a place in the first row: only who saw the key can tell. */
export function isKeyOrAnswer(text: string): boolean {
  return KEY_OR_PLACE.test(text);
}

/** `text` without what a terminal says by itself. */
export function withoutAnswers(text: string): string {
  return text.replace(EACH, "");
}
