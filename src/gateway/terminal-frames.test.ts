import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpoolView } from "./services.ts";
import { SharedReader } from "./terminal-frames.ts";

/** A WebSocket frame as RFC 6455 (5.2) has it: what its message says. */
function message(frame: Buffer): { offset: number; bytes: Buffer } {
  assert.equal(frame[0], 0x82); // the last of its message, and binary
  const short = frame.readUInt8(1); // not masked
  const [length, head] =
    short === 127 ? [Number(frame.readBigUInt64BE(2)), 10] : short === 126 ? [frame.readUInt16BE(2), 4] : [short, 2];
  assert.ok(short < 126 || length > (short === 127 ? 0xffff : 125), "a length in as few bytes as it takes");
  assert.equal(frame.length, head + length);
  return { offset: Number(frame.readBigUInt64BE(head)), bytes: frame.subarray(head + 8) };
}

/** Output in which every byte tells its offset, as far as a byte can; it is put where the reader wants it. */
function numbered(length: number): SpoolView {
  const byteAt = (offset: number) => (offset * 31 + (offset >> 8)) & 0xff;
  return {
    length,
    firstKept: 0,
    ended: false,
    read: async (from, max, into = Buffer.alloc(max)) => {
      const bytes = into.subarray(0, Math.min(max, length - from));
      for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(from + i);
      return { offset: from, bytes };
    },
    grown: async () => undefined,
  };
}

/** As a page cache does: at once, each byte by its place in what was asked for. */
function fillNow(_from: number, into: Buffer): number {
  for (let i = 0; i < into.length; i++) into[i] = i & 0xff;
  return into.length;
}

const whole = (frame: Buffer) => Buffer.from(frame);

describe("frames of a terminal", () => {
  it("T7: what one viewer has not sent yet is not written over, however far others have read on", async () => {
    const length = 20 * 1024 * 1024;
    const reader = new SharedReader(numbered(length));
    const slow = await reader.read(0);
    const before = whole(slow.frame);
    const memory = new Set<ArrayBufferLike>();
    for (let offset = 0; offset < length; ) {
      const [one, other] = await Promise.all([reader.read(offset), reader.read(offset)]);
      assert.equal(one.frame, other.frame);
      const { offset: said, bytes } = message(one.frame);
      assert.equal(said, offset);
      assert.equal(one.next - offset, bytes.length);
      memory.add(one.frame.buffer);
      offset = one.next;
      one.release();
      other.release();
    }
    assert.deepEqual(slow.frame, before);
    assert.ok(memory.size < 10, `${memory.size} buffers for 80 pages`);
  });

  it("T7: an offset that is gone, and one where nothing is yet, are asked for again", async () => {
    let length = 0;
    let gone = true;
    const spool: SpoolView = {
      get length() {
        return length;
      },
      firstKept: 0,
      ended: false,
      read: async (from, max) => {
        if (gone) throw new Error("gone");
        return { offset: from, bytes: Buffer.from("abc").subarray(0, Math.min(max, length)) };
      },
      grown: async () => undefined,
    };
    const reader = new SharedReader(spool);
    await assert.rejects(async () => reader.read(0), /gone/);
    gone = false;
    assert.equal((await reader.read(0)).next, 0);
    length = 3;
    const page = await reader.read(0);
    assert.equal(message(page.frame).bytes.toString(), "abc");
  });

  it("T7: what can be had at once is a whole frame at once, at any length and any offset", async () => {
    const far = 2 ** 40;
    for (const length of [1, 117, 118, 4096, 4097, 0xffff - 8, 0xffff - 7, 256 * 1024]) {
      const now = new SharedReader({ ...numbered(far + length), readNow: fillNow }).read(far);
      assert.ok(!(now instanceof Promise));
      assert.equal(now.next, far + length);
      const seen = message(now.frame);
      assert.equal(seen.offset, far);
      assert.equal(seen.bytes.length, length);
      assert.ok(seen.bytes.every((byte, i) => byte === (i & 0xff)));
    }
  });

  it("T7: what cannot be had at once, or only in part, comes all the same, and in order", async () => {
    let warm = 3;
    const spool: SpoolView = {
      ...numbered(10),
      readNow: (from, into) => (from < warm ? fillNow(from, into.subarray(0, warm)) : 0),
    };
    const reader = new SharedReader(spool);
    const first = reader.read(0);
    assert.ok(!(first instanceof Promise));
    assert.equal(first.next, 3);
    const rest = reader.read(3);
    assert.ok(rest instanceof Promise);
    assert.equal((await rest).next, 10);
    warm = 0;
    assert.equal(reader.read(0), first); // the same page for who stands there
  });
});
