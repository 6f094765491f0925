// N10: what an idle host costs, beside a Node that does nothing, alive at the same time.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { RunningHost } from "../test/support/running-host.ts";
import type { Report } from "./report.ts";

/** Long enough for what start-up has left behind to be collected. */
const SETTLE_MS = 5_000;

export const rows = ["N10"];

export default async function run(report: Report): Promise<void> {
  if (process.platform !== "linux") return report.progress("N10 needs /proc: not measured here");
  await using host = await RunningHost.start();
  // The first start on a machine also fills caches, right after it is ready; every later one is like this.
  await pause(1_000);
  await host.kill9();
  await host.restart();
  const bare = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1e6)"], { stdio: "ignore" });
  const bareEnded = once(bare, "exit");
  try {
    await once(bare, "spawn");
    await pause(SETTLE_MS);
    const idle = await memoryOf(host.pid);
    const node = await memoryOf(bare.pid ?? 0);
    // Not by PSS: what a bare Node shares with whichever other Nodes happen to run would decide the figure.
    const ratio = idle.rss / node.rss;
    report.add({
      id: "N10",
      what: "memory: idle host",
      measured: `${mb(idle.rss)} RSS = ${ratio.toFixed(2)} × bare; ${mb(idle.pss)} PSS`,
      baseline: `${mb(node.rss)} RSS, ${mb(node.pss)} PSS (bare Node)`,
      aim: "≤ 2.5 × a bare Node",
      met: ratio <= 2.5,
      note: `after a second start, ${SETTLE_MS / 1000} s idle; no session, no client`,
    });
  } finally {
    bare.kill();
    await bareEnded;
  }
}

interface Memory {
  /** Bytes. */
  pss: number;
  rss: number;
}

async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  return { pss: field("Pss"), rss: field("Rss") };
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB`;
