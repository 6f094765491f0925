// A stretch of an output in one piece: a single read gives as much as it likes.
import type { Spool } from "./types.ts";

/** Reads `max` bytes from `from`, fewer only at the end of what is there; with `Infinity` all. Throws OffsetGone, as `read` does. */
export async function readAll(spool: Spool, from: number, max: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = from;
  while (offset < from + max) {
    const { bytes } = await spool.read(offset, from + max - offset);
    if (bytes.length === 0) break;
    parts.push(bytes);
    offset += bytes.length;
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
