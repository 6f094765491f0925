// The main thread's end of the writer thread: requests, answers, and what becomes of them if the thread dies.
import type { Worker } from "node:worker_threads";
import { hostThread } from "../threads/host-thread.ts";
import { StorageFailed } from "./event-log.ts";
import type { Answers, Ask, Fault, Said, WriterData } from "./messages.ts";

export class WriterFault extends Error {
  readonly kind: Fault["kind"];
  constructor(fault: Fault) {
    super(fault.message);
    this.kind = fault.kind;
  }
}

interface Waiting {
  resolve(value: Answers[keyof Answers]): void;
  reject(error: Error): void;
}

export class WriterThread {
  readonly logId: string;
  /** Why nothing can be appended any more; undefined while all is well. */
  failed: string | undefined;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Resolves once the thread has ended, by itself or by `close`. */
  readonly gone: Promise<void>;
  /** Resolves with the reason when writing has failed, or the thread has ended without being told to. */
  readonly broken: Promise<string>;
  #closing = false;
  /** Why nothing can be read either: the thread has ended. */
  dead: string | undefined;
  #next = 1;

  private constructor(worker: Worker, logId: string, file: string, onWarning: (text: string) => void) {
    this.logId = logId;
    this.#worker = worker;
    const { promise: broken, resolve: hasBroken } = Promise.withResolvers<string>();
    this.broken = broken;
    worker.on("message", (said: Said) => {
      if (said.said === "warning") onWarning(said.text);
      else if (said.said === "failed") {
        this.failed = said.message;
        hasBroken(said.message);
        onWarning(said.message);
      } else if (said.said === "answer") this.#take(said.n)?.resolve(said.value);
      else if (said.said === "fault") this.#take(said.n)?.reject(new WriterFault(said.fault));
    });
    let detail = "";
    worker.on("error", (error) => {
      detail = ` (${error instanceof Error ? error.message : String(error)})`;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    worker.on("exit", () => {
      this.dead = `The thread that writes ${file} has ended${detail}: start Hearth again`;
      this.failed ??= this.dead;
      if (!this.#closing) hasBroken(this.failed);
      for (const waiting of this.#waiting.values()) waiting.reject(new StorageFailed(this.dead));
      this.#waiting.clear();
      resolve();
    });
  }

  /** Starts the thread and opens the database. Throws StorageFailed, with what to do, if it cannot be used. */
  static async start(file: string, onWarning: (text: string) => void): Promise<WriterThread> {
    const entry = new URL("./writer.ts", import.meta.url);
    const workerData: WriterData = { file };
    const worker = hostThread(entry, { workerData, name: "log writer" });
    const logId = await new Promise<string>((resolve, reject) => {
      worker.on("message", (said: Said) => {
        if (said.said === "ready") resolve(said.logId);
        else if (said.said === "unusable") reject(new StorageFailed(said.message));
        else if (said.said === "warning") onWarning(said.text);
      });
      worker.once("error", (error) => reject(new StorageFailed(`${file} cannot be opened`, { cause: error })));
      worker.once("exit", () => reject(new StorageFailed(`${file} cannot be opened: its thread ended`)));
    });
    // Each by its name: without one, the thread's own listeners would go as well, and with them every message.
    for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
    return new WriterThread(worker, logId, file, onWarning);
  }

  #take(n: number): Waiting | undefined {
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    return waiting;
  }

  /** Throws WriterFault as the thread found it, or StorageFailed if the thread is gone. */
  async ask<A extends Ask["ask"]>(ask: A, request: Omit<Extract<Ask, { ask: A }>, "n" | "ask">): Promise<Answers[A]> {
    if (this.dead !== undefined) throw new StorageFailed(this.dead);
    const n = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Answers[keyof Answers]>();
    this.#waiting.set(n, { resolve, reject });
    this.#worker.postMessage({ n, ask, ...request });
    return (await promise) as Answers[A];
  }

  /** Answers what is asked already, closes the database and ends the thread. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.dead === undefined)
      await this.ask("close", {}).catch(() => "the thread has died meanwhile: as good as closed");
    await this.gone;
  }
}
