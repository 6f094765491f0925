// What a person has added to what counts as secret: texts are known values, shapes are looked for beside those of providers.
import { isShape, type Secret, type SecretShape } from "../regex/shape.ts";
import { isIn, visibleCharacters, word } from "./classes.ts";
import { Finder } from "./finder.ts";
import type { Known } from "./known.ts";
import { wrapsAt } from "./run.ts";
import { RANK, type Span } from "./span.ts";
import type { View } from "./view.ts";

const EXTRA = "redaction_extra";
/** No key is longer. */
const LONGEST = 1024;
/** So many beginnings in one text that are none: after that each is taken for one, since to look at all would take too long. */
const MOST_MISSES = 1_000;

export class Extra {
  #from: readonly Secret[] = [];
  #finder: Finder<SecretShape> | null = null;

  /** Takes over what is given, unless it has before. */
  take(secrets: readonly Secret[], known: Known): void {
    if (secrets === this.#from) return;
    this.#from = secrets;
    const shapes = secrets.filter(isShape);
    for (const secret of secrets) if (!isShape(secret)) known.learn(EXTRA, secret.text, { lasting: true, said: true });
    this.#finder =
      shapes.length === 0 ? null : new Finder(shapes.map((of) => ({ text: of.beginning, fold: of.ignoreCase, of })));
  }

  /** Calls `add` for each in the view. */
  each(view: View, add: (span: Span) => void): void {
    let misses = 0;
    this.#finder?.each(view.text, (start, length, shape) => {
      if (shape.atWord && isIn(word, view.text.charCodeAt(start - 1))) return;
      const end = misses < MOST_MISSES ? endOf(view, start, length, shape) : wordEnd(view.text, start);
      if (end > start) add({ start, end, label: EXTRA, rank: RANK.known });
      else misses++;
    });
  }
}

/** Where the match ends that begins at `start`; `start` where there is none. */
function endOf(view: View, start: number, beginning: number, { machine }: SecretShape): number {
  const { text } = view;
  const limit = Math.min(text.length, start + LONGEST);
  // It goes over the end of its line only where that was wrapped: else what the next line begins with would be taken for its end.
  const line = Math.min(limit, view.breakFrom(start + 1));
  const inLine = machine.exec(text.slice(start, line))?.[0].length ?? 0;
  if (inLine > 0 && (start + inLine < line || line === limit || !wrapsAt(view, line))) return start + inLine;
  const whole = line === limit ? 0 : (machine.exec(text.slice(start, limit))?.[0].length ?? 0);
  if (whole > 0 || inLine > 0) return start + Math.max(whole, inLine);
  // What is still being written, or was cut here, counts from its first characters on.
  const end = wordEnd(text, start);
  return (end === text.length || text[end] === "…") && end - start > beginning ? end : start;
}

function wordEnd(text: string, start: number): number {
  const limit = Math.min(text.length, start + LONGEST);
  let end = start;
  while (end < limit && isIn(visibleCharacters, text.charCodeAt(end))) end++;
  return end;
}
