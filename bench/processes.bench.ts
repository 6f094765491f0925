// How fast a process starts, its bytes flow, its output is watched, and what it costs while it does nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { compile, defaultOutFile } from "../native/compile.mjs";
import { Keepers, OffsetGone, type Spool } from "../src/keeper/keepers.ts";
import { laterTurn } from "../src/keeper/turns.ts";
import { openLog } from "../src/log/open.ts";
import { LineScanner } from "../src/processes/line-scanner.ts";
import { OutputScanner } from "../src/processes/output-scanner.ts";
import { Processes } from "../src/processes/processes.ts";
import { Seen } from "../src/processes/seen.ts";
import { LoopStretches, type Stretches } from "./loop-stretches.ts";
import { median, percentile, type Report } from "./report.ts";

const STARTS = 60;
const BURST = 200;
const IDLE = 40;
const PIPE_MIB = 256;
const milliseconds = (value: number): string => `${value.toFixed(value < 1 ? 2 : 1)} ms`;

interface Bench {
  processes: Processes;
  keepers: Keepers;
}

async function withProcesses(work: (bench: Bench) => Promise<void>): Promise<void> {
  await compile();
  const home = await mkdtemp(path.join(tmpdir(), "hearth-bench-"));
  try {
    await using log = await openLog({ home });
    await using keepers = await Keepers.open({ childrenDir: path.join(home, "children"), binary: defaultOutFile });
    await using processes = await Processes.open({
      keepers,
      log,
      adopted: [],
      baseEnvironment: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, SHELL: "/bin/sh" },
      settings: () => ({ graceMs: 500, waitLimitMs: 60_000, spoolBytes: 2 * (PIPE_MIB << 20), passEnvironment: [] }),
      defaultCwd: home,
      onWarning: (text) => process.stderr.write(`${text}\n`),
    });
    try {
      await work({ processes, keepers });
    } finally {
      await processes.killAll({}, "bench");
    }
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

async function firstByte({ processes }: Bench): Promise<number> {
  const from = performance.now();
  const { process_id } = await processes.start({ owner: "person", argv: ["echo", "x"] });
  const { spool } = processes.attach(process_id);
  await spool.grown(0, AbortSignal.timeout(10_000));
  await spool.read(0, 16);
  const took = performance.now() - from;
  await processes.wait(process_id, {});
  return took;
}

async function nodeFirstByte(): Promise<{ took: number; blocked: number }> {
  const from = performance.now();
  const child = spawn("echo", ["x"], { stdio: ["ignore", "pipe", "inherit"] });
  const blocked = performance.now() - from;
  await once(child.stdout, "data");
  const took = performance.now() - from;
  if (child.exitCode === null) await once(child, "exit");
  return { took, blocked };
}

/** N4. Samples of both are taken in turn, so that a busy moment of the machine hits both. */
async function starts(bench: Bench, report: Report): Promise<void> {
  const ours: number[] = [];
  const node: { took: number; blocked: number }[] = [];
  for (let i = 0; i < STARTS; i++) {
    ours.push(await firstByte(bench));
    node.push(await nodeFirstByte());
  }
  const p50 = median(ours);
  report.add({
    id: "N4",
    what: "process.start {argv} → first byte, p50",
    measured: milliseconds(p50),
    baseline: `${milliseconds(median(node.map(({ took }) => took)))} node:child_process, nothing recorded`,
    aim: "≤ 8 ms",
    met: p50 <= 8,
    note: `p95 ${milliseconds(percentile(ours, 0.95))}, ${STARTS} starts, every record fsynced`,
  });
  const { longest, all } = await stretches(() => wholeLife(bench));
  const { longest: nothing } = await stretches(() => delay(1));
  report.add({
    id: "N4",
    what: "longest stretch for which a start blocks the host's loop, p50",
    measured: milliseconds(longest),
    baseline: `${milliseconds(median(node.map(({ blocked }) => blocked)))} inside spawn() of node:child_process; ${milliseconds(nothing)} a timer, looked at in the same way`,
    aim: "≤ 0.1 ms",
    met: longest <= 0.1,
    note: `of all that a process takes: start, record, read, end, wait, which keep the loop busy for ${milliseconds(all)} in many such pieces; from news to the next look for news, garbage collection in it, without what waits for a processor; the longest is as a rule the connection to the keeper, whose socket alone takes half of it; ${STARTS} runs`,
  });
  const from = performance.now();
  await Promise.all(Array.from({ length: BURST }, () => bench.processes.start({ owner: "person", argv: ["true"] })));
  const rate = BURST / ((performance.now() - from) / 1000);
  report.add({
    id: "N4",
    what: "starts per second, all asked for at once",
    measured: `${rate.toFixed(0)}/s`,
    baseline: `${(1000 / median(node.map(({ took }) => took))).toFixed(0)}/s node:child_process, one after the other`,
    aim: "≥ 400/s",
    met: rate >= 400,
    note: `${BURST} starts`,
  });
}

/** A process from its start to its end, whose user does each thing in a turn of the loop of its own: what it asks is not ours. */
async function wholeLife({ processes }: Bench): Promise<void> {
  await laterTurn();
  const { process_id } = await processes.start({ owner: "person", argv: ["echo", "x"] });
  await laterTurn();
  const { spool } = processes.attach(process_id);
  await spool.grown(0, new AbortController().signal);
  await laterTurn();
  await spool.read(0, 16);
  await laterTurn();
  await processes.wait(process_id, {});
}

/** For how long `work` keeps the loop from looking for news: the longest time of a run and all of them, medians of the runs. */
async function stretches(work: () => Promise<unknown>): Promise<{ longest: number; all: number }> {
  using seen = new LoopStretches();
  const runs: Stretches[] = [];
  for (let run = 0; run < STARTS; run++) {
    await laterTurn();
    seen.take();
    await work();
    await laterTurn();
    runs.push(seen.take());
  }
  return { longest: median(runs.map(({ longest }) => longest)), all: median(runs.map(({ all }) => all)) };
}

/** Follows a spool to its end as a viewer does; answers the bytes read and those dropped before it came to them. */
async function readOn(spool: Spool): Promise<{ read: number; missed: number }> {
  const forEver = new AbortController().signal;
  let offset = 0;
  let missed = 0;
  const into = Buffer.allocUnsafe(256 * 1024);
  while (true) {
    await spool.grown(offset, forEver);
    if (spool.firstKept > offset) {
      missed += spool.firstKept - offset;
      offset = spool.firstKept;
    }
    try {
      const { bytes } = await spool.read(offset, into.length, into);
      if (bytes.length === 0 && spool.ended) return { read: offset - missed, missed };
      offset += bytes.length;
    } catch (error) {
      if (!(error instanceof OffsetGone)) throw error;
    }
  }
}

async function nodeReader(argv: readonly string[]): Promise<void> {
  const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  for await (const _chunk of child.stdout);
}

/** N2. Zeros by the GiB; medians of runs taken in turn. */
async function pipes({ processes }: Bench, report: Report): Promise<void> {
  const argv = ["head", "-c", String(PIPE_MIB << 20), "/dev/zero"];
  const rates = { node: [] as number[], spooled: [] as number[], read: [] as number[] };
  let missed = 0;
  const measure = async (into: number[], work: () => Promise<unknown>) => {
    const from = performance.now();
    await work();
    into.push((PIPE_MIB * 1.048576) / ((performance.now() - from) / 1000));
  };
  for (let run = 0; run < 5; run++) {
    await measure(rates.node, () => nodeReader(argv));
    await measure(rates.spooled, async () => {
      const { process_id } = await processes.start({ owner: "person", argv });
      await processes.wait(process_id, {});
    });
    await measure(rates.read, async () => {
      const { process_id } = await processes.start({ owner: "person", argv });
      missed += (await readOn(processes.attach(process_id).spool)).missed;
    });
  }
  const node = median(rates.node);
  const baseline = `${node.toFixed(0)} MB/s node:child_process, nothing kept`;
  report.add({
    id: "N2",
    what: "pipe bytes, child → spool on disk",
    measured: `${median(rates.spooled).toFixed(0)} MB/s`,
    baseline,
    aim: "≥ 0.8 × a reader in C",
    met: median(rates.spooled) >= 0.8 * node,
    note: `${PIPE_MIB} MiB, all kept; Node's reader stands in for the one in C (they measure alike)`,
  });
  report.add({
    id: "N2",
    what: "pipe bytes, child → spool → reader in the host",
    measured: `${median(rates.read).toFixed(0)} MB/s`,
    baseline,
    aim: "≥ 400 MB/s to a client",
    met: median(rates.read) >= 400 && missed === 0,
    note: missed === 0 ? "the socket to a client comes on top" : `${missed} bytes were dropped before they were read`,
  });
}

const LITERALS = [
  "passed",
  "error:",
  "listening on",
  "FAILED",
  "compiled successfully",
  "Traceback",
  "ready in",
  "panic:",
  "warning TS",
  "http://localhost",
];

/** What a watcher does with a chunk: what is seen of it, then the search. */
function watcherOf(literals: readonly string[]): (chunk: Buffer) => number {
  const seen = new Seen(0);
  const scanner = new LineScanner(literals, { offset: 0, skipLine: false });
  return (chunk) => {
    let hits = 0;
    for (const run of seen.push(chunk)) hits += scanner.push(run).length;
    return hits;
  };
}

/** N9. Logs as a server writes them, in the chunks a pipe gives; none of the literals occurs. */
async function watching(report: Report): Promise<void> {
  const line = (i: number, green: string, plain: string) =>
    `${green}2026-01-20T10:${i % 60}:00Z${plain} INFO worker ${i} did request id=${i * 7919} in ${i % 97} ms status=200\n`;
  const megabyte = (green: string, plain: string): Buffer => {
    let text = "";
    for (let i = 0; text.length < 1 << 20; i++) text += line(i, green, plain);
    return Buffer.from(text);
  };
  const coloured = megabyte("\x1b[32m", "\x1b[0m");
  for (const [kind, bytes] of [
    ["", megabyte("", "")],
    [", coloured", coloured],
  ] as const) {
    const chunks = Array.from({ length: bytes.length >> 12 }, (_, i) => bytes.subarray(i << 12, (i + 1) << 12));
    let found = 0;
    const measure = async (scan: (chunk: Buffer) => number): Promise<number> => {
      const rates: number[] = [];
      for (let run = 0; run < 9; run++) {
        const from = performance.now();
        for (let pass = 0; pass < 16; pass++) for (const chunk of chunks) found += scan(chunk);
        rates.push((chunks.length * 4096 * 16) / 1e3 / (performance.now() - from));
        await turn();
      }
      return median(rates);
    };
    const ours = await measure(watcherOf(LITERALS));
    const includes = await measure((chunk) => {
      const latin1 = chunk.toString("latin1");
      return LITERALS.filter((literal) => latin1.includes(literal)).length;
    });
    const indexOf = await measure((chunk) => LITERALS.filter((literal) => chunk.indexOf(literal) >= 0).length);
    report.add({
      id: "N9",
      what: `watch scan, 10 literals, 4 KiB chunks${kind}`,
      measured: `${ours.toFixed(0)} MB/s`,
      baseline: `${indexOf.toFixed(0)} MB/s Buffer.indexOf of each literal in each chunk; ${includes.toFixed(0)} MB/s latin1 includes; both blind to what straddles two, and to what colours part`,
      aim: "≥ 250 MB/s",
      met: ours >= 250,
      note: found === 0 ? "no literal occurs" : `${found} hits`,
    });
  }
  await expressions(coloured, report);
  await flooded(report);
}

/** Every line matches, in the chunks that a watcher reads. */
async function flooded(report: Report): Promise<void> {
  const lines = 12_000;
  const chunk = Buffer.from(Array.from({ length: lines }, (_, n) => `hit ${n}\n`).join(""));
  const rates = { ours: [] as number[], plain: [] as number[] };
  const scan = watcherOf(["hit"]);
  const timed = (work: () => number): number => {
    const from = performance.now();
    if (work() !== lines) throw new Error("not every line was found");
    return lines / (performance.now() - from);
  };
  for (let run = 0; run < 50; run++) {
    rates.ours.push(timed(() => scan(chunk)));
    rates.plain.push(timed(() => everyHit(chunk)));
    await turn();
  }
  report.add({
    id: "N9",
    what: "watch scan where every line matches",
    measured: `${(median(rates.ours) / 1000).toFixed(1)} M lines/s`,
    baseline: `${(median(rates.plain) / 1000).toFixed(1)} M lines/s Buffer.indexOf of the text and of the next line end`,
    aim: "–",
    note: `${lines} lines at a time, ${(chunk.length / 1024).toFixed(0)} KiB, keep the loop busy for ${(lines / median(rates.ours)).toFixed(1)} ms`,
  });
}

function everyHit(chunk: Buffer): number {
  let found = 0;
  for (let at = chunk.indexOf("hit"); at >= 0; at = chunk.indexOf("hit", at)) {
    found++;
    at = chunk.indexOf(10, at);
  }
  return found;
}

/** Expressions go through their thread in the chunks that a watcher reads; nothing matches. */
async function expressions(bytes: Buffer, report: Report): Promise<void> {
  const rate = async (sources: readonly string[], passes: number): Promise<number> => {
    using scanner = new OutputScanner(
      sources.map((regex) => ({ regex })),
      { offset: 0, skipLine: false },
    );
    const rates: number[] = [];
    for (let run = 0; run < 5; run++) {
      const from = performance.now();
      for (let pass = 0; pass < passes; pass++)
        for (let at = 0; at < bytes.length; at += 128 << 10) await scanner.push(bytes.subarray(at, at + (128 << 10)));
      rates.push((bytes.length * passes) / 1e3 / (performance.now() - from));
    }
    return median(rates);
  };
  const texts = await rate(["error TS\\d+", "listening on (\\d+)", "FAILED|panic:"], 16);
  const blind = await rate(["\\b[45]\\d\\d$"], 1);
  const needles = ["error TS", "listening on ", "FAILED", "panic:"].map((text) => Buffer.from(text));
  const plain: number[] = [];
  for (let run = 0, found = 0; run < 5 && found === 0; run++) {
    const from = performance.now();
    for (let pass = 0; pass < 16; pass++) for (const needle of needles) found += bytes.indexOf(needle) + 1;
    plain.push((bytes.length * 16) / 1e3 / (performance.now() - from));
  }
  report.add({
    id: "N9",
    what: "watch scan, 3 expressions that contain a text",
    measured: `${texts.toFixed(0)} MB/s`,
    baseline: `${median(plain).toFixed(0)} MB/s Buffer.indexOf of their ${needles.length} texts; ${blind.toFixed(0)} MB/s for an expression that contains none`,
    aim: "–",
    note: "in a thread of its own: the host waits for none of it",
  });
}

async function pss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

/** N10, the part of the children: what a keeper costs while its child does nothing. */
async function idle({ processes, keepers }: Bench, report: Report): Promise<void> {
  const rows = await Promise.all(
    Array.from({ length: IDLE }, () => processes.start({ owner: "person", argv: ["sleep", "600"] })),
  );
  const mine = new Set(rows.map(({ process_id }) => process_id));
  const found = await keepers.adopt();
  const pids = found.flatMap((one) =>
    "child" in one && mine.has(one.child.id) ? (one.child.live?.keeperPid ?? []) : [],
  );
  const costs = await Promise.all(pids.map(pss));
  const cost = costs.reduce((sum, one) => sum + one, 0) / costs.length;
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6); console.log(1)"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(bare.stdout, "data");
  const node = await pss(bare.pid ?? 0);
  bare.kill();
  report.add({
    id: "N10",
    what: "memory per idle child (its keeper, PSS)",
    measured: `${cost.toFixed(2)} MB`,
    baseline: `${node.toFixed(0)} MB a bare Node beside it`,
    aim: "≤ 0.5 MB",
    met: cost <= 0.5,
    note: `mean of ${costs.length} keepers`,
  });
}

export const rows = ["N2", "N4", "N9", "N10"];

export default async function run(report: Report): Promise<void> {
  await watching(report);
  await withProcesses(async (bench) => {
    report.progress("processes: starts");
    await starts(bench, report);
    report.progress("processes: pipes");
    await pipes(bench, report);
    if (process.platform === "linux") await idle(bench, report);
  });
}
