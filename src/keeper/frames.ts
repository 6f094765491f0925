// The keeper's socket protocol: u8 type, u32 length, body. `native/keeper.h` is the other side of this table.

export const frames = {
  hello: 1,
  input: 2,
  endInput: 3,
  resize: 4,
  signal: 5,
  kill: 6,
  ack: 7,
  welcome: 65,
  taken: 66,
  grew: 67,
  exited: 68,
  closed: 69,
  lived: 70,
} as const;

export const protocolVersion = 1;
/** The most input one frame carries. */
export const inputChunk = 64 * 1024;
const largestBody = 64 * 1024;
const HEAD_BYTES = 5;

/** One frame, ready to send. */
export function encodeFrame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, ...parts]);
}

/** As frames carry numbers: big-endian. */
export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** As `u32`, in two bytes. */
export function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export interface Growth {
  length: number;
  firstKept: number;
  /** How often someone tried to open the keeper without its secret. */
  refused: number;
}

/** A request with its number. One piece of memory: a key's way to its program is made of little things. */
export function encodeRequest(type: number, request: number, parts: readonly Uint8Array[]): Buffer {
  let length = 4;
  for (const part of parts) length += part.length;
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(length, 1);
  frame.writeUInt32BE(request, HEAD_BYTES);
  let at = HEAD_BYTES + 4;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** Body of GREW, and of WELCOME after its version. */
export function decodeGrowth(body: Buffer, at = 0): Growth {
  return { length: u64(body, at), firstKept: u64(body, at + 8), refused: body.readUInt32BE(at + 16) };
}

/** Offsets stay far below 2^53. */
const u64 = (body: Buffer, at: number): number => body.readUInt32BE(at) * 2 ** 32 + body.readUInt32BE(at + 4);

/** Cuts a stream into frames. */
export class FrameReader {
  /** The beginning of a frame that has not come whole; its own memory. */
  #rest: Buffer | undefined;

  /**
   * Hands over each frame that is whole by now. Chunk and bodies are only lent: who keeps one copies it. Throws where the
   * other side cannot be a keeper.
   */
  push(chunk: Buffer, take: (type: number, body: Buffer) => void): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(at + 1);
      if (length > largestBody) throw new Error(`A frame of ${length} bytes is not a keeper's`);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      take(bytes.readUInt8(at), bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }
}
