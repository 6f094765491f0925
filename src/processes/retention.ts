// How long an ended process is remembered: row, output and files go together, the oldest first.

export const KEEP_ENDED = 1_000;
export const KEEP_BYTES = 4 * 1024 ** 3;
export const KEEP_MS = 24 * 60 * 60 * 1000;

export interface Ended {
  id: string;
  endedAt: number;
  bytes: number;
  /** Something it has started still writes to its output. */
  open: boolean;
}

/**
 * Which of the ended processes to forget: all but the newest 1,000, all but the newest 4 GiB of output, and what ended
 * more than 24 h ago. One whose output is still open stays.
 */
export function toForget(ended: readonly Ended[], now: number): string[] {
  const newestFirst = ended.toSorted((a, b) => b.endedAt - a.endedAt);
  let bytes = 0;
  const forget: string[] = [];
  for (const [index, one] of newestFirst.entries()) {
    bytes += one.bytes;
    if (!one.open && (index >= KEEP_ENDED || bytes > KEEP_BYTES || now - one.endedAt > KEEP_MS)) forget.push(one.id);
  }
  return forget;
}
