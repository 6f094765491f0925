// For how long a piece of work keeps the event loop from looking for news. A loop that is made to turn all the time, so that it can
// be looked at, makes ten times the garbage of what is to be measured, and measures that: this one is looked at where it is busy.
import { createHook, executionAsyncResource } from "node:async_hooks";
import { closeSync, openSync, readSync } from "node:fs";
import { performance } from "node:perf_hooks";

export interface Stretches {
  /** In milliseconds. */
  longest: number;
  all: number;
  count: number;
}

const turnOfLoop = (): number => performance.nodeTiming.uvMetricsInfo.loopCount;

export class LoopStretches implements Disposable {
  readonly #hook: ReturnType<typeof createHook>;
  readonly #waited = new RunDelay();
  /** Sees to it that the end of a turn is noticed, and is no work that begins one. */
  #watch: NodeJS.Immediate | undefined;
  #watching = false;
  #turn: number | undefined;
  #from = 0;
  #waitedFrom = 0;
  #seen: Stretches = { longest: 0, all: 0, count: 0 };

  constructor() {
    // What a promise calls belongs to the stretch in which it is called.
    this.#hook = createHook({ before: () => this.#before(), trackPromises: false }).enable();
  }

  /** Those since it was last asked; not the one that goes on. */
  take(): Stretches {
    const seen = this.#seen;
    this.#seen = { longest: 0, all: 0, count: 0 };
    return seen;
  }

  #before(): void {
    const turn = turnOfLoop();
    if (this.#turn !== undefined && this.#turn !== turn) this.#end();
    if (this.#turn !== undefined || executionAsyncResource() === this.#watch) return;
    this.#turn = turn;
    if (!this.#watching) this.#watchOn();
    this.#waitedFrom = this.#waited.milliseconds();
    this.#from = performance.now();
  }

  #watchOn(): void {
    this.#watching = true;
    this.#watch = setImmediate(() => {
      this.#watching = false;
      if (this.#turn !== undefined) this.#watchOn();
    });
  }

  #end(): void {
    const took = performance.now() - this.#from;
    const own = Math.max(0, took - (this.#waited.milliseconds() - this.#waitedFrom));
    this.#seen.longest = Math.max(this.#seen.longest, own);
    this.#seen.all += own;
    this.#seen.count++;
    this.#turn = undefined;
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
    clearImmediate(this.#watch);
    this.#waited[Symbol.dispose]();
  }
}

/** How long this thread was ready to run and something else did: the machine's doing, not the host's. 0 where nobody says. */
class RunDelay implements Disposable {
  readonly #fd: number | undefined;
  readonly #text = Buffer.alloc(64);

  constructor() {
    if (process.platform === "linux") this.#fd = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  }

  milliseconds(): number {
    if (this.#fd === undefined) return 0;
    const length = readSync(this.#fd, this.#text, 0, this.#text.length, 0);
    return Number(this.#text.toString("latin1", 0, length).split(" ")[1] ?? 0) / 1e6;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
