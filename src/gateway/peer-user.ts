// Whose program is at the other end of a connection from this very machine. A login's ticket stands in the command line of
// the browser that is started with it, and every user of a machine can read every command line.
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

interface Ends {
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

/** True if the kernel says that the peer is a program of another user. What it says nothing about is not another's. */
export async function isAnotherUsers(socket: Socket, own: number = process.geteuid?.() ?? -1): Promise<boolean> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((table) => readFile(table, "latin1").catch(() => "")),
  );
  const user = userOf(socket, tables.join("\n"));
  return user !== undefined && user !== own && user !== 0;
}

/** The user id that owns the peer's socket, from the kernel's tables of sockets; undefined where they do not list it. */
export function userOf(ends: Ends, tables: string): number | undefined {
  const theirs = inHex(ends.remoteAddress, ends.remotePort);
  const ours = inHex(ends.localAddress, ends.localPort);
  if (theirs === undefined || ours === undefined) return undefined;
  for (const line of tables.split("\n")) {
    const [, local = "", remote = "", , , , , user] = line.trim().split(/\s+/);
    if (plain(local) === theirs && plain(remote) === ours) return Number(user);
  }
  return undefined;
}

/** As the kernel writes it: words of four bytes, the least significant first on the machines that Hearth runs on. */
function inHex(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  const dotted = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(address);
  const host = dotted
    ? dotted
        .slice(1)
        .reverse()
        .map((part) => Number(part).toString(16).padStart(2, "0"))
        .join("")
    : address === "::1"
      ? "00000000000000000000000001000000"
      : undefined;
  return host === undefined ? undefined : `${host}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}

/** An IPv4 address inside an IPv6 one is the same place. */
const plain = (entry: string): string => entry.replace(/^0000000000000000FFFF0000/, "");
