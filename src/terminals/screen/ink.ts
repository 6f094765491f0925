// Where a line's text is put together: a string made of a thousand small ones is a thousand objects to collect, and with the
// host's small nursery that took three quarters of the time of a snapshot.

/** More than most lines need; a longer one makes room for itself. */
const FIRST_UNITS = 2048;

/** Puts one string together after the other. */
export class Ink {
  #units = new Uint16Array(FIRST_UNITS);
  #length = 0;
  /** All units so far, one upon the other: whether one byte is enough for each. */
  #any = 0;
  #bytes: Buffer = Buffer.alloc(0);

  #grow(needed: number): void {
    const units = new Uint16Array(Math.max(needed, this.#units.length * 2));
    units.set(this.#units);
    this.#units = units;
  }

  text(text: string): void {
    const end = this.#length + text.length;
    if (end > this.#units.length) this.#grow(end);
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      this.#any |= unit;
      this.#units[this.#length++] = unit;
    }
  }

  character(codePoint: number): void {
    if (codePoint > 0xffff) {
      this.text(String.fromCodePoint(codePoint));
      return;
    }
    if (this.#length === this.#units.length) this.#grow(this.#length + 1);
    this.#any |= codePoint;
    this.#units[this.#length++] = codePoint;
  }

  /** All that was written, as one string; what is written next begins another. */
  take(): string {
    const length = this.#length;
    const narrow = this.#any <= 0xff;
    this.#length = 0;
    this.#any = 0;
    if (!narrow) return Buffer.from(this.#units.buffer, 0, 2 * length).toString("utf16le");
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(this.#units.length);
    for (let at = 0; at < length; at++) this.#bytes[at] = this.#units[at] ?? 0;
    return this.#bytes.toString("latin1", 0, length);
  }
}
