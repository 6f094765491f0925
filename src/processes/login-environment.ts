// What a person's login shell would have in its environment. A profile costs a quarter of a second and may do anything,
// so it runs once, under a keeper (it cannot reach the host's terminal) and under a limit, and is remembered until one of
// its files changes.
import { randomBytes } from "node:crypto";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import { readAll } from "../keeper/read-all.ts";
import { settled } from "./clock.ts";
import type { Environment } from "./environment.ts";
import { ProfileFiles } from "./profile-files.ts";

const PREFIX = "env_";
const LIMIT_MS = 10_000;
/** A profile that failed is tried again after this, or at once when it has been edited. */
const RETRY_MS = 10 * 60_000;
const MAX_BYTES = 1024 * 1024;
/** What a profile runs may hold a lock that it leaves behind when it is killed unasked (pyenv: each login then takes a minute). */
const GRACE_MS = 1_000;

/** The variables that `env -0` printed after `mark`, or null if the list is not whole. */
export function parseEnvironment(output: Buffer, mark: string): Record<string, string> | null {
  const at = output.lastIndexOf(`${mark}\n`);
  if (at < 0 || output[output.length - 1] !== 0) return null;
  const result: Record<string, string> = {};
  for (const entry of output.toString("utf8", at + mark.length + 1).split("\0")) {
    const equals = entry.indexOf("=");
    // A job that the profile left in the background may have printed in between: no variable name has a line end.
    if (equals > 0 && !entry.slice(0, equals).includes("\n")) result[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return result;
}

export interface Login {
  /** null: it could not be read. */
  environment: Environment | null;
  /** What went wrong, in words; null if nothing did. */
  problem: string | null;
}

interface Cached {
  key: string;
  stamp: string;
  login: Promise<Login>;
  /** What `login` came to, once it has. */
  settled: Login | null;
  readAt: number;
}

export class LoginEnvironment {
  readonly #keepers: Keepers;
  readonly #onWarning: (text: string) => void;
  readonly #limitMs: number;
  readonly #files = new ProfileFiles();
  #cached: Cached | null = null;

  readonly #leaving: AbortSignal;

  /** `leaving`: this host lets go of its children; nobody waits for a profile any more. */
  constructor(o: {
    keepers: Keepers;
    onWarning: (text: string) => void;
    leaving: AbortSignal;
    limitMs?: number;
  }) {
    this.#leaving = o.leaving;
    this.#keepers = o.keepers;
    this.#onWarning = o.onWarning;
    this.#limitMs = o.limitMs ?? LIMIT_MS;
  }

  /** The next `get` reads again. */
  refresh(): void {
    this.#cached = null;
  }

  /** The login environment of `shell` on top of `base`; reads the profile only when it must. Never throws. */
  async get(shell: string, base: Environment): Promise<Login> {
    const key = JSON.stringify([shell, base]);
    const stamp = await this.#files.stamp(base.HOME);
    const old = this.#cached;
    if (old !== null && old.key === key && old.stamp === stamp) {
      const stale = old.settled?.problem !== null && old.settled !== null && performance.now() - old.readAt > RETRY_MS;
      if (!stale) return old.login;
    }
    const login = this.#read(shell, base).catch((error: unknown) => this.#failed(shell, String(error)));
    const fresh: Cached = { key, stamp, login, settled: null, readAt: performance.now() };
    this.#cached = fresh;
    fresh.settled = await login;
    return fresh.settled;
  }

  #failed(shell: string, why: string): Login {
    const problem = `the profile of ${shell} could not be read (${why})`;
    this.#onWarning(`${problem}: commands start without it`);
    return { environment: null, problem };
  }

  async #read(shell: string, base: Environment): Promise<Login> {
    const mark = `hearth-${randomBytes(12).toString("hex")}`;
    const id = `${PREFIX}${randomBytes(6).toString("hex")}`;
    const child = await this.#keepers.start({
      id,
      argv: [shell, "-lic", `printf '\\n%s\\n' ${mark}; exec env -0`],
      env: { ...base, TERM: "dumb" },
      cwd: base.HOME ?? "/",
      mode: "pipe",
      quotaBytes: MAX_BYTES,
    });
    const reading = this.#readFrom(shell, child, mark);
    void this.#forgetWhenClosed(child, reading);
    return await reading;
  }

  async #readFrom(shell: string, child: Child, mark: string): Promise<Login> {
    // Nobody waits for the answers to these: a keeper that is stopped would hold up every start.
    void child.eof().catch(() => undefined);
    await settled(child.exited, this.#limitMs, [this.#leaving]);
    if (this.#leaving.aborted) return { environment: null, problem: "the host is stopping" };
    const { end } = child;
    if (end === undefined) {
      child.kill({ graceMs: GRACE_MS }).catch((error: unknown) => this.#onWarning(String(error)));
      return this.#failed(shell, `it took longer than ${this.#limitMs / 1000} s`);
    }
    if (end.kind === "lost") return this.#failed(shell, "its keeper was lost");
    const { spool } = child;
    const printed = await readAll(spool, spool.firstKept, end.bytesAtExit - spool.firstKept);
    const environment = parseEnvironment(printed, mark);
    if (environment === null) return this.#failed(shell, `it ended with ${end.signal ?? end.code} before it was done`);
    return { environment, problem: null };
  }

  /** An agent (of SSH, say) that the profile has started lives on; its files go when it does. */
  async #forgetWhenClosed(child: Child, reading: Promise<unknown> = Promise.resolve()): Promise<void> {
    try {
      await child.closed;
      // What it has printed goes with its files.
      await Promise.allSettled([reading]);
      await this.#keepers.forget(child.id);
    } catch (error) {
      this.#onWarning(`the files of ${child.id} could not be removed: ${String(error)}`);
    }
  }

  /** Clears up after a host that died while it read a profile. */
  adopt(adopted: readonly Adopted[]): void {
    for (const one of adopted) {
      const id = "child" in one ? one.child.id : one.id;
      if (!id.startsWith(PREFIX)) continue;
      if (!("child" in one)) {
        this.#keepers.forget(id).catch((error: unknown) => this.#onWarning(String(error)));
        continue;
      }
      void this.#forgetWhenClosed(one.child);
      if (one.state === "running" && one.child.end === undefined)
        one.child.kill({ graceMs: GRACE_MS }).catch((error: unknown) => this.#onWarning(String(error)));
    }
  }
}
