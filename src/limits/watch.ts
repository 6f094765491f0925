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

/** At most so many children are looked at each time: a thousand of them cost no more than these. */
const AT_ONCE = 16;

class Followed {
  readonly #groups: readonly string[];
  readonly #limits: ProcessLimits | null;
  readonly #onHit: (hit: Hit) => void;
  readonly #told = new Set<Hit["limit"]>();
  #gauge: Promise<Gauge> | undefined;
  /** Starts its session had been refused when it came. */
  #refusedBefore = 0;
  #looking: Promise<void> | undefined;

  constructor(groups: readonly string[], limits: ProcessLimits | null, onHit: (hit: Hit) => void) {
    this.#groups = groups;
    this.#limits = limits;
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
    const files = memory?.endsWith(".events")
      ? [join(group, "memory.events.local")]
      : [join(group, "memory.failcnt"), join(group, "memory.memsw.failcnt")];
    const failures = await Promise.all(
      files.map(async (file) => Math.max(await countIn(file, "oom"), (await numberIn(file)) ?? 0)),
    );
    const all = await limitOf(dirname(group), ["memory.max", "memory.limit_in_bytes"]);
    const mine = own !== null && (all === null || (own <= all && failures.some((count) => count > 0)));
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

  follow(
    o: { groups: readonly string[]; limits: ProcessLimits | null },
    onHit: (hit: Hit) => void,
  ): { look(): Promise<void>; stop(): void } {
    if (o.groups.length === 0) return { look: () => Promise.resolve(), stop: () => undefined };
    const one = new Followed(o.groups, o.limits, onHit);
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
