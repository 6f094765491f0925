// Reads on over a wrapped line: where a run of characters meets a line end, whether the next line is its rest or something else.
import { type CharClass, isIn, looksMixed } from "./classes.ts";
import type { View } from "./view.ts";

/** Widths at which people, terminals and programs wrap lines. */
const usualWidths = new Set([40, 48, 60, 64, 72, 76, 78, 79, 80, 100, 120, 128, 132, 160, 200]);

/** Narrower lines of the same length are so by accident. */
const LEAST_WIDTH = 20;

/**
 * Where the run of characters of `table` that begins at `from` ends. It goes on in the next line while it is shorter than
 * `min`; after that only where the line looks wrapped.
 */
export function runEnd(view: View, from: number, table: CharClass, min: number, max: number): number {
  const { text } = view;
  const limit = Math.min(text.length, from + max);
  let wrap = view.breakFrom(from + 1);
  let width = 0;
  let index = from;
  while (index < limit && isIn(table, text.charCodeAt(index))) {
    if (index === wrap) {
      const line = wrap - view.breakUpTo(wrap - 1);
      const next = view.breakFrom(wrap + 1);
      if (!goesOn(view, table, { from, wrap, line, next, min, width })) return index;
      width = line;
      wrap = next;
    }
    index++;
  }
  return index;
}

/** Whether the line that ends at the break `wrap` looks as if it was wrapped there. */
export function wrapsAt(view: View, wrap: number): boolean {
  const width = wrap - view.breakUpTo(wrap - 1);
  const next = view.breakFrom(wrap + 1) - wrap;
  return next <= width && (usualWidths.has(width) || (next === width && width >= LEAST_WIDTH));
}

interface Wrap {
  from: number;
  wrap: number;
  /** Length of the line that ends, and where the next one does. */
  line: number;
  next: number;
  min: number;
  /** Width at which a line was taken to be wrapped before; 0: none was. */
  width: number;
}

function goesOn({ text }: View, table: CharClass, { from, wrap, line, next, min, width }: Wrap): boolean {
  const nextLength = text.slice(wrap, next).indexOf("\n") === -1 ? next - wrap : text.indexOf("\n", wrap) - wrap;
  if (nextLength > line || nextLength === 0) return false;
  if (wrap - from < min) return true;
  if (width !== 0 && line !== width) return false;
  for (let index = wrap; index < wrap + nextLength; index++) if (!isIn(table, text.charCodeAt(index))) return false;
  if (width === line) return true;
  const wide = usualWidths.has(line) || (nextLength === line && line >= LEAST_WIDTH);
  return wide && looksMixed(text.slice(wrap, next));
}
