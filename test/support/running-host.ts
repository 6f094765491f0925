// A real host in a process of its own, on a home of its own, started with the command a person uses; killed without mercy.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HearthClient } from "../../src/client/client.ts";
import { openGateway } from "../../src/client/node.ts";
import type { EventParams } from "../../src/protocol/events.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A host that is not up by then never will be, and one that has not stopped by then is ended: the test fails and says so. */
const START_MS = 60_000;
const STOP_MS = 30_000;

export class RunningHost implements AsyncDisposable {
  readonly home: string;
  readonly #env: Record<string, string>;
  /** For the next start as well. */
  through: readonly string[];
  readonly #clients = new Set<HearthClient>();
  #process: ChildProcess | undefined;
  #port = 0;
  /** With a login ticket, as printed for a person; a new one after each start. */
  url = "";
  /** What it wrote to standard error, for messages of failing tests. */
  complaints = "";

  private constructor(home: string, env: Record<string, string>, through: readonly string[]) {
    this.home = home;
    this.through = through;
    this.#env = env;
  }

  /** `through`: a command that executes the host, such as `unshare`. `home`: an empty directory, removed in the end. */
  static async start(
    env: Record<string, string> = {},
    through: readonly string[] = [],
    home?: string,
  ): Promise<RunningHost> {
    const host = new RunningHost(home ?? (await realpath(await mkdtemp(join(tmpdir(), "hearth-host-")))), env, through);
    try {
      await host.restart();
      return host;
    } catch (error) {
      await host.#clear();
      throw error;
    }
  }

  get address(): string {
    return new URL(this.url).origin;
  }
  get pid(): number {
    return this.#process?.pid ?? 0;
  }
  async token(): Promise<string> {
    return (await readFile(join(this.home, "token"), "utf8")).trim();
  }

  /** Starts it again after it was killed or has stopped, on the same port. */
  async restart(): Promise<void> {
    const { PATH = "", HOME = "", LANG = "C.UTF-8", SHELL = "/bin/bash" } = process.env;
    const [program = "", ...before] = [...this.through, process.execPath];
    const child = spawn(
      program,
      [
        ...before,
        "--max-semi-space-size=1",
        "--disable-warning=ExperimentalWarning",
        "src/cli/start.mjs",
        "up",
        "--no-open",
      ],
      {
        cwd: root,
        env: {
          // As `bin/hearth` does.
          MALLOC_ARENA_MAX: "2",
          ...{ PATH, HOME, LANG, SHELL, CI: "true", HEARTH_HOME: this.home, HEARTH_PORT: String(this.#port) },
          // How it ends is tested, not how soon: a disk that is busy may keep it longer than the second it has.
          ...{ HEARTH_SHUTDOWN_GRACE_S: "20", HEARTH_CONFIG: join(this.home, "config.toml"), ...this.#env },
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.complaints = (this.complaints + text).slice(-10_000);
    });
    const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const url = /https?:\/\/\S+/.exec(line)?.[0];
        if (url === undefined) continue;
        this.url = url;
        this.#port = Number(new URL(url).port);
        return;
      }
    } finally {
      clearTimeout(late);
    }
    throw new Error(`The host did not start: ${this.complaints}`);
  }

  /** Resolves with the exit code once it has ended by itself; null for a signal. */
  async ended(): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill9(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** A client over the Unix socket; closed with the host. */
  async client(): Promise<HearthClient> {
    const where = { socketPath: join(this.home, "host.sock"), token: await this.token() };
    const client = new HearthClient({ open: () => openGateway(where) });
    this.#clients.add(client);
    return client;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.address}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${await this.token()}`, ...init.headers },
    });
  }

  /** Ends everything: processes, terminals, the host, and what it kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    try {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) await this.#stop(child);
    } finally {
      await this.#clear();
    }
  }

  /** One that ends meanwhile, or hangs, answers nobody, and a client asks again for ever. */
  async #stop(child: ChildProcess): Promise<void> {
    const exited = once(child, "exit").then(() => true);
    const asked = (await this.client()).call("host.stop", { all: true }).then(() => exited);
    if (!(await Promise.race([exited, asked, delay(STOP_MS, false, { ref: false })])))
      throw new Error(`The host has not stopped after ${STOP_MS} ms: ${this.complaints}`);
  }

  async #clear(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.kill9();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A client's whole view of a session: every event it was ever sent, in order. */
export class Watched implements Disposable {
  readonly events: EventParams[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #follow: Disposable;

  constructor(client: HearthClient, sessionId: string, after = 0) {
    this.#follow = client.follow(sessionId, after, (event) => {
      this.events.push(event);
      for (const waiter of [...this.#waiters]) waiter();
    });
  }

  of(type: string): EventParams[] {
    return this.events.filter((event) => event.type === type);
  }

  /** Resolves once `enough` says so of the events. */
  until(enough: (events: readonly EventParams[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!enough(this.events)) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }

  /** Resolves once the n-th event of a type is there. */
  seen(type: string, n = 1): Promise<void> {
    return this.until(() => this.of(type).length >= n);
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}
