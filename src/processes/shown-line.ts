// One line of an output as it may be told: what is secret in it is known only by what stands before and after it.
import type { Spool } from "../keeper/keepers.ts";
import { readAll } from "../keeper/read-all.ts";
import { joined, type RawText, type Redactor, rawLength, tidied } from "../secrets/redactor.ts";
import { decodeFrom, stripAnsi } from "./plain-text.ts";

const BEFORE_BYTES = 4096;
const LINE_BYTES = 8000;
/** What stands for a line whose beginning is no longer kept: it may be the end of a secret. */
const CUT_OFF = "[the rest of a line]";

/** The line that begins at `start`, as far as it is there and fits; nothing at or after `end` is looked at. Throws OffsetGone. */
export async function shownLine(spool: Spool, redactor: Redactor, start: number, end: number): Promise<string> {
  const from = Math.max(spool.firstKept, start - BEFORE_BYTES);
  const bytes = await readAll(spool, from, Math.min(start - from + LINE_BYTES, end - from));
  // It may keep less by now than when this was read.
  if (from > 0 && from <= spool.firstKept && redactor.severed(text(bytes, true)) > start - from) return CUT_OFF;
  const own = bytes.subarray(Math.max(0, start - from));
  const before = text(bytes.subarray(0, Math.max(0, start - from)), from === 0);
  const seen = text(own, true);
  const line = tidied(seen, (from) => from.slice(0, from.search(/[\r\n]|$/)));
  return redactor.part(joined(before, seen), rawLength(before), rawLength(before) + rawLength(line));
}

const text = (bytes: Buffer, atStart: boolean): RawText => tidied(decodeFrom(bytes, atStart), stripAnsi);
