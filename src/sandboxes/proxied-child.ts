// A child that stands for a program elsewhere: its bytes are the program's, its end and its signals are asked for over there.
import type { Child, End, Live } from "../keeper/keepers.ts";
import { JudgedChild } from "./judged-child.ts";

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

export class ProxiedChild extends JudgedChild {
  readonly #elsewhere: Elsewhere;
  #asked = false;

  constructor(child: Child, elsewhere: Elsewhere) {
    super(child, async (end) => {
      const judged = await elsewhere.judge(end);
      // What the keeper here saw is the end of what stands for it: whether a kill had come before is known to who sent it.
      const endedBy = !this.#asked ? "itself" : judged.kind === "exited" && judged.code === KILLED ? "kill" : "signal";
      return judged.kind === "exited" ? { ...judged, endedBy } : judged;
    });
    this.#elsewhere = elsewhere;
  }

  override get live(): Live | undefined {
    const { live } = this.child;
    return live && { ...live, bestEffort: true, pidInside: this.#elsewhere.pidInside };
  }

  override signal(n: number): Promise<void> {
    return this.#elsewhere.signal(n);
  }

  /** There first, so that the program's own code comes back; then here, in case nobody answered. */
  override async kill({ graceMs, firstSignal = 15 }: { graceMs: number; firstSignal?: number }): Promise<void> {
    this.#asked ||= this.child.end === undefined;
    const asked = this.#elsewhere.end(graceMs, firstSignal);
    if (graceMs === 0) return await asked;
    await asked.catch(() => undefined); // the connection is gone: what is here ends with it
    await this.child.kill({ graceMs: Math.max(graceMs, 1_000), firstSignal });
  }
}
