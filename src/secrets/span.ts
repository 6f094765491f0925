// Where a secret stands, and which of two names wins where finds overlap.

export interface Span {
  start: number;
  end: number;
  label: string;
  rank: number;
}
/** A name beside a value says least, a known value most; `own` is a shape that a person has given. */
export const RANK = { name: 1, shape: 2, own: 3, known: 4 } as const;

/** Overlapping ones become one, under the name of the highest rank; sorted. */
export function merged(spans: Span[]): Span[] {
  spans.sort((a, b) => a.start - b.start || b.rank - a.rank || b.end - a.end);
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last === undefined || span.start >= last.end) result.push({ ...span });
    else {
      last.end = Math.max(last.end, span.end);
      if (span.rank > last.rank) {
        last.rank = span.rank;
        last.label = span.label;
      }
    }
  }
  return result;
}
