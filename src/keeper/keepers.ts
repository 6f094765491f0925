// The door to this part: starts children through the launcher, finds those that live, and forgets those that ended.
import { randomBytes } from "node:crypto";
import { addAbortListener } from "node:events";
import { constants } from "node:fs";
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { HostError, Stopping } from "../protocol/errors.ts";
import { FailedStart, StartTimeout, StillRunning } from "./failures.ts";
import { isRemoved, makeDirectory, removeDirectory, removeRest, syncDirectory, writeDurably } from "./files.ts";
import { Gate } from "./gate.ts";
import { KeptChild } from "./kept-child.ts";
import { Launcher, type Reply } from "./launcher.ts";
import { Link, NoKeeper } from "./link.ts";
import { within } from "./patience.ts";
import {
  absentAsEmpty,
  decodeIntent,
  encodeIntent,
  errnoName,
  type Failure,
  type Intent,
  readRecord,
  toEnd,
  toLive,
  withInside,
} from "./records.ts";
import { Turns } from "./turns.ts";
import type { Adopted, Child, ChildSpec, Live } from "./types.ts";
import { decide, type Verdict } from "./verdict.ts";

export { FailedStart, NotRunning, OffsetGone, StartTimeout, StillRunning } from "./failures.ts";
export type { Adopted, Child, ChildSpec, Closed, End, Live, Spool, Transport } from "./types.ts";

const validId = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** A keeper that claimed a child needs milliseconds until it runs; one that is not there after this is dead. */
const armedGraceMs = 1_000;
/** Of a hundred that share two processors each would take as long as all of them, and some longer than they may. */
const startsAtOnce = 16;
const adoptAtOnce = 32;
/** How long a keeper may take to leave after the end of output. */
const leavingMs = 2_000;
/** How long closing waits for late starts to be ended; the next host goes on with those that are not. */
const closingMs = 500;

export interface KeepersOptions {
  /** One directory per child lies in here. */
  childrenDir: string;
  /** The compiled keeper. */
  binary: string;
  /** How long a start may take; default 5,000 ms. */
  startDeadlineMs?: number;
  /** The soft limit of open files that children get; default: the host's own. They may raise it again. */
  openFiles?: number;
  /** Hears, in words, of records that were ignored and of attempts to open a keeper. */
  onWarning?: (text: string) => void;
}

export class Keepers implements AsyncDisposable {
  readonly #childrenDir: string;
  /** The same, open: each start syncs it. */
  readonly #parent: FileHandle;
  readonly #deadlineMs: number;
  readonly #onWarning: (text: string) => void;
  readonly #launcher: Launcher;
  readonly #children = new Map<string, KeptChild>();
  /** Late starts being ended; `close` waits for them. */
  readonly #cleaning = new Set<Promise<void>>();
  /** Nothing is started any more; and then: nothing is waited for any more. */
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  readonly #starting = new Gate(startsAtOnce);
  readonly #turns = new Turns();
  #parentSync: Promise<void> | undefined;
  readonly #openedAt = Date.now();

  private constructor(options: KeepersOptions, childrenDir: string, parent: FileHandle) {
    this.#childrenDir = childrenDir;
    this.#parent = parent;
    this.#deadlineMs = options.startDeadlineMs ?? 5_000;
    this.#onWarning = options.onWarning ?? (() => undefined);
    this.#launcher = new Launcher(resolve(options.binary), options.openFiles ?? 0); // it stands elsewhere
  }

  /** Throws where the directory cannot be made or the binary cannot be run. */
  static async open(options: KeepersOptions): Promise<Keepers> {
    const childrenDir = resolve(options.childrenDir);
    if (childrenDir.includes("\n"))
      throw new HostError("config_refused", "Hearth's home cannot have a line break in it.");
    await mkdir(childrenDir, { recursive: true, mode: 0o700 });
    await access(options.binary, constants.X_OK);
    return new Keepers(options, childrenDir, await open(childrenDir, "r"));
  }

  /** The process id of the launcher, for those who show what runs. */
  get launcherPid(): number | undefined {
    return this.#launcher.pid;
  }

  /**
   * Starts a child, once. Throws `FailedStart` (it was never executed) or `StartTimeout` (it never will be: what comes
   * up late is ended).
   */
  async start(spec: ChildSpec): Promise<Child> {
    // A sandbox may take half a minute to come up: nobody waits behind it.
    return spec.transport === undefined ? this.#starting.pass(() => this.#start(spec)) : this.#start(spec);
  }

