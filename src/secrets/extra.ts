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
/**
 * So many characters of one text are looked at beyond what matches are made up of, each once: after that a beginning is taken
 * for a secret, up to the end of its word, since a text of nothing but beginnings would hold up the host for seconds.
 */
const MOST_LOOKED_AT = 1_000 * LONGEST;

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
    let looked = 0;
    /** Up to where the text is known to be secret. */
    let known = 0;
    this.#finder?.each(view.text, (start, length, shape) => {
      if (shape.atWord && isIn(word, view.text.charCodeAt(start - 1))) return;
      const over = looked > MOST_LOOKED_AT;
      if (over && start < known) return;
      const { end, cost } = over ? { end: wordEnd(view.text, start), cost: 0 } : endOf(view, start, length, shape);
      if (end > start) add({ start, end, label: EXTRA, rank: RANK.own });
      looked += cost - Math.max(0, end - Math.max(start, known));
      known = Math.max(known, end);
    });
  }
}

/** Where the match ends that begins at `start`, which is `start` where there is none; and how many characters were looked at. */
function endOf(view: View, start: number, beginning: number, { machine }: SecretShape): { end: number; cost: number } {
  const { text } = view;
  const limit = Math.min(text.length, start + LONGEST);
  // It goes over the end of its line only where that was wrapped: else what the next line begins with would be taken for its end.
  const line = Math.min(limit, view.breakFrom(start + 1));
  const inLine = machine.exec(text.slice(start, line))?.[0].length ?? 0;
  const cost = line - start;
  if (inLine > 0 && (start + inLine < line || line === limit || !wrapsAt(view, line)))
    return { end: start + inLine, cost };
  const whole = line === limit ? 0 : (machine.exec(text.slice(start, limit))?.[0].length ?? 0);
  const both = cost + limit - start;
  if (whole > 0 || inLine > 0) return { end: start + Math.max(whole, inLine), cost: both };
  // What is still being written, or was cut here, counts from its first characters on.
  const end = wordEnd(text, start);
  const open = (end === text.length || text[end] === "…") && end - start > beginning;
  return { end: open ? end : start, cost: both };
}

function wordEnd(text: string, start: number): number {
  const limit = Math.min(text.length, start + LONGEST);
  let end = start;
  while (end < limit && isIn(visibleCharacters, text.charCodeAt(end))) end++;
  return end;
}
