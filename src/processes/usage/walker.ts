// One look at all processes of the system, and what each child of Hearth uses with all its descendants.
import type { Member, Sample, Subject, Used } from "./messages.ts";
import { Ports } from "./ports.ts";
import { pageSize, programOf, readAll, readListening, type Stat, socketsOf, TICKS_PER_SECOND } from "./proc.ts";

/** Over less time than this nothing can be said of processor time. */
const SHORTEST_S = 0.5;
const MOST_MEMBERS = 500;

const keyOf = ({ pid, startTick }: Stat): string => `${pid}:${startTick}`;

/**
 * A tree is all that descends from a keeper: what a daemon leaves behind goes to its keeper, which takes in orphans.
 * Remembers the sample before, since processor time is told as a sum.
 */
export class Walker {
  readonly #proc: string;
  readonly #now: () => number;
  readonly #page: number;
  /** Ticks of each tree, and of each process in one, at the sample before. */
  #trees = new Map<string, number>();
  #processes = new Map<string, number>();
  #takenAt: number | undefined;
  readonly #ports: Ports;

  /** `proc`: where the system tells about itself. `now`: milliseconds that only grow. */
  constructor(proc = "/proc", now: () => number = () => performance.now()) {
    this.#proc = proc;
    this.#now = now;
    this.#page = pageSize(proc);
    this.#ports = new Ports((pid) => socketsOf(proc, pid), now);
  }

  /** `tree`: the subject whose processes are wanted one by one. */
  sample(subjects: readonly Subject[], tree?: string): { sample: Sample; tree: Member[] | null } {
    // Sockets first: whoever holds one of these is among the processes that are looked at then.
    const listening = readListening(this.#proc);
    const takenAt = this.#now();
    const all = readAll(this.#proc);
    const children = childrenOf(all);
    const seconds = this.#takenAt === undefined ? null : (takenAt - this.#takenAt) / 1000;
    const members = new Map<string, Stat[]>();
    for (const subject of subjects) {
      const found = descendants(subject, all, children);
      if (found !== undefined) members.set(subject.id, found);
    }
    const ports = this.#ports.of(listening, members);
    const trees = new Map<string, number>();
    const processes = new Map<string, number>();
    const used: Used[] = [];
    let wanted: Member[] | null = null;
    for (const { id, keeperPid } of subjects) {
      const found = members.get(id);
      if (found === undefined) continue;
      // What a process has used goes over to whoever waits for its end, so this sum loses nothing when one ends.
      const ticks = found.reduce((sum, one) => sum + one.ticks + one.childTicks, all.get(keeperPid)?.childTicks ?? 0);
      trees.set(id, ticks);
      for (const one of found) processes.set(keyOf(one), one.ticks);
      used.push({
        id,
        cpu: rate(ticks, this.#trees.get(id), seconds),
        memory_bytes: found.reduce((sum, one) => sum + one.pages, 0) * this.#page,
        processes: found.filter((one) => one.state !== "Z").length,
        threads: found.reduce((sum, one) => sum + (one.state === "Z" ? 0 : one.threads), 0),
        listening: ports.get(id) ?? [],
      });
      if (id === tree) wanted = found.slice(0, MOST_MEMBERS).map((one) => this.#member(one, seconds));
    }
    // Two looks soon after each other are both compared with the one before: ticks are too coarse for less.
    if (seconds === null || seconds >= SHORTEST_S) {
      this.#trees = trees;
      this.#processes = processes;
      this.#takenAt = takenAt;
    }
    const interval_ms = seconds === null ? null : Math.round(seconds * 1000);
    return { sample: { used, taken_at: Date.now(), interval_ms }, tree: wanted };
  }

  #member(one: Stat, seconds: number | null): Member {
    const { pid, parent, state, threads } = one;
    const name = programOf(this.#proc, pid) ?? one.name;
    const cpu = rate(one.ticks, this.#processes.get(keyOf(one)), seconds);
    return { pid, parent, name, state, cpu, memory_bytes: one.pages * this.#page, threads };
  }
}

function childrenOf(all: ReadonlyMap<number, Stat>): Map<number, Stat[]> {
  const children = new Map<number, Stat[]>();
  for (const stat of all.values()) {
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [stat]);
    else siblings.push(stat);
  }
  return children;
}

/** Undefined where the number is another process's by now, or none is left. */
function descendants(
  { keeperPid, pid, startTick }: Subject,
  all: ReadonlyMap<number, Stat>,
  children: ReadonlyMap<number, readonly Stat[]>,
): Stat[] | undefined {
  const child = all.get(pid);
  if (child !== undefined && startTick !== null && child.startTick !== startTick) return undefined;
  const found = [...(children.get(keeperPid) ?? [])];
  // It grows while it is walked. Nobody is his own ancestor, but these were not all read in one moment.
  const seen = new Set(found);
  for (const one of found) {
    for (const next of children.get(one.pid) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      found.push(next);
    }
  }
  return found.length === 0 ? undefined : found;
}

function rate(ticks: number, before: number | undefined, seconds: number | null): number | null {
  if (before === undefined || seconds === null || seconds <= 0) return null;
  return Math.max(0, (ticks - before) / TICKS_PER_SECOND / seconds);
}
