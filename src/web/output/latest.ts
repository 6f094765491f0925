// What of a flood is worth drawing: the end of it, from a line's beginning on. A line that was cut there would be whole nowhere,
// since the page before it ends where what is shown begins.

/** So much of a flood is drawn per frame. */
export const MOST_PER_FRAME = 128 * 1024;
const NEWLINE = 0x0a;

export interface Piece {
  bytes: Uint8Array;
  offset: number;
}

/** The pieces of the last so many bytes; the log that gets them marks what is left out. */
export function latest(pieces: readonly Piece[]): readonly Piece[] {
  let size = 0;
  let first = pieces.length;
  while (first > 0 && size < MOST_PER_FRAME) size += pieces[--first]?.bytes.length ?? 0;
  const over = size - MOST_PER_FRAME;
  if (first === 0 && over <= 0) return pieces;
  const [oldest, ...rest] = pieces.slice(first);
  if (oldest === undefined) return [];
  return fromLine([cut(oldest, Math.max(0, over)), ...rest]);
}

function cut({ bytes, offset }: Piece, by: number): Piece {
  return { bytes: bytes.subarray(by), offset: offset + by };
}

/** From the first line's beginning on that is in them; all of it where it is one line. */
function fromLine(pieces: readonly Piece[]): readonly Piece[] {
  const at = pieces.findIndex(({ bytes }) => bytes.includes(NEWLINE));
  const [oldest, ...rest] = pieces.slice(Math.max(0, at));
  if (at < 0 || oldest === undefined) return pieces;
  return [cut(oldest, oldest.bytes.indexOf(NEWLINE) + 1), ...rest];
}
