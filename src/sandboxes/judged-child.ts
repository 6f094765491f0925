// A child whose end is not believed before it was judged: what the keeper here saw of it may not be all there is to say.
import type { Child, ChildSpec, Closed, End, Live, Spool } from "../keeper/keepers.ts";

export class JudgedChild implements Child {
  protected readonly child: Child;
  readonly exited: Promise<End>;
  #end: End | undefined;

  /** `judge` never rejects. */
  constructor(child: Child, judge: (end: End) => Promise<End>) {
    this.child = child;
    this.exited = child.exited.then(async (end) => {
      this.#end = await judge(end);
      return this.#end;
    });
  }

  get id(): string {
    return this.child.id;
  }
  get dir(): string {
    return this.child.dir;
  }
  get spec(): ChildSpec {
    return this.child.spec;
  }
  get live(): Live | undefined {
    return this.child.live;
  }
  get end(): End | undefined {
    return this.#end;
  }
  get spool(): Spool {
    return this.child.spool;
  }
  get closed(): Promise<Closed> {
    return this.exited.then(() => this.child.closed);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.child.write(bytes);
  }
  eof(): Promise<void> {
    return this.child.eof();
  }
  resize(rows: number, cols: number): Promise<void> {
    return this.child.resize(rows, cols);
  }
  signal(n: number): Promise<void> {
    return this.child.signal(n);
  }
  kill(options: { graceMs: number; firstSignal?: number }): Promise<void> {
    return this.child.kill(options);
  }
  detach(): void {
    this.child.detach();
  }
}
