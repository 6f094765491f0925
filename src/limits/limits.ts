// The door to this part: makes the control groups of sessions and children, tells when a limit is hit, takes groups down.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HostError } from "../protocol/errors.ts";
import type { ProcessLimits } from "../protocol/rows.ts";
import { type Amounts, controllerOf, limit, NO_LIMITS } from "./group.ts";
import { CONTROLLERS, type Controller, enable, type Kernel, type Place, settle, survey } from "./machine.ts";
import { type Hit, type ToFollow, Watch } from "./watch.ts";
import { shown } from "./words.ts";

export { type Amounts, NO_LIMITS } from "./group.ts";
export type { Hit } from "./watch.ts";

/** What this host can enforce, as its status tells it. */
export interface Offered {
  kind: "cgroup2" | "cgroup1" | "none";
  controllers: Controller[];
  /** What is missing, and why; absent if nothing is. */
  why?: string;
}

export interface LimitSettings {
  /** `required`: what cannot be limited does not start. `off`: nothing is limited. */
  mode: "possible" | "required" | "off";
  /** The most one child may have; undefined `pids`: the usual number, where it costs nothing. */
  child: Omit<Amounts, "pids"> & { pids: number | undefined };
  /** The most all children of one session may have together. */
  session: Amounts;
}

/** Settings by which nothing is limited. */
export const NOTHING_LIMITED: LimitSettings = {
  mode: "off",
  child: { memory_bytes: null, cpus: null, pids: undefined },
  session: NO_LIMITS,
};

export interface Wanted {
  id: string;
  session_id: string | null;
  /** What the caller asks for; more than the settings allow is less. */
  asked?: Partial<Record<keyof Amounts, number | undefined>>;
}

/** What a start needs to know. */
export interface Prepared {
  /** For the row; null if nothing limits it. */
  limits: ProcessLimits | null;
  /** Directories that the keeper puts the child into. */
  groups: string[];
  required: boolean;
  notes: string[];
}

/** Enough for any build, too few to take all numbers of processes that a machine has (32,768 by default). */
export const USUAL_PIDS = 4_096;
const NOBODY = "no-session";
const REMOVE_WAITS_MS = [0, 20, 100, 500, 2_000];
const SWEEP_MS = 60_000;
/** A group that another host has only just made is not empty for long. */
const ABANDONED_MS = 10 * 60_000;
const EMPTY_LOOKS = 50;

interface Base extends Place {
  base: string;
}
interface Session {
  children: number;
  /** Work on its directories, one after the other. */
  turn: Promise<unknown>;
}

export class Limits implements AsyncDisposable {
  readonly offered: Offered;
  readonly #bases: readonly Base[];
  readonly #sessions = new Map<string, Session>();
  readonly #watch: Watch;
  /** Groups that still had members when their child had ended. */
  readonly #left = new Set<string>();
  readonly #sweep: NodeJS.Timeout;
  readonly #removing = new Set<Promise<void>>();

  private constructor(offered: Offered, bases: readonly Base[], everyMs: number) {
    this.offered = offered;
    this.#bases = bases;
    this.#watch = new Watch(everyMs);
    this.#sweep = setInterval(() => void this.#sweepLeft(), SWEEP_MS);
    this.#sweep.unref();
  }

  /**
   * Finds out what this machine offers and makes a place for this home's groups. Never throws: where there is nothing, it
   * says why. `home`: where it is kept which places were used, so that a later host elsewhere clears them up.
   */
  static async open(o: { home: string; kernel?: Kernel; pollMs?: number }): Promise<Limits> {
    const { places, why } = await survey(o.kernel);
    const name = createHash("sha256").update(o.home).digest("hex").slice(0, 12);
    const bases: Base[] = [];
    const troubles = why === null ? [] : [why];
    for (const place of places) {
      try {
        bases.push({ ...place, base: await settle(place, name, o.kernel) });
      } catch (error) {
        troubles.push(wordsOf(error, place.directory));
      }
    }
    const controllers = CONTROLLERS.filter((one) => bases.some((base) => base.controllers.includes(one)));
    const kind = bases.length === 0 ? "none" : bases.some(({ version }) => version === 2) ? "cgroup2" : "cgroup1";
    const offered: Offered = { kind, controllers, ...(troubles.length === 0 ? {} : { why: troubles.join("; ") }) };
    const limits = new Limits(offered, bases, o.pollMs ?? 1_000);
    await limits.#rememberBases(join(o.home, "control-groups"));
    return limits;
  }

