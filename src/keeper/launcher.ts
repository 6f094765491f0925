// The small process that forks for the host. It may die at any time: the next one is asked what the last one was.
import { type ChildProcess, spawn } from "node:child_process";
import { basename } from "node:path";
import { fieldsOf, toLive } from "./records.ts";
import type { Live } from "./types.ts";

/**
 * How a start went, by the keeper's own word; a launcher that cannot be run answers for all that wait. `live`: what the
 * record of that name says, which then need not be read; not of a child in a sandbox.
 */
export type Reply = { ok: true; live: Live | undefined } | { ok: false; step: string; errno: number | string };

const quickDeathMs = 1_000;
const quickDeathsAllowed = 5;

export class Launcher {
  readonly #binary: string;
  readonly #openFiles: number;
  readonly #waiting = new Map<string, { dir: string; resolve: (reply: Reply) => void }>();
  #process: ChildProcess | undefined;
  #quickDeaths = 0;
  #closing = false;
  #deadline: { at: number } | undefined;

  /** `openFiles`: the soft limit that children get; 0: this process's own. */
  constructor(binary: string, openFiles: number) {
    this.#binary = binary;
    this.#openFiles = openFiles;
    this.#run();
  }

  /** The process id of the launcher that runs now. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Asks for the child whose intent lies in `dir`. A keeper claims it at most once, however often it is asked for. */
  start(dir: string): Promise<Reply> {
    return new Promise((resolve) => {
      this.#waiting.set(basename(dir), { dir, resolve });
      this.#send(dir);
    });
  }

  /** Nobody waits for this one any more. */
  forget(dir: string): void {
    this.#waiting.delete(basename(dir));
  }

  /** After `ms` this process is killed, whatever it is doing; `disarm` takes it back. */
  armDeadline(ms: number): void {
    this.#deadline = { at: performance.now() + ms };
    this.#send(`deadline ${Math.max(0, Math.round(ms))} ${process.pid}`);
  }

  disarm(): void {
    this.#deadline = undefined;
    this.#send("disarm");
  }

  /** It ends by itself at end of file, after an armed deadline. */
  close(): void {
    this.#closing = true;
    for (const { resolve } of this.#waiting.values()) resolve({ ok: false, step: "launcher", errno: "ECANCELED" });
    this.#waiting.clear();
    this.#process?.stdin?.end();
  }

  #send(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }

  #run(): void {
    const begun = performance.now();
    // An empty environment: the host's own is readable in /proc of whoever inherits it.
    const child = spawn(this.#binary, ["launch", String(this.#openFiles)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: {},
      cwd: "/",
    });
    this.#process = child;
    let rest = "";
    child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#hear(line);
    });
    child.stdin?.on("error", () => undefined); // it died; "exit" tells
    child.stdout?.on("error", () => undefined);
    let ended = false;
    const onEnd = (error?: NodeJS.ErrnoException) => {
      if (ended) return;
      ended = true;
      this.#again(begun, error);
    };
    child.once("exit", () => onEnd());
    child.once("error", (error: NodeJS.ErrnoException) => onEnd(error));
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?: () => void } | null)?.unref?.();
  }

  #again(begun: number, error: NodeJS.ErrnoException | undefined): void {
    if (this.#closing) return;
    this.#quickDeaths = performance.now() - begun < quickDeathMs ? this.#quickDeaths + 1 : 0;
    if (error !== undefined || this.#quickDeaths > quickDeathsAllowed) {
      this.#process = undefined;
      const reply: Reply = { ok: false, step: "launcher", errno: error?.code ?? "ECHILD" };
      for (const { resolve } of this.#waiting.values()) resolve(reply);
      this.#waiting.clear();
      setTimeout(() => this.#closing || this.#runOn(), quickDeathMs).unref();
      return;
    }
    this.#runOn();
  }

  /** The next one is asked for what the last one was, and for what was asked while there was none. */
  #runOn(): void {
    const begun = performance.now();
    try {
      this.#run();
    } catch (error) {
      // Some failures are told by an event and others thrown, such as ENOMEM: no reason for the host to end.
      this.#again(begun, error as NodeJS.ErrnoException);
      return;
    }
    // Perhaps it had forked some of these already: the claim on disk is won once, so asking again is harmless.
    for (const { dir } of this.#waiting.values()) this.#send(dir);
    if (this.#deadline !== undefined) this.armDeadline(this.#deadline.at - performance.now());
  }

  #hear(line: string): void {
    const [id = "", word, ...rest] = line.split(" ");
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (word === "ok") waiting.resolve({ ok: true, live: liveIn(rest) });
    else waiting.resolve({ ok: false, step: rest[0] ?? "", errno: Number(rest[1]) });
  }
}

/** Nothing but the keeper can write to the pipe that this came through. */
function liveIn(words: readonly string[]): Live | undefined {
  const fields = fieldsOf(words);
  return fields.has("tick") ? toLive(fields) : undefined;
}
