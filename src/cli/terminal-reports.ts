// What a terminal says by itself when a program asks it something: not typed by anybody.

/** Device attributes, cursor place, status, modes, keyboard and window reports, focus; colours and names as strings. */
const REPORT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
  /\x1b\[(?:[?>=][\d;:]*[cnuR]|[\d;]*n|\d+;\d+R|\??[\d;]*\$y|[\d;]+t|[IO])|\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\)/g;

/**
 * Input without the terminal's own answers. For a viewer that does not decide the size: there another viewer answers what
 * programs ask, and an answer of ours would be a second one, and count as typing.
 */
export function withoutReports(input: Buffer): Buffer {
  if (!input.includes(0x1b)) return input;
  return Buffer.from(input.toString("latin1").replace(REPORT, ""), "latin1");
}
