// Who has the port that we wanted: a person who is told "in use" has to look for it, one who is told the name has not.
import { readdir, readFile, readlink } from "node:fs/promises";

export interface Holder {
  pid: number;
  /** Its command line, in one line. */
  command: string;
}

const LISTEN = "0A";

/** The program that listens on a TCP port of this machine; undefined if it cannot be told (another user's, or no /proc). */
export async function findPortHolder(port: number): Promise<Holder | undefined> {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await readFile(table, "utf8").catch(() => ""); // No /proc, or no IPv6: nothing to learn from it.
    for (const inode of listeningInodes(text, port)) inodes.add(`socket:[${inode}]`);
  }
  if (inodes.size === 0) return undefined;
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (!(await holds(name, inodes))) continue;
    const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    return { pid: Number(name), command: words.split("\0").join(" ").trim() };
  }
  return undefined;
}

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp. Exported for tests. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTEN && local.endsWith(`:${wanted}`) && inode !== undefined ? [inode] : [];
  });
}

async function holds(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  // Gone meanwhile, or another user's: not to be looked into.
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of fds) if (sockets.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""))) return true;
  return false;
}
