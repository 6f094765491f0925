// Ends what a dead keeper left behind, and only what is proven to be its: boot, pid, start time, mark.
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Live } from "./types.ts";

const graceMs = 2_000;
/** Whom KILL has not ended in that time it will not end: another user's, or one that waits for a disk for ever. */
const hopelessMs = 3_000;
const lookAgainMs = 20;

interface Process {
  pid: number;
  parent: number;
  session: number;
  state: string;
  startTick: string;
}

/** The id of this boot; undefined where the system has none to read (then no identity can be proven). */
export async function currentBootId(): Promise<string | undefined> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return undefined; // no /proc here: nobody's identity can be proven, and nobody is signalled
  }
}

/** One line of /proc/PID/stat. A command name may hold spaces and parentheses: only the last one ends it. */
export function parseStat(line: string): Process | undefined {
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session] = fields;
  const startTick = fields[19];
  if (!(pid > 0) || state === undefined || startTick === undefined) return undefined;
  return { pid, parent: Number(parent), session: Number(session), state, startTick };
}

/**
 * TERM, a grace, then KILL for everything that is proven to belong to this child. Answers how many were found.
 * Someone is proven by the mark in his environment; then also who is in the child's session while a proven one is
 * (a session's number is not given away while it has members), and the descendants of a proven one. Who is still there
 * 3 s after his KILL is told to `onWarning` and left.
 */
export async function endOrphans(
  live: Live,
  mark: string,
  onWarning: (text: string) => void = () => undefined,
): Promise<number> {
  if ((await currentBootId()) !== live.bootId) return 0;
  const found = new Set<string>();
  // Counted from the signals, not from the beginning: among very many processes one look alone outlasts both times.
  let askedAt: number | undefined;
  let insistedAt: number | undefined;
  for (;;) {
    const orphans = await findOrphans(live, mark);
    if (orphans.length === 0) return found.size;
    const now = performance.now();
    const first = askedAt === undefined;
    askedAt ??= now;
    if (now >= askedAt + graceMs) insistedAt ??= now;
    if (insistedAt !== undefined && now >= insistedAt + hopelessMs) {
      onWarning(`Processes that a dead keeper left could not be ended: ${orphans.map(({ pid }) => pid).join(", ")}`);
      return found.size;
    }
    for (const one of orphans) {
      found.add(`${one.pid} ${one.startTick}`);
      if (insistedAt !== undefined) signalExactly(one, "SIGKILL");
      else if (first) signalExactly(one, "SIGTERM");
      if (first && one.state === "T") signalExactly(one, "SIGCONT");
    }
    await delay(lookAgainMs);
  }
}

async function findOrphans(live: Live, mark: string): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const processes: Process[] = [];
  const marked = new Set<number>();
  for (const pid of pids) {
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
    if (stat === undefined || stat.state === "Z" || stat.state === "X") continue;
    processes.push(stat);
    const environment = await readFile(`/proc/${pid}/environ`).catch(() => Buffer.alloc(0)); // another user's: not ours
    if (carries(environment, mark)) marked.add(stat.pid);
  }
  const proven = provenAmong(processes, marked, live.pid);
  proven.delete(process.pid);
  return processes.filter((one) => proven.has(one.pid));
}

/** Whose it is proven to be: who carries the mark, who is in the child's session while one of those is, and descendants. */
export function provenAmong(
  processes: readonly Pick<Process, "pid" | "parent" | "session">[],
  marked: ReadonlySet<number>,
  child: number,
): Set<number> {
  const proven = new Set(marked);
  // In a container, session 0 is everybody's whose session began outside: it proves nothing.
  const sessionIsOurs = child > 0 && processes.some((one) => one.session === child && marked.has(one.pid));
  for (const one of processes) if (sessionIsOurs && one.session === child) proven.add(one.pid);
  for (let grown = true; grown; ) {
    const before = proven.size;
    for (const one of processes) if (proven.has(one.parent)) proven.add(one.pid);
    grown = proven.size > before;
  }
  return proven;
}

function carries(environment: Buffer, mark: string): boolean {
  const entry = Buffer.from(`HEARTH_MARK=${mark}\0`);
  const at = environment.indexOf(entry);
  return at === 0 || (at > 0 && environment[at - 1] === 0);
}

/** The check and the signal stand together without a pause between them, so the pid cannot change hands meanwhile. */
function signalExactly(one: Process, signal: NodeJS.Signals): void {
  try {
    const now = parseStat(readFileSync(`/proc/${one.pid}/stat`, "utf8"));
    if (now?.startTick === one.startTick && now.state !== "Z") process.kill(one.pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "ESRCH" && code !== "EPERM") throw error; // gone meanwhile, or not ours to end
  }
}
