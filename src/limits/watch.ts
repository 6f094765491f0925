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
    this.#gauge ??= gaugeOf(this.#groups);
    const gauge = await this.#gauge;
    if (!this.#told.has("memory") && (await countIn(gauge.memory, "oom_kill")) > 0) await this.#tell("memory", gauge);
    if (!this.#told.has("pids") && (await countIn(gauge.pids, "max")) > 0) await this.#tell("pids", gauge);
  }

  async #tell(limit: Hit["limit"], gauge: Gauge): Promise<void> {
    const hit = limit === "memory" ? await this.#memoryHit(gauge) : await this.#pidsHit(gauge);
    if (hit === null) return;
    this.#told.add(limit);
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
    if (own !== null && failures.some((count) => count > 0)) return { limit: "memory", scope: "process", value: own };
    const all = await limitOf(dirname(group), ["memory.max", "memory.limit_in_bytes"]);
    if (all !== null) return { limit: "memory", scope: "session", value: all };
    return own === null ? null : { limit: "memory", scope: "process", value: own };
  }

  /** null: who ended it has set the limit to 0, so that nothing is born any more. */
  async #pidsHit({ pids }: Gauge): Promise<Hit | null> {
    const group = dirname(pids ?? "");
    const own = await numberIn(join(group, "pids.max"));
    if (own === 0) return null;
    const peak = await numberIn(join(group, "pids.peak"));
    const all = await limitOf(dirname(group), ["pids.max"]);
    const mine = own !== null && (peak === null ? all === null || own <= all : peak >= own);
    if (mine) return { limit: "pids", scope: "process", value: own };
    if (all !== null) return { limit: "pids", scope: "session", value: all };
    return own === null ? null : { limit: "pids", scope: "process", value: own };
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
    for (const one of [...this.#followed].slice(0, AT_ONCE)) {
      if (!this.#followed.delete(one)) continue; // it has ended meanwhile
      this.#followed.add(one);
      await one.look();
    }
    this.#busy = false;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
