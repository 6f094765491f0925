// How long an ended process is remembered: row, output and files go together, the oldest first.

export const KEEP_BYTES = 4 * 1024 ** 3;

/** How many ended processes are kept, and for how long (P24). */
export interface Keep {
  ended: number;
  ms: number;
}

export interface Ended {
  id: string;
  endedAt: number;
  bytes: number;
  /** Something it has started still writes to its output. */
  open: boolean;
}

/**
 * Which of the ended processes to forget: all but the newest `keep.ended`, what ended longer than `keep.ms` ago, and all but
 * the newest 4 GiB of output. One whose output is still open stays; so does one whose notice nobody has been told yet, which
 * is for the caller to leave out.
 */
export function toForget(ended: readonly Ended[], keep: Keep, now: number): string[] {
  const newestFirst = ended.toSorted((a, b) => b.endedAt - a.endedAt);
  let bytes = 0;
  const forget: string[] = [];
  for (const [index, one] of newestFirst.entries()) {
    bytes += one.bytes;
    const old = now - one.endedAt > keep.ms;
    if (!one.open && (index >= keep.ended || bytes > KEEP_BYTES || old)) forget.push(one.id);
  }
  return forget;
}
