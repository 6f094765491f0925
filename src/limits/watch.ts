// Who ran into a limit: looked up a few children at a time, since no version of the kernel tells a process without special
// help; and once more at each child's end, so that none is missed.
import { dirname, join } from "node:path";
import type { ProcessLimits } from "../protocol/rows.ts";
import { countIn, type Gauge, gaugeOf, numberIn } from "./group.ts";

export interface Hit {
  limit: "memory" | "pids";
  /** Whose limit it was: the child's own, or that of its session as a whole. */
  scope: "process" | "session";
  /** Bytes, or a number of processes. */
  value: number;
}

export interface ToFollow {
  /** A child's groups. */
  groups: readonly string[];
  limits: ProcessLimits | null;
  /** Where there are no groups: the child's directory, in which its keeper keeps what the half in its sandbox has seen. */
  inside?: string | null;
}

/** At most so many children are looked at each time: a thousand of them cost no more than these. */
const AT_ONCE = 16;

/** What the keeper writes for each limit. */
const inFile = [
  { limit: "memory", key: "memory_bytes", word: "oom_kill" },
  { limit: "pids", key: "pids", word: "max" },
] as const;

class Followed {
  readonly #groups: readonly string[];
  readonly #limits: ProcessLimits | null;
  /** A file that says what was hit in the child's own sandbox. */
  readonly #inside: string | null;
  readonly #onHit: (hit: Hit) => void;
  readonly #told = new Set<Hit["limit"]>();
  #gauge: Promise<Gauge> | undefined;
  /** Starts its session had been refused when it came. */
  #refusedBefore = 0;
  #looking: Promise<void> | undefined;

  constructor({ groups, limits, inside = null }: ToFollow, onHit: (hit: Hit) => void) {
    this.#groups = groups;
    this.#limits = limits;
    this.#inside = inside === null ? null : join(inside, "hits");
    this.#onHit = onHit;
  }

  /** One look at a time; whoever asks while one goes on gets a look that begins after it. */
  async look(): Promise<void> {
    await this.#looking;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (this.#inside === null) return await this.#lookAtGroups();
    for (const { limit, key, word } of inFile) {
      const value = this.#limits?.[key] ?? null;
      if (value === null || this.#told.has(limit) || (await countIn(this.#inside, word)) === 0) continue;
      this.#tell({ limit, scope: "process", value });
    }
  }

  async #lookAtGroups(): Promise<void> {
    const gauge = await this.begin();
    if (!this.#told.has("memory") && (await countIn(gauge.memory, "oom_kill")) > 0)
      this.#tell(await this.#memoryHit(gauge));
    if (!this.#told.has("pids") && (await countIn(gauge.pids, "max")) > 0) this.#tell(await this.#pidsHit(gauge));
    if (!this.#told.has("pids") && (await countIn(gauge.sessionPids, "max")) > this.#refusedBefore)
      this.#tell(await this.#sessionPidsHit(gauge));
  }

  /** What is to be read, and what it said when this child came. */
  async begin(): Promise<Gauge> {
    this.#gauge ??= (async () => {
      const gauge = await gaugeOf(this.#groups);
      this.#refusedBefore = await countIn(gauge.sessionPids, "max");
      return gauge;
    })();
    return await this.#gauge;
  }

  #tell(hit: Hit | null): void {
    if (hit === null) return;
    this.#told.add(hit.limit);
    this.#onHit(hit);
  }

  /** null: it was the whole machine that had no memory left. */
  async #memoryHit({ memory }: Gauge): Promise<Hit | null> {
    const own = this.#limits?.memory_bytes ?? null;
    const group = dirname(memory ?? "");
    const second = memory?.endsWith(".events") === true;
    const lacked = second ? (await countIn(join(group, "memory.events.local"), "oom")) > 0 : await reached(group);
    const all = await limitOf(dirname(group), ["memory.max", "memory.limit_in_bytes"]);
    const mine = own !== null && (all === null || (own <= all && lacked));
    if (mine) return { limit: "memory", scope: "process", value: own };
    return all === null ? null : { limit: "memory", scope: "session", value: all };
  }

  /** null: who ended it has set the limit to 0, so that nothing is born any more. */
  async #pidsHit({ pids }: Gauge): Promise<Hit | null> {
    const group = dirname(pids ?? "");
    if ((await numberIn(join(group, "pids.max"))) === 0) return null;
    const own = this.#limits?.pids ?? null;
    const peak = await numberIn(join(group, "pids.peak"));
    const all = await limitOf(dirname(group), ["pids.max"]);
    const mine = own !== null && (all === null || (own <= all && (peak === null || peak >= own)));
    if (mine) return { limit: "pids", scope: "process", value: own };
    return all === null ? null : { limit: "pids", scope: "session", value: all };
  }

  /** Which of its children was refused is not to be known: each that runs then is told. */
  async #sessionPidsHit({ sessionPids }: Gauge): Promise<Hit | null> {
    const all = await limitOf(dirname(sessionPids ?? ""), ["pids.max"]);
    return all === null ? null : { limit: "pids", scope: "session", value: all };
  }
}

/** Several pages at once may be refused a little below a limit. */
const MARGIN = 64 * 1024;
/** Whether a group of version 1 was ever at its own limit of memory. Newer kernels do not count that where swap is limited too. */
async function reached(group: string): Promise<boolean> {
  const of = async (file: string) => (await numberIn(join(group, `memory.${file}`))) ?? 0;
  if ((await of("failcnt")) + (await of("memsw.failcnt")) > 0) return true;
  const limit = await of("limit_in_bytes");
  return limit > 0 && (await of("max_usage_in_bytes")) + MARGIN >= limit;
}

/** Version 1 writes "no limit" as a number near 2^63. */
const UNLIMITED = 2 ** 60;
async function limitOf(group: string, files: readonly string[]): Promise<number | null> {
  for (const file of files) {
    const value = await numberIn(join(group, file));
    if (value !== null) return value >= UNLIMITED ? null : value;
  }
  return null;
}

export class Watch {
  readonly #everyMs: number;
  /** In the order in which they are looked at next. */
  readonly #followed = new Set<Followed>();
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  follow(o: ToFollow, onHit: (hit: Hit) => void): { look(): Promise<void>; stop(): void } {
    const inside = o.groups.length === 0 ? (o.inside ?? null) : null;
    if (o.groups.length === 0 && inside === null) return { look: () => Promise.resolve(), stop: () => undefined };
    const one = new Followed({ ...o, inside }, onHit);
    void one.begin();
    this.#followed.add(one);
    this.#timer ??= setInterval(() => void this.#round(), this.#everyMs).unref();
    return { look: () => one.look(), stop: () => this.#drop(one) };
  }

  #drop(one: Followed): void {
    this.#followed.delete(one);
    if (this.#followed.size === 0) this.stop();
  }

  async #round(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (const one of [...this.#followed].slice(0, AT_ONCE)) {
        if (!this.#followed.delete(one)) continue; // it has ended meanwhile
        this.#followed.add(one);
        await one.look();
      }
    } finally {
      this.#busy = false;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