  /** Removes what other hosts of this home left in places that this one does not use, and notes the ones it does. */
  async #rememberBases(file: string): Promise<void> {
    const before = (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line.startsWith("/"));
    const now = this.#bases.map(({ base }) => base);
    const kept: string[] = [];
    for (const base of before.filter((one) => !now.includes(one) && /\/hearth\/[0-9a-f]{12}$/.test(one)))
      if (!(await removeTree(base, new Set()))) kept.push(base);
    const all = [...now, ...kept.slice(0, 20)];
    if (all.join() !== before.join())
      await writeFile(file, all.map((line) => `${line}\n`).join(""), { mode: 0o600 }).catch(() => undefined); // a full disk: next time
  }

  /** Clears up groups of children that no host will ask about again; those with members stay. `known`: groups in use. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    const dirs = new Set([...known].flatMap((group) => [group, dirname(group)]));
    for (const { base } of this.#bases) {
      for (const session of await subgroups(base)) if (!dirs.has(session)) await removeTree(session, dirs);
      for (const session of dirs)
        if (dirname(session) === base)
          for (const child of await subgroups(session)) if (!dirs.has(child)) await removeTree(child, dirs);
      // Homes that are gone: tests, mostly.
      for (const other of await subgroups(dirname(base))) {
        const age = await stat(other).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0); // biome-ignore format: one thought
        if (other !== base && age > ABANDONED_MS) await removeTree(other, dirs);
      }
    }
  }

  /** What a child is to be limited to, by the settings and what was asked for. */
  amounts(settings: LimitSettings, asked: Wanted["asked"] = {}): { amounts: Amounts; notes: string[] } {
    const notes: string[] = [];
    const of = (key: keyof Amounts, most: number | null): number | null => {
      const wish = asked[key];
      if (wish === undefined) return most;
      if (most !== null && wish > most)
        notes.push(`It may have ${shown(key, most)}, not the ${shown(key, wish)} asked for.`);
      return most === null ? wish : Math.min(wish, most);
    };
    const free = this.offered.kind === "cgroup2" ? USUAL_PIDS : null;
    const pids = settings.child.pids === undefined ? free : settings.child.pids;
    const amounts: Amounts = {
      memory_bytes: of("memory_bytes", settings.child.memory_bytes),
      cpus: of("cpus", settings.child.cpus),
      pids: of("pids", pids),
    };
    return { amounts, notes };
  }

  /**
   * Makes the groups of a child and its session. What this machine cannot do is said in the notes.
   * Errors: not_supported where limits are required and cannot be had.
   */
  async prepare(wanted: Wanted, settings: LimitSettings): Promise<Prepared> {
    if (settings.mode === "off") return { limits: null, groups: [], required: false, notes: [] };
    const { amounts, notes } = this.amounts(settings, wanted.asked);
    const session = wanted.session_id === null ? NO_LIMITS : settings.session;
    const needed = CONTROLLERS.filter((controller) =>
      [amounts, session].some((one) => amountOf(one, controller) !== null),
    );
    if (needed.length === 0) return { limits: null, groups: [], required: false, notes };
    const lacking = needed.filter((controller) => !this.offered.controllers.includes(controller));
    const bases = this.#bases.filter(({ controllers }) => controllers.some((one) => needed.includes(one)));
    const troubles = lacking.length === 0 ? [] : [this.offered.why ?? `there is no control of ${lacking.join(", ")}`];
    const groups: string[] = [];
    try {
      groups.push(...(await this.#make(wanted, bases, session, amounts)));
    } catch (error) {
      troubles.push(wordsOf(error, "a control group"));
    }
    const required = settings.mode === "required";
    if (troubles.length > 0 && required) {
      this.release(groups);
      throw new HostError(
        "not_supported",
        `Its limits cannot be enforced here (${troubles.join("; ")}), and processes.limits is "required"`,
      );
    }
    if (troubles.length > 0) notes.push(`Its limits are not enforced: ${troubles.join("; ")}.`);
    return { limits: { ...amounts, enforced: troubles.length === 0 }, groups, required, notes };
  }

  async #make(wanted: Wanted, bases: readonly Base[], session: Amounts, amounts: Amounts): Promise<string[]> {
    const name = wanted.session_id === null ? NOBODY : nameOf(wanted.session_id);
    // No child may have more than its session: some kernels refuse the attempt.
    const child = lower(amounts, session);
    return await this.#inTurn(name, async (entry) => {
      const made: string[] = [];
      entry.children++;
      try {
        for (const { base, version, controllers } of bases) {
          const parent = join(base, name);
          await mkdir(parent, { recursive: true });
          if (version === 2) await enable(parent, controllers);
          await limit(parent, version, controllers, session);
          const group = join(parent, nameOf(wanted.id));
          made.push(group);
          await mkdir(group, { recursive: true });
          await limit(group, version, controllers, child);
        }
        return made;
      } catch (error) {
        for (const group of made) await rmdir(group).catch(() => this.#left.add(group));
        entry.children--;
        throw error;
      }
    });
  }

  /** Takes over the groups of a child that an earlier host has started. */
  adopt(groups: readonly string[]): void {
    for (const name of new Set(groups.map(sessionOf))) this.#session(name).children++;
  }

  /**
   * Calls `onHit` once for each limit that the child runs into, until `stop`. `look` asks now, and resolves when `onHit`
   * was called. `inside`: the directory of a child that has no groups here, since its limits are its sandbox's own.
   */
  follow(o: ToFollow, onHit: (hit: Hit) => void): { look(): Promise<void>; stop(): void } {
    return this.#watch.follow(o, onHit);
  }

  /** Its child has ended: the groups go, at once or when the last straggler has. */
  release(groups: readonly string[]): void {
    if (groups.length === 0) return;
    const removing = this.#remove(groups).finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }

  async #remove(groups: readonly string[]): Promise<void> {
    const rest = new Set(groups);
    for (const wait of REMOVE_WAITS_MS) {
      await delay(wait, undefined, { ref: false });
      for (const group of rest) if (await removed(group)) rest.delete(group);
      if (rest.size === 0) break;
    }
    for (const group of rest) this.#left.add(group);
    const name = sessionOf(groups[0] ?? "");
    await this.#inTurn(name, async (entry) => {
      entry.children--;
      if (entry.children <= 0) for (const { base } of this.#bases) await removed(join(base, name));
    });
  }

  /** Ends whoever is in these groups: for a child whose keeper is gone, so that nobody else can. */
  async empty(groups: readonly string[]): Promise<void> {
    for (const group of groups) {
      const killed = await writeFile(join(group, "cgroup.kill"), "1", { flag: "r+" }).then(() => true, () => false); // biome-ignore format: one thought
      if (killed) continue;
      await writeFile(join(group, "pids.max"), "0", { flag: "r+" }).catch(() => undefined); // nobody is born any more
      for (let look = 0; look < EMPTY_LOOKS; look++) {
        const members = (await readFile(join(group, "cgroup.procs"), "utf8").catch(() => ""))
          .split("\n")
          .filter(Boolean);
        if (members.length === 0) break;
        for (const pid of members) killQuietly(Number(pid));
        await delay(10, undefined, { ref: false });
      }
    }
  }

  #session(name: string): Session {
    const known = this.#sessions.get(name) ?? { children: 0, turn: Promise.resolve() };
    this.#sessions.set(name, known);
    return known;
  }

  async #inTurn<T>(name: string, work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#session(name);
    const mine = session.turn.then(() => work(session));
    const settled = mine.then(() => undefined, () => undefined); // biome-ignore format: one thought
    session.turn = settled;
    try {
      return await mine;
    } finally {
      if (session.turn === settled && session.children <= 0) this.#sessions.delete(name);
    }
  }

  async #sweepLeft(): Promise<void> {
    for (const group of this.#left) if (await removed(group)) this.#left.delete(group);
  }

  /** Stops watching; groups with members stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep);
    this.#watch.stop();
    await Promise.race([Promise.allSettled(this.#removing), delay(200, undefined, { ref: false })]);
    await this.#sweepLeft();
    for (const { base } of this.#bases) if (await removeTree(base, new Set())) await removed(dirname(base));
  }
}

/** Whose children a group is among, as `nameOf` wrote it: groups of children are in their session's. */
const sessionOf = (group: string): string => basename(dirname(group));

