// Words on their way through a shell, and out of what a program has said.
import { HostError } from "../protocol/errors.ts";

/** A word as any POSIX shell (and fish) reads it back. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const MOST = 600;

/** The last lines of what a program has said, on one line, fit to be shown. */
export function lastWords(text: string): string {
  const lines = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach anybody's terminal
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const words = lines.slice(-3).join("; ");
  return words.length > MOST ? `…${words.slice(-MOST)}` : words;
}

/** The sandbox could not be entered: what a person is told, with what to do. */
export class SandboxFailed extends HostError {
  constructor(name: string, why: string, options?: ErrorOptions) {
    super("failed_start", `The sandbox "${name}" could not be entered: ${why}.`, options);
  }
}
