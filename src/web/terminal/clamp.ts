// Takes the poison out of control sequences before an emulator sees them: thirteen bytes that ask to insert two thousand
// million lines stop it, and this page, for minutes. No screen has 9,999 rows or columns, so a number of more than four
// digits means the same as its first four, whatever is counted.

const ESC = 0x1b;
/** The one-byte form of ESC [ (U+009B), as UTF-8. */
const C1 = 0xc2;
const CSI = 0x9b;
const CANCEL = [0x18, 0x1a];
const DIGITS = 4;

type State = "text" | "escape" | "c1" | "sequence";

/** A filter for one stream of bytes; a sequence may be cut anywhere between two pieces. */
export class Clamp {
  #state: State = "text";
  #digits = 0;

  /** The bytes without the digits that are too many; the same array where there are none. */
  filter(bytes: Uint8Array): Uint8Array {
    let kept: number[] | undefined;
    let copied = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#passes(bytes[at] ?? 0)) continue;
      kept ??= [];
      for (; copied < at; copied += 1) kept.push(bytes[copied] ?? 0);
      copied = at + 1;
    }
    if (kept === undefined) return bytes;
    const out = new Uint8Array(kept.length + bytes.length - copied);
    out.set(kept);
    out.set(bytes.subarray(copied), kept.length);
    return out;
  }

  #passes(byte: number): boolean {
    if (byte === ESC) this.#state = "escape";
    else if (byte === C1) this.#state = "c1";
    else if (this.#state === "escape" || this.#state === "c1") {
      this.#state = byte === (this.#state === "escape" ? 0x5b : CSI) ? "sequence" : "text";
      this.#digits = 0;
    } else if (this.#state === "sequence") return this.#inSequence(byte);
    return true;
  }

  #inSequence(byte: number): boolean {
    if (byte >= 0x30 && byte <= 0x39) {
      // Leading zeros do not count.
      if (byte !== 0x30 || this.#digits > 0) this.#digits += 1;
      return this.#digits <= DIGITS;
    }
    // A line break and its like happen in the middle of a sequence, and its number goes on after them.
    if ((byte < 0x20 && !CANCEL.includes(byte)) || byte === 0x7f) return true;
    this.#digits = 0;
    if (byte < 0x20 || (byte >= 0x40 && byte <= 0x7e)) this.#state = "text";
    return true;
  }
}
