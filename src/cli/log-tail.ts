// Where the last lines of an output begin, found from its end backwards: an output can be larger than memory.
import type { IncomingMessage } from "node:http";
import { get } from "./connect.ts";

const FIRST_LOOK = 64 * 1024;
const LARGEST_LOOK = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The offset of the first of the last `lines` lines; what is kept from the beginning if there are fewer; undefined where the
 * host does not say what it keeps. A line end as the very last byte ends a line and begins none.
 */
export async function tailOffset(home: string, id: string, lines: number): Promise<number | undefined> {
  const path = `/api/processes/${encodeURIComponent(id)}/output`;
  const range = await rangeOf(await get(home, path));
  if (range === undefined) return undefined;
  if (lines === 0) return range.end;
  // One more: the line end before the first line that is wanted, or the one that ends the output.
  let missing = lines + 1;
  let end = range.end;
  for (let look = FIRST_LOOK; end > range.start; look = Math.min(look * 2, LARGEST_LOOK)) {
    const from = Math.max(range.start, end - look);
    const bytes = await readSome(await get(home, `${path}?from=${from}`), end - from);
    if (end === range.end && bytes.length > 0 && bytes.at(-1) !== NEWLINE) missing--;
    for (let at = bytes.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1)) {
      missing--;
      if (missing === 0) return from + at + 1;
    }
    end = from;
  }
  return range.start;
}

// From `bytes 1000-1999/2000`; where there is nothing to send, a star stands for the range.
async function rangeOf(answer: IncomingMessage): Promise<{ start: number; end: number } | undefined> {
  const header = answer.headers["content-range"] ?? "";
  answer.destroy();
  const some = /^bytes (\d+)-(\d+)\//.exec(header);
  if (some !== null) return { start: Number(some[1]), end: Number(some[2]) + 1 };
  const none = /^bytes \*\/(\d+)$/.exec(header);
  return none === null ? undefined : { start: Number(none[1]), end: Number(none[1]) };
}

async function readSome(answer: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= most) break; // leaving the loop ends the answer
  }
  return Buffer.concat(parts).subarray(0, most);
}
