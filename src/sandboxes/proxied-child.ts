// A child that stands for a program elsewhere: its bytes are the program's, its end and its signals are asked for over there.
import type { Child, ChildSpec, Closed, End, Live, Spool } from "../keeper/keepers.ts";

/** What a shell says of a program that KILL has ended. */
const KILLED = 128 + 9;

/** What is known only at the far end. */
export interface Elsewhere {
  pidInside: number | null;
  /** What the end of the child here says of the program there. Never rejects. */
  judge(end: End): Promise<End>;
  end(graceMs: number, firstSignal: number): Promise<void>;
  signal(n: number): Promise<void>;
}

export class ProxiedChild implements Child {
  readonly #child: Child;
  readonly #elsewhere: Elsewhere;
  readonly exited: Promise<End>;
  #end: End | undefined;
  #asked = false;

  constructor(child: Child, elsewhere: Elsewhere) {
    this.#child = child;
    this.#elsewhere = elsewhere;
    this.exited = child.exited.then(async (end) => {
      const judged = await elsewhere.judge(end);
      // What the keeper here saw is the end of what stands for it: whether a kill had come before is known to who sent it.
      const endedBy = !this.#asked ? "itself" : judged.kind === "exited" && judged.code === KILLED ? "kill" : "signal";
      this.#end = judged.kind === "exited" ? { ...judged, endedBy } : judged;
      return this.#end;
    });
  }

  get id(): string {
    return this.#child.id;
  }
  get dir(): string {
    return this.#child.dir;
  }
  get spec(): ChildSpec {
    return this.#child.spec;
  }
  get live(): Live | undefined {
    const { live } = this.#child;
    return live && { ...live, bestEffort: true, pidInside: this.#elsewhere.pidInside };
  }
  get end(): End | undefined {
    return this.#end;
  }
  get spool(): Spool {
    return this.#child.spool;
  }
  get closed(): Promise<Closed> {
    return this.exited.then(() => this.#child.closed);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#child.write(bytes);
  }
  eof(): Promise<void> {
    return this.#child.eof();
  }
  resize(rows: number, cols: number): Promise<void> {
    return this.#child.resize(rows, cols);
  }
  signal(n: number): Promise<void> {
    return this.#elsewhere.signal(n);
  }

  /** There first, so that the program's own code comes back; then here, in case nobody answered. */
  async kill({ graceMs, firstSignal = 15 }: { graceMs: number; firstSignal?: number }): Promise<void> {
    this.#asked ||= this.#child.end === undefined;
    const asked = this.#elsewhere.end(graceMs, firstSignal);
    if (graceMs === 0) return await asked;
    await asked.catch(() => undefined); // the connection is gone: what is here ends with it
    await this.#child.kill({ graceMs: Math.max(graceMs, 1_000), firstSignal });
  }

  detach(): void {
    this.#child.detach();
  }
}
