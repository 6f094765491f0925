// What running children use: asked for by any number of clients, looked up once a second at most, and not at all unasked.
import { platform } from "node:os";
import type { Worker } from "node:worker_threads";
import type { Live } from "../../keeper/keepers.ts";
import { HostError, Stopping } from "../../protocol/errors.ts";
import type { Result } from "../../protocol/methods.ts";
import { Redactor } from "../../secrets/redactor.ts";
import { hostThread } from "../../threads/host-thread.ts";
import type { FromThread, Member, Sample, Subject, ToThread } from "./messages.ts";

/** A running child as its part knows it. */
export interface Running {
  id: string;
  live: Live | undefined;
  /** What kind of sandbox it is in; `local` is none. */
  kind: string;
}

type Row = Result<"process.usage">["samples"][number];

/** Answers younger than this are given again. */
const FRESH_MS = 900;
const ANSWER_MS = 10_000;
/** The thread goes when nobody has asked for so long; the sample before is forgotten with it. */
const IDLE_MS = 30_000;
/** Where the processes of a child are processes of this machine, below its keeper. */
const SEEN = new Set(["local", "bubblewrap"]);

interface Taken {
  at: number;
  sample: Sample;
}

export class Usage implements AsyncDisposable {
  readonly #running: () => readonly Running[];
  readonly #redactor: Redactor;
  readonly #available: boolean;
  readonly #waiting = new Map<number, PromiseWithResolvers<FromThread>>();
  #thread: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Taken | undefined;
  #taking: Promise<Sample> | undefined;
  #n = 0;
  #closed = false;

  /** `running`: the children there are, processes and terminals. */
  constructor(o: { running: () => readonly Running[]; redactor?: Redactor; system?: string }) {
    this.#running = o.running;
    this.#redactor = o.redactor ?? new Redactor();
    this.#available = (o.system ?? platform()) === "linux";
  }

  /** True while there is a thread that looks. */
  get awake(): boolean {
    return this.#thread !== undefined;
  }

  /** Of those of these ids that run, or of all. Errors: stopping, internal (the system could not be read). */
  async of(ids?: readonly string[]): Promise<Result<"process.usage">> {
    const wanted = ids === undefined ? undefined : new Set(ids);
    const running = this.#running().filter(({ id }) => wanted === undefined || wanted.has(id));
    if (!this.#available) {
      const samples = running.map(({ id }) => unknown(id, "this system does not tell"));
      return { available: false, reason: NOT_HERE, samples, taken_at: Date.now(), interval_ms: null };
    }
    const { used, taken_at, interval_ms } = await this.#sample();
    const byId = new Map(used.map((one) => [one.id, one]));
    const samples = running.map(({ id, kind }): Row => {
      if (!SEEN.has(kind)) return unknown(id, `what runs in a sandbox of the kind ${kind} is not seen from here`);
      const found = byId.get(id);
      if (found === undefined) return unknown(id, "it has just begun, or is ending");
      const { id: process_id, ...values } = found;
      return { process_id, reason: null, ...values };
    });
    return { available: true, reason: null, samples, taken_at, interval_ms };
  }

  /** The processes of one running child, parents before children. Errors: process_not_found, not_running. */
  async top(id: string): Promise<Result<"process.top">> {
    const one = this.#running().find((is) => is.id === id);
    if (one === undefined) throw new HostError("not_running", `"${id}" does not run: process.list shows what does.`);
    const none = { process_id: id, processes: [] };
    if (!this.#available) return { ...none, reason: NOT_HERE };
    if (!SEEN.has(one.kind)) return { ...none, reason: `a sandbox of the kind ${one.kind} is not seen from here` };
    const { tree } = await this.#ask(id);
    // A program may write its arguments into its name.
    const processes = (tree ?? []).map((member) => ({ ...member, name: this.#redactor.text(member.name) }));
    return { process_id: id, processes, reason: tree === null ? "it has just begun, or is ending" : null };
  }

  /** One look for all who ask at the same time or soon after each other. */
  #sample(): Promise<Sample> {
    if (this.#last !== undefined && performance.now() - this.#last.at < FRESH_MS)
      return Promise.resolve(this.#last.sample);
    this.#taking ??= this.#ask().then(
      ({ sample }) => {
        this.#taking = undefined;
        this.#last = { at: performance.now(), sample };
        return sample;
      },
      (error: unknown) => {
        this.#taking = undefined;
        throw error;
      },
    );
    return this.#taking;
  }

  async #ask(tree?: string): Promise<{ sample: Sample; tree: Member[] | null }> {
    if (this.#closed) throw new Stopping();
    const thread = this.#wake();
    const n = ++this.#n;
    const asked = Promise.withResolvers<FromThread>();
    this.#waiting.set(n, asked);
    const message: ToThread = { n, subjects: this.#subjects(), ...(tree === undefined ? {} : { tree }) };
    thread.postMessage(message);
    const late = setTimeout(() => {
      asked.reject(new HostError("internal", "The system's processes could not be read in time: try again."));
      void thread.terminate();
    }, ANSWER_MS);
    try {
      const answer = await asked.promise;
      if ("failed" in answer)
        throw new HostError("internal", `The system's processes cannot be read: ${answer.failed}`);
      return answer;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(n);
    }
  }

  #subjects(): Subject[] {
    return this.#running().flatMap(({ id, live, kind }) =>
      live === undefined || !SEEN.has(kind)
        ? []
        : [{ id, keeperPid: live.keeperPid, pid: live.pid, startTick: live.startTick }],
    );
  }

  #wake(): Worker {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#sleep(), IDLE_MS);
    this.#idle.unref();
    if (this.#thread !== undefined) return this.#thread;
    const entry = new URL("./thread.ts", import.meta.url);
    const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 };
    const thread = hostThread(entry, { name: "usage", resourceLimits });
    thread.unref();
    this.#thread = thread;
    thread.on("message", (message: FromThread) => this.#waiting.get(message.n)?.resolve(message));
    thread.on("error", (error) => this.#ended(thread, String(error)));
    thread.on("exit", () => this.#ended(thread, "its thread has ended"));
    return thread;
  }

  #ended(thread: Worker, why: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const asked of this.#waiting.values()) asked.resolve({ n: 0, failed: why });
  }

  async #sleep(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#last = undefined;
    clearTimeout(this.#idle);
    for (const asked of this.#waiting.values()) asked.resolve({ n: 0, failed: "the host is stopping" });
    await thread?.terminate();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sleep();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const NOT_HERE = "Only Linux tells what processes use and where they listen, in a way that Hearth can read.";

function unknown(process_id: string, reason: string): Row {
  return { process_id, reason, cpu: null, memory_bytes: null, processes: null, threads: null, listening: [] };
}