  async #start(spec: ChildSpec): Promise<Child> {
    await this.#turns.next();
    this.#refuseWhileClosing();
    const dir = this.#dirOf(spec.id);
    const random = randomBytes(16 + 32).toString("hex");
    const intent: Intent = { spec, mark: random.slice(0, 32), secret: random.slice(32), createdAt: Date.now() };
    await this.#writeIntent(dir, intent);
    return await this.#launch(spec.id, dir, intent);
  }

  #refuseWhileClosing(): void {
    if (this.#closing.signal.aborted) throw new Stopping();
  }

  /** Finds what is there, ends what has to be ended, and may be called again: who is known already is answered as it is. */
  async adopt(): Promise<Adopted[]> {
    const entries = await readdir(this.#childrenDir, { withFileTypes: true });
    for (const entry of entries)
      if (!entry.isDirectory()) this.#onWarning(`${entry.name} in the children's directory is not a child: ignored`);
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    for (const name of names.filter(isRemoved)) this.#inBackground(removeRest(join(this.#childrenDir, name)));
    const ids = names.filter((name) => !isRemoved(name));
    const found: Adopted[] = [];
    const next = async (): Promise<void> => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        const one = await this.#adoptSafely(id);
        if (one !== undefined) found.push(one);
      }
    };
    await Promise.all(Array.from({ length: adoptAtOnce }, next));
    return found.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  }

  /** Removes the directory of a child that ended. Throws `StillRunning` while the child or a descendant lives. */
  async forget(id: string): Promise<void> {
    const dir = this.#dirOf(id);
    const child = this.#children.get(id);
    // A keeper that is stopped answers nobody: no answer in time is a no.
    const over = child === undefined ? await this.#isOver(dir) : await within(2 * leavingMs, child.left(leavingMs));
    if (over !== true) throw new StillRunning(id);
    child?.detach();
    await removeDirectory(dir);
    this.#children.delete(id); // until now who looks for children is told this one, and looks at nothing half gone
  }

  /** After `ms` this process is ended by SIGKILL, even if it hangs: for an orderly exit. `disarmDeadline` takes it back. */
  armDeadline(ms: number): void {
    this.#launcher.armDeadline(ms);
  }

  disarmDeadline(): void {
    this.#launcher.disarm();
  }

  /** Drops the connections. The children live on, and so does an armed deadline. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#launcher.close();
    await within(closingMs, Promise.allSettled(this.#cleaning), { ref: false });
    this.#closed.abort();
    for (const child of this.#children.values()) child.detach();
    this.#children.clear();
    await this.#parent.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #dirOf(id: string): string {
    if (!validId.test(id)) throw new HostError("invalid_params", `"${id}" cannot be the id of a child.`);
    return join(this.#childrenDir, id);
  }

  async #writeIntent(dir: string, intent: Intent): Promise<void> {
    const bytes = encodeIntent(intent);
    try {
      await makeDirectory(dir);
      await writeDurably(join(dir, "spec"), bytes);
      await Promise.all([syncDirectory(dir), this.#syncParent()]);
    } catch (cause) {
      const errno = (cause as NodeJS.ErrnoException).code ?? "EUNKNOWN";
      if (errno !== "EEXIST") await removeDirectory(dir);
      this.#refuseWhileClosing();
      throw new FailedStart(intent.spec, "spec", errno, { cause });
    }
  }

  /** Starts that come together share one sync of the directory they are all in. */
  async #syncParent(): Promise<void> {
    await this.#parentSync; // one that began before our entry was made does not count
    this.#parentSync ??= this.#parent.sync().finally(() => {
      this.#parentSync = undefined;
    });
    await this.#parentSync;
  }

  async #launch(id: string, dir: string, intent: Intent): Promise<Child> {
    try {
      const reply = await within(this.#deadlineOf(intent), this.#launcher.start(dir));
      if (reply === undefined) return await this.#giveUp(id, dir, intent);
      if (!reply.ok) return await this.#failed(id, dir, intent, reply);
      await this.#turns.next(); // the launcher tells of many at once
      return await this.#attach(id, dir, intent, reply.live);
    } finally {
      this.#launcher.forget(dir);
    }
  }

  #deadlineOf({ spec }: Intent): number {
    return spec.startDeadlineMs ?? this.#deadlineMs;
  }

  async #failed(id: string, dir: string, intent: Intent, reply: Extract<Reply, { ok: false }>): Promise<never> {
    const { step, errno } = reply;
    // Without a launcher nobody can say how far it got: it may go no further, and a child that did come up is ended.
    if (step === "launcher") await revoke(dir);
    const live = step === "launcher" ? await readLive(dir, intent) : undefined;
    const failure = await readFailure(dir, intent.secret);
    if (live !== undefined) this.#inBackground(this.#endLate(id, dir, intent));
    else await removeDirectory(dir);
    const name = typeof errno === "number" ? errnoName(errno) : errno;
    throw new FailedStart(intent.spec, step, name, { words: failure?.words });
  }

  async #giveUp(id: string, dir: string, intent: Intent): Promise<never> {
    await revoke(dir);
    this.#inBackground(this.#endLate(id, dir, intent));
    throw new StartTimeout(id, this.#deadlineOf(intent));
  }

  /** The start was revoked. A keeper that had already recorded its child may still have let it run: that ends here. */
  async #endLate(id: string, dir: string, intent: Intent): Promise<void> {
    const live = await readLive(dir, intent);
    if (live === undefined) return;
    const verdict = await decide(dir, intent, live, this.#onWarning);
    if (verdict.kind === "failed_start" || verdict.kind === "ended") return;
    const child = new KeptChild({ id, dir, intent, live, onWarning: this.#onWarning }, verdict);
    const closing = addAbortListener(this.#closed.signal, () => child.detach());
    await child.kill({ graceMs: 1 });
    closing[Symbol.dispose]();
    child.detach();
  }

  async #attach(id: string, dir: string, intent: Intent, told: Live | undefined): Promise<Child> {
    // It said that it runs, so it most likely answers; a quick child's keeper may have left again, and its records decide.
    const [live, connected] = await Promise.all([told ?? readLive(dir, intent), this.#firstConnection(dir, intent)]);
    const verdict: Verdict =
      typeof connected === "object"
        ? connected
        : await decide(dir, intent, live, this.#onWarning, connected === "gone");
    if (verdict.kind === "failed_start") throw failedStart(intent, verdict);
    return await this.#known(new KeptChild({ id, dir, intent, live, onWarning: this.#onWarning }, verdict), verdict);
  }

  /**
   * One that has ended is known to have, unless its files cannot be read: then it goes on asking by itself. So does one
   * whose keeper was silent: that was waited for already, and one stopped keeper holds up no start of the host twice.
   */
  async #known(child: KeptChild, verdict: Verdict): Promise<KeptChild> {
    if (verdict.kind !== "silent") await within(this.#deadlineMs, child.settled());
    this.#children.set(child.id, child);
    return child;
  }

  async #firstConnection(dir: string, { secret }: Intent): Promise<Verdict | "gone" | "unknown"> {
    try {
      return { kind: "attached", ...(await Link.open(dir, secret, this.#deadlineMs)) };
    } catch (error) {
      return error instanceof NoKeeper && error.gone ? "gone" : "unknown";
    }
  }

  /** Undefined: it was forgotten while the others were looked at. */
  async #adoptSafely(id: string): Promise<Adopted | undefined> {
    try {
      return await this.#adoptOne(id);
    } catch (error) {
      if (error instanceof FailedStart)
        return { state: "failed_start", id, errno: error.errno, step: error.step, ...said(error.words) };
      if (error instanceof StartTimeout) return { state: "failed_start", id };
      return this.#torn(id, `it cannot be read (${String(error)})`);
    }
  }

  #torn(id: string, why: string): Adopted {
    const warning = `Child ${id} is ignored: ${why}`;
    this.#onWarning(warning);
    return { state: "torn", id, warning };
  }

  async #adoptOne(id: string): Promise<Adopted | undefined> {
    const known = this.#children.get(id);
    if (known !== undefined) return { state: known.end === undefined ? "running" : "ended", child: known };
    if (!validId.test(id)) return this.#torn(id, "that is no child's name");
    const dir = join(this.#childrenDir, id);
    const { claim, intent } = await readIntent(dir);
    if (claim === "none") {
      const found = await lookAt(dir);
      if (found === undefined) return undefined;
      if (neverWritten(found, this.#openedAt)) return { state: "failed_start", id };
    }
    if (intent === undefined || intent.spec.id !== id) return this.#torn(id, "its spec is torn or foreign");
    if (claim === "spec") return await this.#adoptUnclaimed(id, dir, intent);
    if (claim === "revoked" || !(await this.#goesOn(dir, intent))) {
      this.#inBackground(this.#endLate(id, dir, intent));
      return { state: "failed_start", id, spec: intent.spec, ...asAdopted(await readFailure(dir, intent.secret)) };
    }
    return await this.#adoptClaimed(id, dir, intent, await readLive(dir, intent));
  }

  async #adoptClaimed(id: string, dir: string, intent: Intent, live: Live | undefined): Promise<Adopted> {
    const verdict = await decide(dir, intent, live, this.#onWarning);
    if (verdict.kind === "failed_start") return { state: "failed_start", id, spec: intent.spec, ...asAdopted(verdict) };
    const found = { id, dir, intent, live, onWarning: this.#onWarning };
    const child = await this.#known(new KeptChild(found, verdict), verdict);
    return { state: child.end === undefined ? "running" : "ended", child };
  }

  /** Nobody claimed it. Within its time it is asked for again, which is harmless; after it, nobody may. */
  async #adoptUnclaimed(id: string, dir: string, intent: Intent): Promise<Adopted | undefined> {
    const age = Date.now() - intent.createdAt;
    if (age >= 0 && age < this.#deadlineOf(intent)) {
      const child = await this.#launch(id, dir, intent);
      return { state: child.end === undefined ? "running" : "ended", child };
    }
    if (await moved(join(dir, "spec"), join(dir, "revoked"))) return { state: "failed_start", id, spec: intent.spec };
    return await this.#adoptOne(id); // somebody claimed it this very moment
  }

  /**
   * Claimed: did it get as far as a record of its child, or of its end? If not in time, its keeper died, or will find
   * that it may not go on.
   */
  async #goesOn(dir: string, intent: Intent): Promise<boolean> {
    for (const until = performance.now() + armedGraceMs; ; await delay(20)) {
      const live = await readRecord(dir, "live", intent.secret);
      if (live.state === "torn" || live.state === "forged") this.#onWarning(`${dir}/live is ${live.state}: ignored`);
      if (live.state !== "absent" || (await readRecord(dir, "exit", intent.secret)).state === "signed") return true;
      if (performance.now() < until) continue;
      await revoke(dir);
      return false;
    }
  }

  async #isOver(dir: string): Promise<boolean> {
    const { intent } = await readIntent(dir);
    const live = intent && (await readLive(dir, intent));
    if (intent === undefined || live === undefined) return true;
    const verdict = await decide(dir, intent, live, this.#onWarning);
    if (verdict.kind === "attached") verdict.link.close();
    return verdict.kind === "ended" || verdict.kind === "failed_start";
  }

  #inBackground(work: Promise<void>): void {
    const guarded = work.catch((error: unknown) =>
      this.#onWarning(`Something left behind could not be ended or removed: ${String(error)}`),
    );
    this.#cleaning.add(guarded);
    void guarded.then(() => this.#cleaning.delete(guarded));
  }
}

function idOf(adopted: Adopted): string {
  return "child" in adopted ? adopted.child.id : adopted.id;
}

async function readIntent(dir: string): Promise<{ claim: string; intent: Intent | undefined }> {
  // "spec" first: it can become one of the others while we look, and then that one is found.
  for (const claim of ["spec", "armed", "revoked"]) {
    const bytes = await readFile(join(dir, claim)).catch(absentAsEmpty);
    if (bytes.length > 0) return { claim, intent: decodeIntent(bytes) };
  }
  return { claim: "none", intent: undefined };
}

/** What a child's directory holds, and since when; undefined where there is none any more. */
async function lookAt(dir: string): Promise<{ names: string[]; mtimeMs: number } | undefined> {
  try {
    const [names, { mtimeMs }] = await Promise.all([readdir(dir), stat(dir)]);
    return { names, mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Its host died at the first step of a start, before anything was in `spec`. One made since `openedAt` may be our own. */
function neverWritten({ names, mtimeMs }: { names: string[]; mtimeMs: number }, openedAt: number): boolean {
  return mtimeMs < openedAt && names.every((name) => name === "spec");
}

async function readLive(dir: string, { spec, secret }: Intent): Promise<Live | undefined> {
  const [record, inside] = await Promise.all([
    readRecord(dir, "live", secret),
    spec.transport && readRecord(dir, "inside", secret),
  ]);
  if (record.state !== "signed") return undefined;
  const live = toLive(record.fields);
  return inside?.state === "signed" ? withInside(live, inside.fields) : live;
}

async function readFailure(dir: string, secret: string): Promise<Failure | undefined> {
  const verdict = await readRecord(dir, "exit", secret);
  const end = verdict.state === "signed" ? toEnd(verdict.fields) : undefined;
  return end?.kind === "failed_start" ? end : undefined;
}

function failedStart({ spec }: Intent, { step, errno, words }: Failure): FailedStart {
  return new FailedStart(spec, step, errno, { words });
}

function asAdopted(failure: Failure | undefined): { errno?: string; step?: string; words?: string } {
  return failure === undefined ? {} : { errno: failure.errno, step: failure.step, ...said(failure.words) };
}

function said(words: string | undefined): { words?: string } {
  return words === undefined ? {} : { words };
}

/** Takes the claim away from whoever has it, or might still get it. */
async function revoke(dir: string): Promise<void> {
  if (await moved(join(dir, "spec"), join(dir, "revoked"))) return;
  await moved(join(dir, "armed"), join(dir, "revoked"));
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
