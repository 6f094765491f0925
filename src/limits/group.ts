// One control group as files: what is written to limit it, what is read to see whether a limit was hit. The two versions
// differ here and nowhere else.
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Controller } from "./machine.ts";

/** null: no limit. */
export interface Amounts {
  memory_bytes: number | null;
  /** Processors' worth of time. */
  cpus: number | null;
  pids: number | null;
}

export const NO_LIMITS: Amounts = { memory_bytes: null, cpus: null, pids: null };
export const controllerOf = { memory_bytes: "memory", cpus: "cpu", pids: "pids" } as const;

const PERIOD_US = 100_000;
/** The kernel takes no quota below a millisecond. */
const LEAST_QUOTA_US = 1_000;
const quotaOf = (cpus: number): number => Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US));

interface Line {
  file: string;
  text: string;
  /** Kernels without that feature have no such file. */
  optional?: boolean;
}

function linesOf(version: 1 | 2, controllers: readonly Controller[], amounts: Amounts): Line[] {
  const { memory_bytes: memory, cpus, pids } = amounts;
  const has = (controller: Controller) => controllers.includes(controller);
  const lines: Line[] = [];
  if (has("memory") && version === 2) {
    lines.push({ file: "memory.max", text: memory === null ? "max" : String(memory) });
    // What does not fit does not go to the disk instead: there a child would slow down the whole machine.
    lines.push({ file: "memory.swap.max", text: memory === null ? "max" : "0", optional: true });
  }
  if (has("memory") && version === 1) {
    const text = memory === null ? "-1" : String(memory);
    const both: Line[] = [
      { file: "memory.limit_in_bytes", text },
      { file: "memory.memsw.limit_in_bytes", text, optional: true },
    ];
    // Memory alone may never be more than memory and swap together: which comes first depends on the direction.
    lines.push(...(memory === null ? both.reverse() : both));
  }
  if (has("cpu") && version === 2)
    lines.push({ file: "cpu.max", text: `${cpus === null ? "max" : quotaOf(cpus)} ${PERIOD_US}` });
  if (has("cpu") && version === 1) {
    if (cpus !== null) lines.push({ file: "cpu.cfs_period_us", text: String(PERIOD_US) });
    lines.push({ file: "cpu.cfs_quota_us", text: cpus === null ? "-1" : String(quotaOf(cpus)) });
  }
  if (has("pids")) lines.push({ file: "pids.max", text: pids === null ? "max" : String(pids) });
  return lines;
}

/** Limits a group. Throws the system's error where the kernel will not have it. */
export async function limit(
  directory: string,
  version: 1 | 2,
  controllers: readonly Controller[],
  amounts: Amounts,
): Promise<void> {
  for (const { file, text, optional } of linesOf(version, controllers, amounts)) {
    const path = join(directory, file);
    try {
      await writeFile(path, text, { flag: "r+" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (optional === true && (code === "ENOENT" || code === "EOPNOTSUPP")) continue;
      // Version 1 refuses to raise a limit of memory and swap before the other one: the second time it is in order.
      if (code === "EINVAL" && file === "memory.limit_in_bytes") {
        await writeFile(join(directory, "memory.memsw.limit_in_bytes"), text, { flag: "r+" });
        await writeFile(path, text, { flag: "r+" });
        continue;
      }
      throw error;
    }
  }
}

/** The files of a group that tell of hits, looked up once. */
export interface Gauge {
  memory: string | null;
  pids: string | null;
  /** Of the session: newer kernels count a start that was refused where the limit is, not where it was tried. */
  sessionPids: string | null;
}

/** `directories`: a child's groups, one in each hierarchy. Null where none of them has such a file. */
export async function gaugeOf(directories: readonly string[]): Promise<Gauge> {
  const find = async (...names: readonly string[]): Promise<string | null> => {
    for (const directory of directories)
      for (const name of names) {
        const file = join(directory, name);
        if (await access(file).then(() => true, () => false)) return file; // biome-ignore format: one thought
      }
    return null;
  };
  // The first two say how often something in this very group was refused or killed, whichever limit above was the cause.
  return {
    memory: await find("memory.events", "memory.oom_control"),
    pids: await find("pids.events"),
    sessionPids: await find("../pids.events.local"),
  };
}

/** The number after a word, as in `oom_kill 3`; 0 if there is none, or no such file (any more). */
export async function countIn(file: string | null, word: string): Promise<number> {
  if (file === null) return 0;
  const found = new RegExp(`^${word} (\\d+)$`, "m").exec(await readFile(file, "utf8").catch(() => ""));
  return Number(found?.[1] ?? 0);
}

/** A file that holds one number (or `max`, which is null, as is a file that is not there). */
export async function numberIn(file: string): Promise<number | null> {
  const text = (await readFile(file, "utf8").catch(() => "")).trim();
  return /^\d+$/.test(text) ? Number(text) : null;
}
