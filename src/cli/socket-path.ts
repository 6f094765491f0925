// A path under which the host's socket can be reached: the kernel takes at most 107 bytes, and homes can be longer.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

const LONGEST = 107;

/** Dispose it once connected: a long path is reached through an open directory. */
export function socketIn(home: string): Disposable & { readonly path: string } {
  const path = join(home, "host.sock");
  if (Buffer.byteLength(path) <= LONGEST || process.platform !== "linux") {
    return { path, [Symbol.dispose]: () => undefined };
  }
  let directory: number;
  try {
    directory = openSync(home, "r");
  } catch {
    return { path, [Symbol.dispose]: () => undefined }; // No home, no host: connecting says so.
  }
  return { path: `/proc/self/fd/${directory}/host.sock`, [Symbol.dispose]: () => closeSync(directory) };
}
