// One host per home. The kernel keeps the lock: it holds while the holder is stopped and is free once it is dead.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "./fault.ts";
import { checkHome, prepareFile } from "./home.ts";

/** What is known of the host that holds a home. */
export interface Holder {
  /** From the kernel where it tells (Linux), else as `host.json` has it. */
  pid?: number;
  /** Where it listens, as `host.json` has it; absent if that was not written by `pid`. */
  address?: unknown;
}

/** Another host runs on this home. */
export class HomeLocked extends Error {
  readonly holder: Holder;
  constructor(home: string, holder: Holder) {
    const who = holder.pid === undefined ? "another host" : `the host with pid ${holder.pid}`;
    super(`${home} is in use by ${who}${typeof holder.address === "string" ? ` at ${holder.address}` : ""}`);
    this.name = "HomeLocked";
    this.holder = holder;
  }
}

export interface HomeLock extends AsyncDisposable {
  /** Resolves when the home is no longer the one that was locked: removed, moved away or replaced. */
  readonly lost: Promise<void>;
}

/** How often the home is looked at, in ms. What is acknowledged in between goes to files that nobody will find again. */
const LOOK_MS = 2_000;

/** A connection that is collected lets go of its lock. */
const held = new Set<DatabaseSync>();

/**
 * Takes the home for this process until disposed. Throws HomeRefused for an unsafe or unsuitable place, HomeLocked if
 * another process (or this one) has it.
 */
export async function lockHome(home: string, lookMs = LOOK_MS): Promise<HomeLock> {
  await checkHome(home);
  const file = join(home, "lock.db");
  await prepareFile(file, true);
  await prepareFile(`${file}-journal`, false);
  // A few system calls, without waiting: no need of a thread.
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new HomeLocked(home, await holderOf(home, file));
    throw error;
  }
  held.add(db);
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  const looking = new AbortController();
  void watch(file, lookMs, looking.signal).then((gone) => gone && resolve());
  return {
    lost,
    [Symbol.asyncDispose]: async () => {
      looking.abort();
      if (held.delete(db)) db.close();
    },
  };
}

/** True once `path` is no longer the file it is now; false when aborted. Open files tell nothing: they outlive their names. */
async function watch(path: string, everyMs: number, signal: AbortSignal): Promise<boolean> {
  const first = await stat(path).catch(() => undefined);
  if (first === undefined) return !signal.aborted;
  const { dev, ino } = first;
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    const same = await stat(path).then(
      (now) => now.dev === dev && now.ino === ino,
      (error: NodeJS.ErrnoException) => error.code !== "ENOENT" && error.code !== "ENOTDIR",
    );
    if (!same) return !signal.aborted;
  }
  return false;
}

async function holderOf(home: string, file: string): Promise<Holder> {
  const told = await readHostFile(join(home, "host.json"));
  const pid = await lockingPid(file);
  if (pid === undefined) return told;
  return told.pid === pid ? told : { pid };
}

async function readHostFile(path: string): Promise<Holder> {
  try {
    const { pid, address }: { pid?: unknown; address?: unknown } = JSON.parse(await readFile(path, "utf8"));
    return { ...(typeof pid === "number" ? { pid } : {}), ...(address === undefined ? {} : { address }) };
  } catch (error) {
    // Not written yet, or in the middle of it: then this is all there is to say.
    if (error instanceof SyntaxError || (error instanceof Error && "code" in error)) return {};
    throw error;
  }
}

/** The process that holds a write lock on the file, as /proc/locks has it; undefined where that cannot be read. */
async function lockingPid(file: string): Promise<number | undefined> {
  const [locks, { ino }] = await Promise.all([readFile("/proc/locks", "utf8").catch(() => ""), stat(file)]);
  for (const line of locks.split("\n")) {
    // "3: POSIX  ADVISORY  WRITE 4242 fe:00:393226 1073741824 1073742335"; a line with "->" is one that waits.
    const found = /^\d+: POSIX\s+ADVISORY\s+WRITE\s+(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (found && Number(found[2]) === ino && Number(found[1]) > 0) return Number(found[1]);
  }
  return undefined;
}