const amountOf = (amounts: Amounts, controller: Controller): number | null => {
  const keys = Object.keys(controllerOf) as (keyof Amounts)[];
  const key = keys.find((one) => controllerOf[one] === controller);
  return key === undefined ? null : amounts[key];
};

const least = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));

/** Only where the child has a limit of its own: else its session's holds anyway. */
function lower(child: Amounts, session: Amounts): Amounts {
  const of = (key: keyof Amounts) => (child[key] === null ? null : least(child[key], session[key]));
  return { memory_bytes: of("memory_bytes"), cpus: of("cpus"), pids: of("pids") };
}

/** As the name of a directory: ids are, and what a caller calls its session need not be. */
const nameOf = (id: string): string =>
  /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : `x${createHash("sha256").update(id).digest("hex").slice(0, 24)}`;

function wordsOf(error: unknown, place: string): string {
  const { code, path, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `${path ?? place} refused (${code})`;
}

async function subgroups(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

/** False: it has members, or groups below it. */
async function removed(group: string): Promise<boolean> {
  try {
    await rmdir(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** Removes a group with those below it, as far as nobody is in them; `keep` stay. */
async function removeTree(group: string, keep: ReadonlySet<string>): Promise<boolean> {
  if (keep.has(group)) return false;
  for (const below of await subgroups(group)) await removeTree(below, keep);
  return await removed(group);
}

function killQuietly(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
