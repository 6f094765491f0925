// SQLite drops whatever follows a bad frame in its write-ahead log, and says nothing. This finds out whether events that
// were acknowledged are among what it would drop.
import { closeSync, constants, copyFileSync, openSync, readSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { Unusable } from "./schema.ts";

const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x377f0682;

/** SQLite's running checksum, over 32-bit words in the byte order that the file names. */
function addUp(sum: [number, number], bytes: Buffer, swap: boolean): void {
  let [a, b] = sum;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const word = swap
    ? (i: number) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(i * 4, endianness() !== "LE")
    : (i: number) => words[i] ?? 0;
  for (let i = 0; i < words.length; i += 2) {
    a = (a + word(i) + b) >>> 0;
    b = (b + word(i + 1) + a) >>> 0;
  }
  sum[0] = a;
  sum[1] = b;
}

/**
 * True if a commit that had reached the disk is no longer whole. One transaction is synced before the next is written, so
 * a bad frame with frames of a later transaction behind it was damaged; one in the last transaction is merely unfinished.
 */
function walLostCommits(path: string): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const header = Buffer.from(new ArrayBuffer(HEADER));
    if (readSync(fd, header, 0, HEADER, 0) < HEADER || header.every((byte) => byte === 0)) return false;
    const swap = ((header.readUInt32BE(0) & 1) === 1) === (endianness() === "LE");
    const sum: [number, number] = [0, 0];
    addUp(sum, header.subarray(0, 24), swap);
    const pageSize = header.readUInt32BE(8);
    const sound =
      (header.readUInt32BE(0) & ~1) === MAGIC &&
      header.readUInt32BE(24) === sum[0] &&
      header.readUInt32BE(28) === sum[1];
    if (!sound) return true;
    return frames(fd, header.subarray(16, 24), pageSize, sum, swap);
  } finally {
    closeSync(fd);
  }
}

function frames(fd: number, salt: Buffer, pageSize: number, sum: [number, number], swap: boolean): boolean {
  const frame = Buffer.from(new ArrayBuffer(FRAME_HEADER + pageSize));
  let intact = true;
  let commitAfterDamage = false;
  for (let at = HEADER; readSync(fd, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    // Frames with another salt are left from before the log was last begun anew.
    const ours = frame.subarray(8, 16).equals(salt);
    if (intact) {
      addUp(sum, frame.subarray(0, 8), swap);
      addUp(sum, frame.subarray(FRAME_HEADER), swap);
      intact = ours && frame.readUInt32BE(16) === sum[0] && frame.readUInt32BE(20) === sum[1];
      if (intact) continue;
    } else if (ours && commitAfterDamage) return true;
    if (ours && frame.readUInt32BE(4) !== 0) commitAfterDamage = true;
  }
  return false;
}

/**
 * Looks at what a database has beside it before it is opened. Returns the copy that was made if acknowledged events are
 * lost, so that a person can be told; undefined if all is well. Throws Unusable if the database itself is gone.
 */
export function setAsideDamagedWal(file: string, now: number): string | undefined {
  const wal = `${file}-wal`;
  const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return undefined;
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) {
    throw new Unusable(
      `${file} is empty, but ${wal} is not: put the database back, or move that file away to begin anew`,
    );
  }
  if (!walLostCommits(wal)) return undefined;
  const copy = `${wal}.damaged-${now}`;
  copyFileSync(wal, copy, constants.COPYFILE_EXCL);
  return copy;
}
