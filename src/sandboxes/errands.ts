// Short programs that sandboxes need: under a keeper like any child, since the host itself forks nothing, and forgotten after.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import { readAll } from "../keeper/read-all.ts";
import type { ErrandOptions, Said } from "./types.ts";

export const ERRAND = "errand_";
const LIMIT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const PAUSE_MS = 5;
const always = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR"];

/** Of an environment, what a program of this machine needs to work at all, and what it needs by name. */
export function environmentFor(
  environment: Readonly<Record<string, string>>,
  names: readonly string[] = [],
): Record<string, string> {
  const wanted = new Set([...always, ...names]);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => wanted.has(name)));
}

export class Errands {
  readonly #keepers: Keepers;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #onWarning: (text: string) => void;
  readonly #leaving = new AbortController();

  constructor(o: {
    keepers: Keepers;
    environment: Readonly<Record<string, string>>;
    onWarning: (text: string) => void;
  }) {
    this.#keepers = o.keepers;
    this.#environment = o.environment;
    this.#onWarning = o.onWarning;
  }

  /** Throws FailedStart where there is no such program. One that takes too long is ended, and has no code. */
  async run(argv: readonly string[], options: ErrandOptions = {}): Promise<Said> {
    const child = await this.#keepers.start({
      id: `${ERRAND}${randomBytes(8).toString("hex")}`,
      argv,
      env: environmentFor(this.#environment, options.environment),
      cwd: options.cwd ?? "/",
      mode: "pipe",
      quotaBytes: MAX_BYTES,
    });
    try {
      return await this.#follow(child, options);
    } finally {
      void this.#forget(child);
    }
  }

  async #follow(child: Child, { input, limitMs = LIMIT_MS }: ErrandOptions): Promise<Said> {
    const patience = new AbortController();
    const signal = AbortSignal.any([patience.signal, this.#leaving.signal]);
    const late = delay(limitMs, null, { signal, ref: false }).catch(() => null);
    const work = this.#feed(child, input, signal).then(() => child.exited);
    const end = await Promise.race([work, late]);
    patience.abort();
    if (end === null) {
      await child.kill({ graceMs: 0, firstSignal: 9 });
      await Promise.race([child.exited, delay(2_000, null, { ref: false })]);
    }
    const text = await textOf(child);
    if (end === null && text === "") return { code: null, text: `no answer within ${limitMs / 1000} s` };
    return { code: end?.kind === "exited" ? end.code : null, text };
  }

  async #feed(child: Child, input: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
    try {
      for (let at = 0; input !== undefined && at < input.length && !signal.aborted; ) {
        const taken = await child.write(input.subarray(at, at + 256 * 1024));
        at += taken;
        if (taken === 0) await delay(PAUSE_MS, undefined, { ref: false });
      }
      await child.eof();
    } catch (error) {
      // It has ended before it had read all: its end says more than this.
      if (child.end === undefined && !signal.aborted)
        await Promise.race([child.exited, delay(1_000, null, { ref: false })]);
      if (child.end === undefined) this.#onWarning(`${child.id}: ${String(error)}`);
    }
  }

  async #forget(child: Child): Promise<void> {
    if (this.#leaving.signal.aborted) return; // the next host does
    try {
      await child.closed;
      await this.#keepers.forget(child.id);
    } catch (error) {
      if (!this.#leaving.signal.aborted)
        this.#onWarning(`the files of ${child.id} could not be removed: ${String(error)}`);
    }
  }

  /** Ends what a host that died had begun. */
  adopt(adopted: readonly Adopted[]): void {
    for (const one of adopted) {
      const id = "child" in one ? one.child.id : one.id;
      if (!id.startsWith(ERRAND)) continue;
      if (!("child" in one)) {
        this.#keepers.forget(id).catch((error: unknown) => this.#onWarning(String(error)));
        continue;
      }
      void this.#forget(one.child);
      if (one.child.end === undefined)
        one.child.kill({ graceMs: 0, firstSignal: 9 }).catch((error: unknown) => this.#onWarning(String(error)));
    }
  }

  close(): void {
    this.#leaving.abort();
  }
}

/** All output of a child that is kept. */
export async function textOf({ spool }: Child): Promise<string> {
  return (await readAll(spool, spool.firstKept, Number.POSITIVE_INFINITY)).toString("utf8");
}
