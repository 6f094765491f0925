// Fields that nobody knows are passed over, since clients of other hosts send more; one that is only spelt wrong would do nothing.

/** From how many letters on one that is wrong still names the same field, and two. */
const ONE_WRONG = 6;
const TWO_WRONG = 12;
/** Of unknown fields so many are looked at: more are no slip of anybody's. */
const MOST = 16;

/** The first field that is not known and reads like one that is and is not given: both, or undefined. */
export function misspelt(
  given: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): { field: string; meant: string } | undefined {
  let unknown = 0;
  for (const field in given) {
    if (known.has(field)) continue;
    if (++unknown > MOST) return undefined;
    for (const meant of known) if (!Object.hasOwn(given, meant) && isLike(field, meant)) return { field, meant };
  }
  return undefined;
}

function isLike(field: string, meant: string): boolean {
  if (bare(field) === bare(meant)) return true;
  const shorter = Math.min(field.length, meant.length);
  const allowed = shorter >= TWO_WRONG ? 2 : shorter >= ONE_WRONG ? 1 : 0;
  return Math.abs(field.length - meant.length) <= allowed && changes(field, meant) <= allowed;
}

/** `sessionId`, `session-id` and `Session_ID` are `session_id`. */
const bare = (name: string): string => (name.length > 60 ? name : name.replaceAll(/[_-]/g, "").toLowerCase());

/** How many letters are to be put in, left out or changed to make one of the other. */
function changes(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const changed = (row[j] ?? 0) + (one[i] === other[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
