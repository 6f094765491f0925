// N10: a thousand processes held at a time: the memory they cost, and how long it takes to say what they are and what they use.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { parseStat } from "../src/keeper/orphans.ts";
import { RunningHost } from "../test/support/running-host.ts";
import { median, type Report } from "./report.ts";

const HELD = 1_000;
const AT_ONCE = 50;
const LOOKS = 15;
const USAGE_LOOKS = 4;
const SETTLE_MS = 3_000;
/** Usage is looked up once a second at most: what is asked sooner is the answer before. */
const FRESH_MS = 1_000;

export const rows = ["N10"];

/** Bytes. */
async function pss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) * 1024;
}

const parentOf = async (pid: number): Promise<number> =>
  parseStat(await readFile(`/proc/${pid}/stat`, "utf8"))?.parent ?? 0;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

export default async function run(report: Report): Promise<void> {
  if (process.platform !== "linux") return report.progress("N10 needs /proc: not measured here");
  const bare = await byNodeAlone();
  await using host = await RunningHost.start();
  const client = await host.client();
  const start = async () => (await client.call("process.start", { argv: ["sleep", "3600"] })).pid ?? 0;
  await start();
  await pause(SETTLE_MS);
  const before = await pss(host.pid);
  const pids: number[] = [];
  const startedIn = await timed(async () => {
    while (pids.length < HELD) pids.push(...(await Promise.all(Array.from({ length: AT_ONCE }, start))));
  });
  await pause(SETTLE_MS);
  const grown = (await pss(host.pid)) - before;
  const keepers = (await Promise.all(pids.map(async (pid) => pss(await parentOf(pid))))).reduce(
    (sum, one) => sum + one,
  );
  const each = (grown + keepers) / HELD;
  report.add({
    id: "N10",
    what: `${HELD.toLocaleString("en")} processes held: memory for each, its keeper and what the host grew by`,
    measured: `${kb(each)} = ${kb(keepers / HELD)} keeper + ${kb(grown / HELD)} host (PSS)`,
    baseline: `${kb(bare.grown / HELD)} node:child_process, which keeps nothing`,
    aim: "≤ 0.5 MB",
    met: each <= 500_000,
    note: `started ${AT_ONCE} at a time at ${((HELD * 1000) / startedIn).toFixed(0)}/s`,
  });

  const lists: number[] = [];
  let listed = 0;
  for (let look = 0; look < LOOKS; look++)
    lists.push(await timed(async () => (listed = (await client.call("process.list", {})).processes.length)));
  const ps: number[] = [];
  for (let look = 0; look < LOOKS; look++)
    ps.push(await timed(() => promisify(execFile)("ps", ["-o", "pid,stat,time,args", "-p", pids.join(",")])));
  report.add({
    id: "N10",
    what: `time of process.list with ${listed.toLocaleString("en")} held`,
    measured: `${median(lists).toFixed(1)} ms p50, ${Math.max(...lists).toFixed(1)} ms at most`,
    baseline: `${median(ps).toFixed(1)} ms \`ps\` of the same processes`,
    aim: "–",
    note: `of ${LOOKS}, as a client sees it, with the last words of each`,
  });

  const usages: number[] = [];
  let known = 0;
  for (let look = 0; look < USAGE_LOOKS; look++) {
    await pause(FRESH_MS);
    usages.push(
      await timed(async () => {
        const { samples } = await client.call("process.usage", {});
        known = samples.filter(({ reason }) => reason === null).length;
      }),
    );
  }
  report.add({
    id: "N10",
    what: `time of process.usage with ${HELD.toLocaleString("en")} held: memory, CPU, ports of each`,
    measured: `${median(usages).toFixed(1)} ms p50, ${Math.max(...usages).toFixed(1)} ms at most`,
    baseline: `${median(ps).toFixed(1)} ms \`ps\` of the same processes, without ports`,
    aim: "–",
    note: `of ${USAGE_LOOKS}; the first starts the thread that looks; ${known} were known`,
  });
}

/** What the same costs a Node that starts them itself and reads what they print. */
async function byNodeAlone(): Promise<{ grown: number }> {
  const script = `const { spawn } = require("node:child_process");
    process.stdin.on("data", () => {
      const all = Array.from({ length: ${HELD} }, () => spawn("sleep", ["3600"], { stdio: ["pipe", "pipe", "pipe"] }));
      for (const one of all) one.stdout.resume();
      process.stdin.on("end", () => { for (const one of all) one.kill("SIGKILL"); process.exit(); });
      console.log("all");
    });
    console.log("ready");`;
  const node = spawn(process.execPath, ["--max-semi-space-size=1", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(node, "exit");
  await once(node.stdout, "data");
  await pause(SETTLE_MS);
  const before = await pss(node.pid ?? 0);
  node.stdin.write("go");
  await once(node.stdout, "data");
  await pause(SETTLE_MS);
  const grown = (await pss(node.pid ?? 0)) - before;
  node.stdin.end();
  await ended;
  return { grown };
}

const kb = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
