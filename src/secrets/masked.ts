// Output with its secrets covered, byte for byte as long as it was: for viewers who count offsets.
import { type Redactor, rawText } from "./redactor.ts";
import type { Span } from "./span.ts";
import { insideEnd, isString, sequenceEnd } from "./view.ts";

/**
 * The bytes from `from` to `to` of `all`, what is secret covered; the rest is there to tell it by. `open`: a secret ends where
 * `all` does. `broken`: what came before `all` is no longer kept, so that it may begin inside a secret.
 */
export function masked(
  redactor: Redactor,
  all: Buffer,
  from: number,
  to: number,
  broken = false,
): { bytes: Buffer; open: boolean } {
  // One character for each byte; keys are ASCII, and known values are looked for in this form too.
  const text = all.toString("latin1");
  const spans = redactor.spansOf(rawText(text));
  const bytes = Buffer.from(all.subarray(from, to));
  if (broken) cover(text, { start: 0, end: redactor.severed(rawText(text)), label: CUT_OFF, rank: 0 }, bytes, from);
  for (const span of spans) if (span.start < to && span.end > from) cover(text, span, bytes, from);
  return { bytes, open: spans.some(({ end }) => end === all.length) };
}

const CUT_OFF = "the rest of a line";

/** Writes the name over the secret, then asterisks; line ends and escape sequences stay. */
function cover(text: string, { start, end, label }: Span, bytes: Buffer, from: number): void {
  const name = end - start >= label.length + 12 ? `[redacted: ${label}]` : end - start >= 10 ? "[redacted]" : "";
  const put = (index: number, byte: number): void => {
    const at = index - from;
    if (at >= 0 && at < bytes.length) bytes[at] = byte;
  };
  let written = 0;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x0d) continue;
    const last = code === 0x1b ? sequenceEnd(text, index) : index;
    if (last > index) {
      // A title or a link could hold the same secret; what begins and ends it stays.
      if (isString(text, index)) for (let inner = index + 2; inner < insideEnd(text, last); inner++) put(inner, 0x2a);
      index = last - 1;
      continue;
    }
    put(index, name.charCodeAt(written) || 0x2a);
    written++;
  }
}
