import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpoolView } from "./services.ts";
import { OFFSET_BYTES, SharedReader } from "./terminal-frames.ts";

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
      assert.equal(Number(one.frame.readBigUInt64BE()), offset);
      assert.equal(one.next - offset, one.frame.length - OFFSET_BYTES);
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
    await assert.rejects(reader.read(0), /gone/);
    gone = false;
    assert.equal((await reader.read(0)).next, 0);
    length = 3;
    const page = await reader.read(0);
    assert.equal(page.frame.subarray(OFFSET_BYTES).toString(), "abc");
  });
});
