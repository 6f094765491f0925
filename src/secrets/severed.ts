// Output whose beginning is no longer kept may begin inside a secret, whose end has no shape to know it by: so it is not shown.

/** Of a line without end so much, which is longer than secrets are. In characters, or bytes where they are one each. */
const LONGEST = 8 * 1024;
const KEY_ENDS = "-----END ";

/** How much at the beginning of such a text may be the end of a secret: up to its first line end, or that of a key's block. */
export function severed(text: string): number {
  const line = text.indexOf("\n");
  let end = line === -1 || line >= LONGEST ? Math.min(text.length, LONGEST) : line + 1;
  const close = text.slice(0, LONGEST).indexOf(KEY_ENDS);
  if (close !== -1 && isKey(text.slice(close, close + 64)) && !text.slice(0, close).includes("-----BEGIN ")) {
    const last = text.slice(close, close + 80).indexOf("\n");
    end = Math.max(end, last === -1 ? close + KEY_ENDS.length : close + last + 1);
  }
  const unit = text.charCodeAt(end);
  return unit >= 0xdc00 && unit <= 0xdfff ? end + 1 : end;
}

const isKey = (text: string): boolean => text.includes("PRIVATE KEY");
