// The door to this part: the sandboxes there are, the way into each, and what becomes of what is left in them.
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Adopted, Child, ChildSpec, Keepers } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import { openByCommand } from "./by-command.ts";
import { openByModule } from "./by-module.ts";
import type { SandboxConfig } from "./configured.ts";
import { Container } from "./container.ts";
import { ERRAND, Errands } from "./errands.ts";
import { Ssh } from "./ssh.ts";
import { endForgotten, MASTER } from "./ssh-connection.ts";
import type { Inside, Sandbox, SandboxContext, SandboxRequest, Way } from "./types.ts";
import { SandboxFailed } from "./words.ts";

export type { SandboxConfig } from "./configured.ts";
export type { Inside, Sandbox, SandboxContext, SandboxRequest, Way } from "./types.ts";

/** No sandbox at all. */
export const LOCAL = "local";

/** Longer than any of our own takes, which all have limits of their own: for those that somebody has written. */
const PATIENCE = { openMs: 30_000, enterMs: 120_000, closeMs: 5_000 };

/** Children that are this part's own, for its errands and connections. */
export const isOwn = (id: string): boolean => id.startsWith(ERRAND) || id.startsWith(MASTER);

export interface SandboxesOptions {
  settings: () => Readonly<Record<string, SandboxConfig>>;
  keepers: Keepers;
  /** All that the keepers found. */
  adopted: readonly Adopted[];
  /** The inside half for this machine. */
  keeperBinary: string;
  /** For another machine, as Node names one; undefined: there is none here. */
  keeperFor: (platform: string, arch: string) => Promise<string | undefined>;
  home: string;
  configFile: string;
  /** The host's environment, without Hearth's secrets. */
  environment: Readonly<Record<string, string>>;
  onWarning: (text: string) => void;
  /** How long a sandbox may take to be there, to be entered (if it does not ask for more itself), to be let go of. */
  patience?: typeof PATIENCE;
}

/** What a start in a sandbox comes to. */
export interface Entered {
  sandbox: Sandbox;
  name: string;
  /** What the keeper is told of it. */
  spec: Pick<ChildSpec, "argv" | "env" | "cwd" | "transport" | "startDeadlineMs">;
  cwd: string;
  notes: readonly string[];
  bestEffort: boolean;
}

interface Known {
  /** The configuration it was made of. */
  of: string;
  sandbox: Promise<Sandbox>;
}

export class Sandboxes {
  readonly #o: SandboxesOptions;
  readonly #patience: typeof PATIENCE;
  readonly #errands: Errands;
  readonly #known = new Map<string, Known>();
  /** Processes that run, by sandbox. */
  readonly #running = new Map<string, Set<string>>();
  #closed = false;

  private constructor(o: SandboxesOptions) {
    this.#o = o;
    this.#patience = o.patience ?? PATIENCE;
    const { keepers, environment, onWarning } = o;
    this.#errands = new Errands({ keepers, environment, onWarning });
    this.#errands.adopt(o.adopted);
  }

  /** Finds connections again, and clears up behind hosts that died. */
  static async open(o: SandboxesOptions): Promise<Sandboxes> {
    const sandboxes = new Sandboxes(o);
    const claimed = new Set<string>();
    for (const [name, config] of Object.entries(o.settings()))
      if (config.kind === "container") sandboxes.#inBackground(sandboxes.get(name));
      else if (config.kind === "ssh") claimed.add(((await sandboxes.get(name)) as Ssh).fingerprint);
    const used = (child: Child): boolean => claimed.has(child.spec.facts?.fingerprint ?? "");
    sandboxes.#inBackground(endForgotten(o.keepers, o.adopted, used, path.join(o.home, "ssh")));
    return sandboxes;
  }

