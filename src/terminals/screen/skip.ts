// A flood scrolls faster than anyone could emulate it: what would scroll out of memory before it is over need not be drawn.

const ESC = 0x1b;
const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;

/**
 * How much of `bytes` can be left out where lines of text only scroll, if `lines` line ends remain behind it; and the
 * renditions (colours) chosen in what is left out, which stay in force. Zero where anything but text and renditions
 * is in it. It begins at a character and ends right after a line's end.
 */
export function skippable(bytes: Uint8Array, lines: number): { length: number; renditions: Uint8Array[] } {
  const none = { length: 0, renditions: [] };
  const end = lineEndBefore(bytes, lines);
  if (end <= 0) return none;
  let renditions: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x20 && byte !== 0xc2) continue;
    if (byte === LF || byte === CR || byte === TAB) continue;
    // A control in two bytes, or half a character.
    if (byte === 0xc2 && (bytes[at + 1] ?? 0) >= 0xa0) continue;
    const stop = renditionEnd(bytes, at);
    if (stop === bytes.length) break; // cut off at the end, far behind what is left out
    if (stop === undefined) return none;
    if (at < end) {
      const resets = stop === at + 2 || (stop === at + 3 && bytes[at + 2] === 0x30);
      if (resets) renditions = [];
      renditions.push(bytes.subarray(at, stop + 1));
    }
    at = stop;
  }
  return { length: end + 1, renditions };
}

/** The last line feed with `lines` more behind it that also goes to the first column; -1 if there is none. */
function lineEndBefore(bytes: Uint8Array, lines: number): number {
  let end = bytes.length;
  for (let left = lines; left >= 0 && end > 0; left--) end = bytes.lastIndexOf(LF, end - 1);
  while (end > 0 && bytes[end - 1] !== CR) end = bytes.lastIndexOf(LF, end - 1);
  return end;
}

/** Where the rendition that begins at `at` has its last byte; the length where it is cut off, undefined where it is none. */
function renditionEnd(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] !== ESC) return undefined;
  if (at + 1 === bytes.length) return bytes.length;
  if (bytes[at + 1] !== 0x5b) return undefined;
  let stop = at + 2;
  while (stop < bytes.length && (bytes[stop] ?? 0) >= 0x30 && (bytes[stop] ?? 0) <= 0x3b) stop++;
  return stop === bytes.length || bytes[stop] === 0x6d ? stop : undefined;
}
