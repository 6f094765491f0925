// Reads a spool for those who watch it: a page is read once for all who stand at the same place.
import type { AttachmentView, SpoolView } from "./services.ts";
import { SizeLease } from "./size-lease.ts";

/** What goes into one frame at most, and how many frames are kept for those who come right after. */
const PAGE_BYTES = 256 * 1024;
const KEPT = 4;
/** Smaller pages are not worth a buffer that is used again. */
const SMALL_BYTES = 4 * 1024;
export const OFFSET_BYTES = 8;

/** One binary frame: the 8-byte offset of its first byte, then the bytes. Shared: whoever got it gives it back once. */
export interface Page {
  readonly frame: Buffer;
  /** Offset after its last byte. */
  readonly next: number;
  /** The socket has taken it. Without this its memory is left to the garbage collector. */
  readonly release: () => void;
}

/** A page being read or shared; the list of those kept counts as a holder. */
interface SharedPage {
  readonly page: Promise<Page>;
  holders: number;
  buffer: Buffer;
}

export class SharedReader {
  readonly #spool: SpoolView;
  /** By the offset at which they begin, the oldest first. Bytes at an offset never change. */
  readonly #kept = new Map<number, SharedPage>();
  /** Whole buffers to use again: a new one for each page would cost a third of all time in collecting garbage. */
  readonly #spare: Buffer[] = [];

  constructor(spool: SpoolView) {
    this.#spool = spool;
  }

  /**
   * The bytes at `offset`; there have to be some. None from `end` on, a place that no byte had reached when it was
   * chosen. Throws a HostError `offset_gone`.
   */
  read(offset: number, end = Number.POSITIVE_INFINITY): Promise<Page> {
    const shared = this.#kept.get(offset) ?? this.#begin(offset, end);
    shared.holders++;
    return shared.page;
  }

  #begin(offset: number, end: number): SharedPage {
    const available = Math.min(this.#spool.length, end) - offset;
    const buffer =
      available <= SMALL_BYTES
        ? Buffer.allocUnsafe(OFFSET_BYTES + available)
        : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(OFFSET_BYTES + PAGE_BYTES));
    const release = () => this.#release(shared);
    const page = this.#fill(offset, buffer.subarray(0, OFFSET_BYTES + available)).then(
      (made) => {
        // Nothing there yet is no fact to remember.
        if (made.next === offset) this.#forget(offset, shared);
        return { ...made, release };
      },
      (error: unknown) => {
        this.#forget(offset, shared);
        throw error;
      },
    );
    const shared: SharedPage = { page, holders: 1, buffer };
    this.#kept.set(offset, shared);
    for (const [oldest, old] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      this.#forget(oldest, old);
    }
    return shared;
  }

  async #fill(offset: number, buffer: Buffer): Promise<{ frame: Buffer; next: number }> {
    const room = buffer.subarray(OFFSET_BYTES);
    const read = await this.#spool.read(offset, room.length, room);
    const inPlace = read.bytes.buffer === room.buffer && read.bytes.byteOffset === room.byteOffset;
    if (!inPlace) read.bytes.copy(room);
    buffer.writeBigUInt64BE(BigInt(read.offset));
    return { frame: buffer.subarray(0, OFFSET_BYTES + read.bytes.length), next: read.offset + read.bytes.length };
  }

  #forget(offset: number, shared: SharedPage): void {
    if (this.#kept.get(offset) !== shared) return;
    this.#kept.delete(offset);
    this.#release(shared);
  }

  #release(shared: SharedPage): void {
    shared.holders--;
    if (shared.holders === 0 && shared.buffer.length > PAGE_BYTES && this.#spare.length < KEPT)
      this.#spare.push(shared.buffer);
  }
}

/** What all viewers of one child share: one reader and one size. */
export interface Shared {
  readonly reader: SharedReader;
  readonly lease: SizeLease;
}

/** There while anybody watches the child. */
export class Readers {
  readonly #readers = new Map<string, Shared & { viewers: number }>();

  borrow(id: string, attachment: AttachmentView): Disposable & { shared: Shared } {
    const shared = this.#readers.get(id) ?? {
      reader: new SharedReader(attachment.spool),
      lease: new SizeLease((rows, cols) => attachment.resize(rows, cols)),
      viewers: 0,
    };
    shared.viewers++;
    this.#readers.set(id, shared);
    const giveBack = () => {
      shared.viewers--;
      if (shared.viewers === 0 && this.#readers.get(id) === shared) this.#readers.delete(id);
    };
    return { shared, [Symbol.dispose]: giveBack };
  }
}
