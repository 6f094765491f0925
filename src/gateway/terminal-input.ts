// What a viewer types or pastes: in order, as fast as the program takes it, and nothing left out without a word.
import { setTimeout as delay } from "node:timers/promises";

/** A program that has read nothing for so long does not read: then the person is told, and may press Ctrl-C. */
const PATIENCE_MS = 2_000;
const AGAIN_MS = 20;
/** A terminal in line mode keeps so much of a line. */
const LONGEST_LINE = 4_095;
/** Keys, not a paste: these are sent even where a paste just broke off. The end of a bracketed paste is among them. */
const KEYS_BYTES = 64;

export interface TypedOptions {
  /** Bytes taken, from the first on. */
  write: (bytes: Uint8Array) => Promise<number>;
  /** For the person: what was not taken, and why. */
  onCut: (message: string) => void;
  signal: AbortSignal;
}

export class Typed {
  readonly #o: TypedOptions;
  #received = 0;
  /** Pieces up to this one came before somebody could know that the paste they belong to had broken off. */
  #broken = 0;

  constructor(o: TypedOptions) {
    this.#o = o;
  }

  /** To be called for each piece as it comes; answers its number. */
  arrived(): number {
    return ++this.#received;
  }

  /** One after the other, in the order of their numbers. */
  async write(bytes: Uint8Array, piece: number): Promise<void> {
    if (piece <= this.#broken && bytes.length > KEYS_BYTES) return;
    const first = await this.#o.write(bytes);
    if (first === bytes.length) return;
    const { taken, tooLong } = await this.#writeRest(bytes, first);
    if (taken === bytes.length || this.#o.signal.aborted) return;
    const more = this.#received > piece ? ", nor what was pasted with it" : "";
    this.#broken = this.#received;
    const why = tooLong
      ? `the program reads lines, and a line ends at ${LONGEST_LINE} bytes (Ctrl-U removes it)`
      : "the program does not read what is typed";
    this.#o.onCut(`Only ${taken} of ${bytes.length} bytes were taken: ${why}. The rest was not sent${more}.`);
  }

  async #writeRest(bytes: Uint8Array, first: number): Promise<{ taken: number; tooLong: boolean }> {
    let taken = first;
    let since = performance.now();
    while (taken < bytes.length && !this.#o.signal.aborted) {
      const line = bytes.subarray(0, taken);
      const begins = Math.max(line.lastIndexOf(0x0a), line.lastIndexOf(0x0d)) + 1;
      // A full line has no room however long one waits; where it began in an earlier piece, waiting tells.
      if (taken - begins === LONGEST_LINE) return { taken, tooLong: true };
      await delay(AGAIN_MS);
      const more = await this.#o.write(bytes.subarray(taken));
      if (more > 0) {
        taken += more;
        since = performance.now();
      } else if (performance.now() - since > PATIENCE_MS) break;
    }
    return { taken, tooLong: false };
  }
}
