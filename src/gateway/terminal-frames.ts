// Reads a spool for those who watch it: a page is read once for all who stand at the same place.
import type { SpoolView } from "./services.ts";

/** What goes into one frame at most, and how many frames are kept for those who come right after. */
const PAGE_BYTES = 256 * 1024;
const KEPT = 8;
export const OFFSET_BYTES = 8;

/** One binary frame: the 8-byte offset of its first byte, then the bytes. */
export interface BytesFrame {
  frame: Buffer;
  /** Offset after its last byte. */
  next: number;
}

export class SharedReader {
  readonly #spool: SpoolView;
  /** By the offset at which they begin, the oldest first. Bytes at an offset never change. */
  readonly #frames = new Map<number, Promise<BytesFrame>>();

  constructor(spool: SpoolView) {
    this.#spool = spool;
  }

  /** The bytes at `offset`; there have to be some. Throws a HostError `offset_gone`. */
  read(offset: number): Promise<BytesFrame> {
    const known = this.#frames.get(offset);
    if (known !== undefined) return known;
    const frame = this.#read(offset).then(
      (made) => {
        // Nothing there yet is no fact to remember.
        if (made.next === offset) this.#frames.delete(offset);
        return made;
      },
      (error: unknown) => {
        this.#frames.delete(offset);
        throw error;
      },
    );
    this.#frames.set(offset, frame);
    if (this.#frames.size > KEPT) this.#frames.delete(this.#frames.keys().next().value ?? -1);
    return frame;
  }

  async #read(offset: number): Promise<BytesFrame> {
    const read = await this.#spool.read(offset, PAGE_BYTES);
    const frame = Buffer.allocUnsafe(OFFSET_BYTES + read.bytes.length);
    frame.writeBigUInt64BE(BigInt(read.offset));
    read.bytes.copy(frame, OFFSET_BYTES);
    return { frame, next: read.offset + read.bytes.length };
  }
}

/** One reader per child while anybody watches it. */
export class Readers {
  readonly #readers = new Map<string, { reader: SharedReader; viewers: number }>();

  borrow(id: string, spool: SpoolView): Disposable & { reader: SharedReader } {
    const shared = this.#readers.get(id) ?? { reader: new SharedReader(spool), viewers: 0 };
    shared.viewers++;
    this.#readers.set(id, shared);
    const giveBack = () => {
      shared.viewers--;
      if (shared.viewers === 0 && this.#readers.get(id) === shared) this.#readers.delete(id);
    };
    return { reader: shared.reader, [Symbol.dispose]: giveBack };
  }
}
