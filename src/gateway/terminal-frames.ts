// Reads a spool for those who watch it: a page is read once for all who stand at the same place.
import type { AttachmentView, SpoolView } from "./services.ts";
import { SizeLease } from "./size-lease.ts";

/** What goes into one frame at most, and how many frames are kept for those who come right after. */
const PAGE_BYTES = 256 * 1024;
const KEPT = 4;
/** Smaller pages are not worth a buffer that is used again. */
const SMALL_BYTES = 4 * 1024;
const OFFSET_BYTES = 8;
/** The longest head of a WebSocket frame from a server; each page has room for one before it. */
const MOST_HEAD_BYTES = 10;
const BEFORE = MOST_HEAD_BYTES + OFFSET_BYTES;
/** The whole of a binary message. */
const BINARY = 0x82;

/**
 * One binary frame, as it goes into a socket: its head, the 8-byte offset of its first byte, then the bytes. It is made once,
 * for all viewers. Shared: whoever got it gives it back once.
 */
export interface Page {
  readonly frame: Buffer;
  /** Offset after its last byte. */
  readonly next: number;
  /** The socket has taken it. Without this its memory is left to the garbage collector. */
  readonly release: () => void;
}

/** A page being read or shared; the list of those kept counts as a holder. */
interface SharedPage {
  readonly page: Page | Promise<Page>;
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
   * chosen. At once where they can be had at once. Rejects with a HostError `offset_gone`.
   */
  read(offset: number, end = Number.POSITIVE_INFINITY): Page | Promise<Page> {
    const shared = this.#kept.get(offset) ?? this.#begin(offset, end);
    shared.holders++;
    return shared.page;
  }

  #begin(offset: number, end: number): SharedPage {
    const available = Math.min(this.#spool.length, end) - offset;
    const buffer =
      available <= SMALL_BYTES
        ? Buffer.allocUnsafe(BEFORE + available)
        : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(BEFORE + PAGE_BYTES));
    const room = buffer.subarray(BEFORE, BEFORE + available);
    const read = this.#spool.readNow?.(offset, room) ?? 0;
    const release = () => this.#release(shared);
    const page = read > 0 ? pageOf(buffer, offset, read, release) : this.#later(offset, buffer, room, release);
    const shared: SharedPage = { page, holders: 1, buffer };
    this.#kept.set(offset, shared);
    if (this.#kept.size > KEPT)
      for (const [oldest, old] of this.#kept) {
        if (this.#kept.size <= KEPT) break;
        this.#forget(oldest, old.buffer);
      }
    return shared;
  }

  async #later(offset: number, buffer: Buffer, room: Buffer, release: () => void): Promise<Page> {
    try {
      const read = await this.#spool.read(offset, room.length, room);
      const inPlace = read.bytes.buffer === room.buffer && read.bytes.byteOffset === room.byteOffset;
      if (!inPlace) read.bytes.copy(room);
      const page = pageOf(buffer, read.offset, read.bytes.length, release);
      // Nothing there yet is no fact to remember.
      if (page.next === offset) this.#forget(offset, buffer);
      return page;
    } catch (thrown) {
      this.#forget(offset, buffer);
      throw thrown;
    }
  }

  #forget(offset: number, buffer: Buffer): void {
    const shared = this.#kept.get(offset);
    if (shared?.buffer !== buffer) return;
    this.#kept.delete(offset);
    this.#release(shared);
  }

  #release(shared: SharedPage): void {
    shared.holders--;
    if (shared.holders === 0 && shared.buffer.length > PAGE_BYTES && this.#spare.length < KEPT)
      this.#spare.push(shared.buffer);
  }
}

/** `bytes` bytes lie behind the room for what comes before them. */
function pageOf(buffer: Buffer, offset: number, bytes: number, release: () => void): Page {
  buffer.writeUInt32BE(Math.floor(offset / 2 ** 32), MOST_HEAD_BYTES);
  buffer.writeUInt32BE(offset % 2 ** 32, MOST_HEAD_BYTES + 4);
  const begin = writeHead(buffer, OFFSET_BYTES + bytes);
  return { frame: buffer.subarray(begin, BEFORE + bytes), next: offset + bytes, release };
}

/** The head of a frame that is not masked, before `MOST_HEAD_BYTES`; answers where it begins. */
function writeHead(buffer: Buffer, length: number): number {
  let begin = MOST_HEAD_BYTES - 2;
  let code = length;
  if (length > 0xffff) {
    begin = MOST_HEAD_BYTES - 10;
    code = 127;
    buffer.writeUInt32BE(0, begin + 2);
    buffer.writeUInt32BE(length, begin + 6);
  } else if (length > 125) {
    begin = MOST_HEAD_BYTES - 4;
    code = 126;
    buffer.writeUInt16BE(length, begin + 2);
  }
  buffer[begin] = BINARY;
  buffer[begin + 1] = code;
  return begin;
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