  /** Their names; `local` is not among them. */
  get names(): string[] {
    return Object.keys(this.#o.settings());
  }

  /** Those there are, `local` first. */
  async list(): Promise<{ name: string; kind: string; about: string }[]> {
    const here = { name: LOCAL, kind: LOCAL, about: "this machine, as the person who started Hearth" };
    const others = this.names.map(async (name) => {
      try {
        const { kind, about } = await this.get(name);
        return { name, kind, about };
      } catch (error) {
        return { name, kind: this.#o.settings()[name]?.kind ?? "", about: String((error as Error).message) };
      }
    });
    return [here, ...(await Promise.all(others))];
  }

  /** Errors: sandbox_not_found, naming those there are; failed_start where a module cannot be used. */
  async get(name: string): Promise<Sandbox> {
    const config = this.#o.settings()[name];
    if (config === undefined) {
      const there = [LOCAL, ...this.names].join(", ");
      throw new HostError("sandbox_not_found", `There is no sandbox "${name.slice(0, 100)}": there are ${there}`);
    }
    const of = JSON.stringify(config);
    const known = this.#known.get(name);
    if (known?.of === of) return await known.sandbox;
    // Processes of the one before keep it; its connection goes with them.
    if (known !== undefined) this.#inBackground(known.sandbox.then((old) => old.close?.(this.#uses(name))));
    const sandbox = this.#make(name, config);
    this.#known.set(name, { of, sandbox });
    sandbox.catch(() => {
      // It may be mended meanwhile, or another by now.
      if (this.#known.get(name)?.sandbox === sandbox) this.#known.delete(name);
    });
    return await sandbox;
  }

  async #make(name: string, config: SandboxConfig): Promise<Sandbox> {
    const { keeperBinary, keeperFor, home, configFile, environment, keepers, adopted } = this.#o;
    const context: SandboxContext = {
      ...{ name, keeperBinary, keeperFor, home, configFile, environment },
      run: (argv, options) => this.#errands.run(argv, options),
      warn: this.#o.onWarning,
    };
    switch (config.kind) {
      case "bubblewrap":
        return openBubblewrap(config, context);
      case "container": {
        const container = new Container(config, context);
        this.#inBackground(container.sweep((id) => this.#lives(id)));
        return container;
      }
      case "ssh":
        return new Ssh(config, context, keepers, adopted, (id) => this.#lives(id));
      case "command":
        return openByCommand(config, context);
      case "module": {
        const { openMs } = this.#patience;
        const late = () => new SandboxFailed(name, `its module ${config.file} was not ready within ${openMs / 1000} s`);
        return await inTime(openByModule(config, context), openMs, late);
      }
      default:
        return config satisfies never;
    }
  }

  /** Names of variables that go in. */
  passes(name: string): readonly string[] {
    return this.#o.settings()[name]?.environment ?? [];
  }

  /** Finds the way in. Errors: sandbox_not_found; failed_start, in words that say what to do. */
  async enter(name: string, request: SandboxRequest, inside: Inside): Promise<Entered> {
    const sandbox = await this.get(name);
    this.#use(name, request.id);
    try {
      const { transport, cwd = request.cwd, notes = [] } = await this.#wayIn(sandbox, name, request);
      const startDeadlineMs = sandbox.startMs;
      if (!("proxy" in transport))
        return {
          ...{ sandbox, name, cwd, notes, bestEffort: false },
          spec: { argv: inside.argv, env: inside.env, cwd, transport, startDeadlineMs },
        };
      const spec = { ...(await transport.proxy(inside)), startDeadlineMs };
      return { sandbox, name, cwd, notes, bestEffort: true, spec };
    } catch (error) {
      this.#unuse(name, request.id);
      if (error instanceof HostError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new SandboxFailed(name, why, { cause: error });
    }
  }

  /** A backend that somebody has written may never answer. What it makes after all is taken away again. */
  async #wayIn(sandbox: Sandbox, name: string, request: SandboxRequest): Promise<Way> {
    const limitMs = Math.max(this.#patience.enterMs, sandbox.startMs);
    const entering = sandbox.enter(request);
    return await inTime(entering, limitMs, () => {
      const late = entering.then(() => sandbox.cleanUp?.(request.id));
      this.#inBackground(late);
      return new SandboxFailed(name, `it gave no way in within ${limitMs / 1000} s`);
    });
  }

  /** Starts what has entered. Errors: as `Keepers.start`; nothing of it is left inside then. */
  async start({ sandbox, name }: Entered, spec: ChildSpec): Promise<Child> {
    let child: Child | undefined;
    try {
      child = await this.#o.keepers.start(spec);
      return this.#follow(name, sandbox, (await sandbox.wrap?.(child, true)) ?? child);
    } catch (error) {
      // Nobody would ever know of it: it must not live (P5).
      await child?.kill({ graceMs: 1 });
      this.#unuse(name, spec.id);
      if (sandbox.cleanUp !== undefined) this.#inBackground(sandbox.cleanUp(spec.id));
      throw error;
    }
  }

  /** One that was found again, as it is to be seen. One whose sandbox is no longer configured is as its keeper says. */
  async adopted(name: string, child: Child): Promise<Child> {
    // One that has ended: its keeper has said all there is to say, unless it stood for one elsewhere.
    const over = child.end !== undefined && child.spec.transport !== undefined;
    if (over || this.#o.settings()[name] === undefined) return child;
    const sandbox = await this.get(name).catch((error: unknown) => {
      this.#o.onWarning(`${child.id} runs in a sandbox that cannot be used now: ${String(error)}`);
      return undefined;
    });
    if (sandbox === undefined) return child;
    this.#use(name, child.id);
    return this.#follow(name, sandbox, (await sandbox.wrap?.(child, false)) ?? child);
  }

  #follow(name: string, sandbox: Sandbox, child: Child): Child {
    void child.exited.then((end) => {
      this.#unuse(name, child.id);
      if (end.kind === "lost" && sandbox.cleanUp !== undefined && !this.#closed)
        this.#inBackground(sandbox.cleanUp(child.id));
    });
    return child;
  }

  #use(name: string, id: string): void {
    const users = this.#running.get(name) ?? new Set();
    this.#running.set(name, users.add(id));
  }
  #unuse(name: string, id: string): void {
    this.#running.get(name)?.delete(id);
  }
  #uses(name: string): boolean {
    return (this.#running.get(name)?.size ?? 0) > 0;
  }
  #lives(id: string): boolean {
    return (
      [...this.#running.values()].some((users) => users.has(id)) ||
      this.#o.adopted.some((one) => "child" in one && one.child.id === id && one.child.end === undefined)
    );
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#o.onWarning(`Clearing up in a sandbox: ${String(error)}`);
    });
  }

  /** Lets go. Connections that nothing runs over are ended; the others are the next host's. */
  async close(): Promise<void> {
    const ends = [...this.#known].map(async ([name, { sandbox }]) => (await sandbox).close?.(this.#uses(name)));
    await Promise.race([Promise.allSettled(ends), delay(this.#patience.closeMs, undefined, { ref: false })]);
    this.#closed = true;
    this.#errands.close();
  }
}

/** What `work` comes to; `otherwise`'s error if it takes longer. */
async function inTime<T>(work: Promise<T>, limitMs: number, otherwise: () => Error): Promise<T> {
  const patience = new AbortController();
  const late = delay(limitMs, undefined, { signal: patience.signal, ref: false }).then(
    () => Promise.reject(otherwise()),
    () => work, // there was an answer
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    patience.abort();
  }
}
