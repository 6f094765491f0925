// A start that is interrupted at a chosen step: keepers that stop or die there, and how often their command has run.
import { access, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { alive, Bed, binaries, type WayIn } from "../../src/keeper/testing/bed.ts";
import type { ChildSpec } from "../../src/keeper/types.ts";
import { eventually } from "./eventually.ts";

export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

export class StartSteps implements AsyncDisposable {
  readonly #seconds: string;
  readonly #wayIn: WayIn | undefined;
  #bed: Bed | undefined;

  /** `seconds`: a number that no other test's command sleeps for. `wayIn`: every child runs behind it. */
  constructor(seconds: string, wayIn?: WayIn) {
    this.#seconds = seconds;
    this.#wayIn = wayIn;
  }

  get bed(): Bed {
    if (this.#bed === undefined) throw new Error("There is no bed yet");
    return this.#bed;
  }

  /** A home of its own for the next case; the one before is cleared up. */
  async fresh(startDeadlineMs: number): Promise<Bed> {
    await this[Symbol.asyncDispose]();
    this.#bed = await Bed.make(await binaries.testPoints(), { startDeadlineMs });
    this.#bed.wayIn = this.#wayIn;
    return this.#bed;
  }

  /** Notes in a file that it was executed, and stays. */
  counting(): ChildSpec {
    return this.bed.spec("f09", `echo ran >> ran; exec sleep ${this.#seconds}`);
  }
  async executions(): Promise<number> {
    return (await readFile(join(this.bed.home, "work", "ran"), "utf8").catch(() => "")).split("\n").length - 1;
  }
  /** Those that still do what `counting` does. */
  sleepers(): Promise<number[]> {
    return alive(`sleep ${this.#seconds}`);
  }

  /** The next keeper that comes to this step sends itself this signal. */
  async stopAt(step: number, signal: number): Promise<void> {
    await writeFile(join(this.bed.childrenDir, "test_point"), `${step} ${signal}`);
  }
  /** The keeper that has come there. */
  async reached(): Promise<number> {
    const file = join(this.bed.childrenDir, "reached");
    await eventually("the keeper gets there", () => exists(file));
    return Number(await readFile(file, "utf8"));
  }
  async goOn(): Promise<void> {
    const files = ["test_point", "reached"].map((file) => join(this.bed.childrenDir, file));
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed?.[Symbol.asyncDispose]();
    this.#bed = undefined;
  }
}
