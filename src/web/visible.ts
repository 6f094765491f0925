// Makes a command show what it is: whoever approves it must see every character that the shell will get (A36).
import { mixedLetters } from "../client/mixed-scripts.ts";
import { isUnseen, LONGEST_BLANK } from "../client/unseen.ts";

export interface Piece {
  /**
   * `hidden`: drawn as a marked chip, because the character itself would not be seen, would move its neighbours or would be
   * taken for another. `space`: a line break or tab, seen and kept.
   */
  kind: "plain" | "hidden" | "space";
  text: string;
}

const CONTROL = /\p{Cc}/u;
const isHidden = (character: string): boolean => CONTROL.test(character) || isUnseen(character);

/** The text in pieces whose drawn form names every invisible character and every letter that passes for another. */
export function visiblePieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  const add = (kind: Piece["kind"], part: string) => {
    const last = pieces.at(-1);
    if (last?.kind === kind && kind === "plain") last.text += part;
    else pieces.push({ kind, text: part });
  };
  const characters = [...text];
  const mixed = mixedLetters(text);
  let at = 0;
  for (let i = 0; i < characters.length; ) {
    const character = characters[i] ?? "";
    const odd = mixed.has(at);
    let run = 1;
    while (characters[i + run] === character && mixed.has(at + run * character.length) === odd) run += 1;
    at += run * character.length;
    if (character === "\n") {
      add("space", run > 2 ? `⏎×${run}\n` : "⏎\n".repeat(run));
    } else if (character === " " && run > LONGEST_BLANK) {
      add("hidden", `␣×${run}`);
    } else if (character === "\t" && run <= LONGEST_BLANK) {
      add("space", "→\t".repeat(run));
    } else if (odd || isHidden(character)) {
      add("hidden", run > 3 ? `${named(character)}×${run}` : named(character).repeat(run));
    } else {
      add("plain", character.repeat(run));
    }
    i += run;
  }
  return pieces;
}

/** How many characters of the text cannot be seen as they are (line breaks and tabs not counted). */
export function hiddenCount(text: string): number {
  let count = 0;
  for (const character of text) if (character !== "\n" && character !== "\t" && isHidden(character)) count += 1;
  return count;
}

const short: Readonly<Record<string, string>> = { "\t": "\\t", "\r": "\\r", "\0": "\\0", "\u001b": "\\e", "\b": "\\b" };

function named(character: string): string {
  const known = short[character];
  if (known !== undefined) return known;
  const point = character.codePointAt(0) ?? 0;
  return point < 0x80 ? `\\x${point.toString(16).padStart(2, "0")}` : `\\u{${point.toString(16)}}`;
}
