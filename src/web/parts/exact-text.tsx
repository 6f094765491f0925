// Text as it really is: what cannot be seen, or passes for something else, is drawn as a marked chip (see visible.ts).
import { memo, useMemo } from "react";
import { mixedLetters } from "../../client/mixed-scripts.ts";
import { hiddenCount, visiblePieces } from "../visible.ts";

/** Draws `text` so that no character of it is invisible, or looks like another. */
export const ExactText = memo(function ExactText({ text }: { text: string }) {
  const pieces = useMemo(() => visiblePieces(text), [text]);
  return (
    <>
      {pieces.map((piece, at) =>
        piece.kind === "plain" ? (
          piece.text
        ) : (
          <span
            // The text never changes under a card: a piece's place is its identity.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            key={at}
            className={
              piece.kind === "space"
                ? "text-faint"
                : "mx-px rounded bg-bad/15 px-0.5 font-semibold text-bad outline outline-bad/30"
            }
          >
            {piece.text}
          </span>
        ),
      )}
    </>
  );
});

/** One line about the texts: their length, and how much of them (`hidden`) is not what it would look like. */
export function exactNote(texts: readonly string[]): { note: string; hidden: number } {
  const sum = (count: (text: string) => number) => texts.reduce((before, text) => before + count(text), 0);
  const [hidden, mixed] = [sum(hiddenCount), sum((text) => mixedLetters(text).size)];
  const lines = sum((text) => text.replace(/\n$/, "").split("\n").length);
  const length = sum((text) => [...text].length);
  const parts = [`${length.toLocaleString()} ${length === 1 ? "character" : "characters"}`];
  if (lines > 1) parts.push(`${lines.toLocaleString()} lines`);
  if (hidden > 0) parts.push(`${hidden.toLocaleString()} not visible as such, shown marked`);
  if (mixed > 0) parts.push(`${mixed.toLocaleString()} of another alphabet in a Latin word, shown marked`);
  return { note: parts.join(" · "), hidden: hidden + mixed };
}
