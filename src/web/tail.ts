// The last lines of an output that still grows, as plain text: for a glance, where a whole screen would be too much.

/** Raw characters kept; more than any glance needs, bounded however much is printed. */
const KEPT = 16_384;

/** Adds what came; forgets what is too long ago to be in the last lines. */
export function grow(raw: string, more: string): string {
  const all = raw + more;
  return all.length > KEPT ? all.slice(-KEPT) : all;
}

/* Escape sequences: CSI, OSC and other strings, two-character ones; and one that has not arrived whole. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~]|[\s\S]{0,256}$)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is left of them must not reach the page
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** The last `most` lines without escape sequences; a line that was overwritten (`\r`) shows its last state. */
export function lastLines(raw: string, most: number): string {
  const lines = raw.replace(ESCAPES, "").replace(/\r+\n/g, "\n").replace(/\n$/, "").split("\n").slice(-most);
  return lines
    .map((line) => line.replace(/\r+$/, "").split("\r").pop() ?? "")
    .join("\n")
    .replace(CONTROLS, "");
}
