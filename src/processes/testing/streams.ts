// Outputs as programs that colour, move and take back write them, for tests that try many of them.
import fc from "fast-check";

const words = fc.constantFrom("ab", "a", "b", "1", " ", "x1", "ready", "é", "✓", "😀", "green ok", "B", "bb");
const ends = fc.constantFrom("\n", "\r", "\r\n");
const sequences = fc.constantFrom(
  "\x1b[0m",
  "\x1b[1;32m",
  "\x1b[38;5;9m",
  "\x1b[K",
  "\x1b[2K",
  "\x1b[?25l",
  "\x1b[>4;1m",
  "\x1b(B",
  "\x0f",
  "\x1b=",
  "\x1b]0;ab ready\x07",
  "\x1b]8;;http://ab\x1b\\",
  "\x1bPq#0\x1b\\",
);
const moves = fc.constantFrom(
  "\x1b[1G",
  "\x1b[G",
  "\x1b[9G",
  "\x1b[2;5H",
  "\x1b[1A",
  "\x1b[C",
  "\x1b[2D",
  "\x1b[D",
  "\x1b8",
  "\x1bM",
  "\x0b",
);
const backs = fc.constantFrom("\b", "\b\b", "\b \b", "\x07", "\0", "\x7f");
const broken = fc.constantFrom(
  "\x1b",
  "\x1b[",
  "\x1b[3",
  "\x1b]0;",
  "\x1b]0;a",
  "\x1b(",
  "\x1b\\",
  "\x1b[1\n",
  "[",
  "m",
  "]",
);

export const streams = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: words },
      { weight: 3, arbitrary: ends },
      { weight: 5, arbitrary: sequences },
      { weight: 2, arbitrary: moves },
      { weight: 2, arbitrary: backs },
      { weight: 1, arbitrary: broken },
    ),
    { maxLength: 40, size: "max" },
  )
  .map((parts) => parts.join(""));

/** A text's bytes cut at these places. */
export function pieces(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}
