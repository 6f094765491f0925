// A spool as a page shows it where it is no screen: secrets are covered, offsets stay what they are.
import { masked } from "../secrets/masked.ts";
import { MARGIN, type Redactor } from "../secrets/redactor.ts";
import type { AttachmentView, SpoolView } from "./services.ts";

/** How long the end of what is there may wait for the rest of a word. */
const PATIENCE_MS = 150;
const LONGEST_WORD = 4096;

/** The attachment without a screen: its bytes as they may be shown. */
export function covered(attachment: AttachmentView, redactor: Redactor | undefined): AttachmentView {
  if (redactor === undefined) return attachment;
  const spool = new MaskedSpool(attachment.spool, redactor);
  const { write, resize, onResize } = attachment;
  return {
    ...{ spool, mode: attachment.mode, sizes: null, drawn: null, ended: attachment.ended },
    write: write.bind(attachment),
    resize: resize.bind(attachment),
    onResize: onResize.bind(attachment),
  };
}

class MaskedSpool implements SpoolView {
  readonly #spool: SpoolView;
  readonly #redactor: Redactor;
  constructor(spool: SpoolView, redactor: Redactor) {
    this.#spool = spool;
    this.#redactor = redactor;
  }
  get length(): number {
    return this.#spool.length;
  }
  get firstKept(): number {
    return this.#spool.firstKept;
  }
  get ended(): boolean {
    return this.#spool.ended;
  }
  grown(after: number, signal: AbortSignal): Promise<void> {
    return this.#spool.grown(after, signal);
  }

  async read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const { length, ended } = this.#spool;
      const to = Math.min(from + max, length);
      if (to <= from) return await this.#spool.read(from, max);
      const { firstKept } = this.#spool;
      const start = Math.max(firstKept, from - MARGIN);
      const all = await this.#all(start, Math.min(length, to + MARGIN));
      // Dropped while it was read: the one who asked is told by the spool itself.
      if (all === null) return await this.#spool.read(from, 0);
      const { bytes, open } = masked(this.#redactor, all, from - start, to - start, start === firstKept && start > 0);
      const unfinished = to === length && !ended && (open || wordAtEnd(bytes) > 0);
      if (!unfinished || late.aborted) return { offset: from, bytes };
      // What comes before the last word need not wait for it.
      const word = open ? 0 : wordAtEnd(bytes);
      if (!open && word < bytes.length) return { offset: from, bytes: bytes.subarray(0, bytes.length - word) };
      await this.#spool.grown(length, late);
    }
  }

  async #all(from: number, to: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let at = from; at < to; ) {
      const { offset, bytes } = await this.#spool.read(at, to - at);
      if (offset !== at || bytes.length === 0) return offset === at ? Buffer.concat(parts) : null;
      parts.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(parts);
  }
}

/** Bytes of the word that the output ends with; 0 where it is none, or too long to be a secret. */
function wordAtEnd(bytes: Buffer): number {
  let at = bytes.length;
  while (at > 0 && (bytes[at - 1] ?? 0) > 0x20 && bytes.length - at <= LONGEST_WORD) at--;
  return bytes.length - at > LONGEST_WORD ? 0 : bytes.length - at;
}
