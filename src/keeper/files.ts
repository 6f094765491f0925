// The few steps on disk that each start takes, in as few requests to the thread pool as they need: every one of them costs
// the event loop two turns.
import { close, fsync, mkdir, open, read, write } from "node:fs";
import { readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const opened = promisify(open);
const synced = promisify(fsync);
const madeDirectory = promisify(mkdir);

/** More than any record takes. */
const recordBytes = 4096;

/** Nobody waits for it: what had to last was synced before, and a number that is given back needs no answer. */
function letGo(fd: number): void {
  close(fd, () => undefined);
}

function readAt(fd: number, into: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, at, into.length - at, at, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function writeAt(fd: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, at, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** A small file whole: as a rule one look, since one that gives less than was asked for has no more. */
export async function readSmall(file: string): Promise<Buffer> {
  const fd = await opened(file, "r");
  try {
    for (let bytes = Buffer.allocUnsafe(recordBytes), have = 0; ; ) {
      const count = await readAt(fd, bytes, have);
      have += count;
      if (count === 0 || have < bytes.length) return bytes.subarray(0, have);
      bytes = Buffer.concat([bytes], bytes.length * 2);
    }
  } finally {
    letGo(fd);
  }
}

/** A new directory for its owner alone. Throws EEXIST where there is something already. */
export async function makeDirectory(dir: string): Promise<void> {
  await madeDirectory(dir, 0o700);
}

/** A new file; it is on the disk when this resolves, and its name is once its directory is synced. */
export async function writeDurably(file: string, bytes: Buffer): Promise<void> {
  const fd = await opened(file, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += await writeAt(fd, bytes, at);
    await synced(fd);
  } finally {
    letGo(fd);
  }
}

/** Makes the names in a directory durable: what was made, renamed or removed in it. */
export async function syncDirectory(dir: string): Promise<void> {
  const fd = await opened(dir, "r");
  try {
    await synced(fd);
  } finally {
    letGo(fd);
  }
}

/** No child's name begins like this. */
const removed = ".removed-";

/** A directory whose removal a crash has cut short, by its name. */
export function isRemoved(name: string): boolean {
  return name.startsWith(removed);
}

/**
 * Removes a child's directory, under another name: what a crash leaves of it is no child whose records are missing, and
 * the next host removes it. Nothing happens where there is none.
 */
export async function removeDirectory(dir: string): Promise<void> {
  const leaving = join(dirname(dir), removed + basename(dir));
  try {
    await rename(dir, leaving);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    await removeRest(dir); // something has that name already, or none can be given on this disk any more
    return;
  }
  await removeRest(leaving);
}

/**
 * Removes a directory as it is. One of files alone goes name by name, in half the steps of `rm`, which looks at each first;
 * whatever stands in the way (a keeper that is just leaving may still put a file into it) is left to `rm`.
 */
export async function removeRest(dir: string): Promise<void> {
  try {
    // One after the other: who starts something meanwhile waits for the same few threads.
    for (const name of await readdir(dir)) await unlink(join(dir, name));
    await rmdir(dir);
  } catch {
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}
