// Linux tells about its processes in files: this reads those files, and nothing else. For the thread: it reads in place.
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import type { Listening } from "./messages.ts";

/** What `/proc/PID/stat` says of one process. */
export interface Stat {
  pid: number;
  name: string;
  state: string;
  parent: number;
  /** Processor time of its own, in ticks. */
  ticks: number;
  /** That of its children that have ended and were waited for. */
  childTicks: number;
  threads: number;
  startTick: string;
  pages: number;
}

/** Ticks per second in `/proc`: 100 on every Linux that Node runs on, whatever its kernel counts in. */
export const TICKS_PER_SECOND = 100;
const USUAL_PAGE = 4096;
const AT_PAGESZ = 6n;
/** More processes than this are not looked at; a system that has them has other worries. */
const MOST_PROCESSES = 65_536;
const MOST_FILES = 4_096;
/** Listening sockets stand first in their table: more than this of it is never needed. */
const TABLE_BYTES = 1024 * 1024;
const buffer = Buffer.alloc(4096);

/** One line of `stat`; undefined where it is none. A name may hold anything, brackets and newlines too. */
export function parseStat(text: string): Stat | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const number = (at: number) => Number(fields[at]);
  const stat = {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? "",
    parent: number(1),
    ticks: number(11) + number(12),
    childTicks: number(13) + number(14),
    threads: number(17),
    startTick: fields[19] ?? "",
    pages: number(21),
  };
  return Number.isSafeInteger(stat.pid) && Number.isFinite(stat.ticks + stat.childTicks + stat.pages)
    ? stat
    : undefined;
}

/** Every process of the system. One that ends meanwhile is left out. */
export function readAll(proc: string): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name) || all.size >= MOST_PROCESSES) continue;
    const stat = parseStat(head(`${proc}/${name}/stat`));
    if (stat !== undefined) all.set(stat.pid, stat);
  }
  return all;
}

/** The sockets of this machine that wait for connections, by their number. */
export function readListening(proc: string): Map<string, Listening> {
  const found = new Map<string, Listening>();
  for (const table of ["tcp", "tcp6"]) {
    for (const [inode, one] of parseListening(beginning(`${proc}/net/${table}`))) found.set(inode, one);
  }
  return found;
}

const LISTEN = "0A";

/** The listening rows of a table such as `/proc/net/tcp`, by the number of their socket. */
export function parseListening(table: string): Map<string, Listening> {
  const found = new Map<string, Listening>();
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN || inode === "") continue;
    const [address = "", port = ""] = local.split(":");
    const text = addressOf(address);
    if (text !== undefined) found.set(inode, { address: text, port: Number.parseInt(port, 16) });
  }
  return found;
}

/** The kernel writes addresses as 32-bit words in the byte order of the machine; all of ours are little-endian. */
function addressOf(hex: string): string | undefined {
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return undefined;
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  // Shortened as everybody writes it.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** Numbers of the sockets that a process has open; empty where it may not be looked into, or has ended. */
export function socketsOf(proc: string, pid: number): string[] {
  const found: string[] = [];
  for (const fd of names(`${proc}/${pid}/fd`).slice(0, MOST_FILES)) {
    const target = link(`${proc}/${pid}/fd/${fd}`);
    if (target.startsWith("socket:[")) found.push(target.slice("socket:[".length, -1));
  }
  return found;
}

/** The program that a process runs, by its own words; undefined where it has none (a kernel's, or one that has ended). */
export function programOf(proc: string, pid: number): string | undefined {
  const [first = ""] = head(`${proc}/${pid}/cmdline`).split("\0");
  return first.slice(first.lastIndexOf("/") + 1) || undefined;
}

/** How large a page of memory is here. */
export function pageSize(proc: string): number {
  const table = attempt(() => readFileSync(`${proc}/self/auxv`), Buffer.alloc(0));
  for (let at = 0; at + 16 <= table.length; at += 16)
    if (table.readBigUInt64LE(at) === AT_PAGESZ) return Number(table.readBigUInt64LE(at + 8));
  return USUAL_PAGE;
}

const head = (path: string): string =>
  attempt(() => {
    const fd = openSync(path, "r");
    try {
      return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(fd);
    }
  }, "");

function beginning(path: string): string {
  return attempt(() => {
    const fd = openSync(path, "r");
    try {
      const parts: Buffer[] = [];
      let size = 0;
      while (size < TABLE_BYTES) {
        const part = Buffer.alloc(65_536);
        const count = readSync(fd, part);
        if (count === 0) break;
        parts.push(part.subarray(0, count));
        size += count;
      }
      return Buffer.concat(parts).toString("latin1");
    } finally {
      closeSync(fd);
    }
  }, "");
}

const names = (path: string): string[] => attempt(() => readdirSync(path), []);
const link = (path: string): string => attempt(() => readlinkSync(path), "");

/** Processes end while one looks at them, and some belong to others: then there is nothing to see. */
const usual = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR"]);
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (usual.has((error as NodeJS.ErrnoException).code ?? "")) return otherwise;
    throw error;
  }
}
