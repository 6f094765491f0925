// What the half of a keeper inside a sandbox costs by itself: the same child without and with one, in turns. The sandbox's
// own price (a container, a connection) comes on top and is not ours.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { compile, defaultOutFile } from "../native/compile.mjs";
import { type ChildSpec, Keepers } from "../src/keeper/keepers.ts";
import { median, percentile, type Report } from "./report.ts";

const STARTS = 60;
const MIB = 256;
const RUNS = 5;

export const rows = ["N2", "N4"];

class Bench {
  readonly #home: string;
  readonly #keepers: Keepers;
  #count = 0;

  constructor(home: string, keepers: Keepers) {
    this.#home = home;
    this.#keepers = keepers;
  }

  /** Milliseconds to the start's answer, and to the end of all output on disk. */
  async run(argv: readonly string[], inside: boolean): Promise<{ started: number; ended: number }> {
    const env = { PATH: "/usr/local/bin:/usr/bin:/bin" };
    const spec: ChildSpec = {
      id: `b${this.#count++}`,
      argv,
      env,
      cwd: this.#home,
      mode: "pipe",
      quotaBytes: 2 * (MIB << 20),
    };
    if (inside) spec.transport = { argv: [defaultOutFile, "inside"], env, cwd: this.#home };
    const from = performance.now();
    const child = await this.#keepers.start(spec);
    const started = performance.now() - from;
    const { bytes } = await child.closed;
    const ended = performance.now() - from;
    if (argv[0] === "head" && bytes !== MIB << 20) throw new Error(`${bytes} bytes came of ${MIB << 20}`);
    await child.kill({ graceMs: 1 });
    await this.#keepers.forget(spec.id);
    return { started, ended };
  }
}

export default async function run(report: Report): Promise<void> {
  await compile();
  const home = await mkdtemp(path.join(tmpdir(), "hearth-bench-"));
  try {
    await using keepers = await Keepers.open({ childrenDir: path.join(home, "children"), binary: defaultOutFile });
    const bench = new Bench(home, keepers);
    const starts = { here: [] as number[], inside: [] as number[] };
    report.progress("inside: starts");
    for (let i = 0; i < STARTS; i++) {
      starts.here.push((await bench.run(["true"], false)).started);
      starts.inside.push((await bench.run(["true"], true)).started);
    }
    const added = median(starts.inside) - median(starts.here);
    report.add({
      id: "N4",
      what: "start behind an inside half on the same machine, p50",
      measured: `${median(starts.inside).toFixed(1)} ms`,
      baseline: `${median(starts.here).toFixed(1)} ms without one`,
      aim: "none",
      note: `${added.toFixed(1)} ms more, p95 ${percentile(starts.inside, 0.95).toFixed(1)} ms, ${STARTS} starts`,
    });
    const rates = { here: [] as number[], inside: [] as number[] };
    report.progress("inside: pipes");
    const rate = ({ ended }: { ended: number }): number => (MIB * 1.048576) / (ended / 1000);
    for (let i = 0; i < RUNS; i++) {
      const argv = ["head", "-c", String(MIB << 20), "/dev/zero"];
      rates.here.push(rate(await bench.run(argv, false)));
      rates.inside.push(rate(await bench.run(argv, true)));
    }
    report.add({
      id: "N2",
      what: "pipe bytes, child → inside half → spool on disk",
      measured: `${median(rates.inside).toFixed(0)} MB/s`,
      baseline: `${median(rates.here).toFixed(0)} MB/s without one`,
      aim: "none",
      note: `${MIB} MiB, all kept; medians of ${RUNS} runs taken in turn`,
    });
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
