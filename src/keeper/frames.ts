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

/** One frame, ready to send. */
export function encodeFrame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, ...parts]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

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

/** Body of GREW, and of WELCOME after its version. */
export function decodeGrowth(body: Buffer, at = 0): Growth {
  return {
    length: Number(body.readBigUInt64BE(at)),
    firstKept: Number(body.readBigUInt64BE(at + 8)),
    refused: body.readUInt32BE(at + 16),
  };
}

/** Cuts a stream into frames. Throws where the other side cannot be a keeper. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<{ type: number; body: Buffer }> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (length > largestBody) throw new Error(`A frame of ${length} bytes is not a keeper's`);
      if (this.#rest.length < 5 + length) return;
      const frame = { type: this.#rest.readUInt8(0), body: this.#rest.subarray(5, 5 + length) };
      this.#rest = this.#rest.subarray(5 + length);
      yield frame;
    }
  }
}
