// N7: how fast the event log takes events, how soon it acknowledges one, and how many readers it feeds.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { EventLog } from "../src/log/event-log.ts";
import { openLog } from "../src/log/open.ts";
import type { NewEvent } from "../src/protocol/events.ts";
import { median, percentile, type Report } from "./report.ts";

const EVENTS = 300_000;
const IN_FLIGHT = 500;
const FOLLOWERS = 1000;

/** An event whose payload takes 120 bytes as JSON. */
function event(id: string): NewEvent {
  return {
    id,
    type: "message.delta",
    payload: { turn_id: "turn_0123456789ab", message_id: "msg_0123456789ab", text: "x".repeat(47) },
  };
}
const payload = JSON.stringify(event("").payload);
const inOrder = (n: number): string => `msg_0123456789ab:${String(n).padStart(7, "0")}`;
const perSecond = (n: number): string => `${Math.round(n).toLocaleString("en")}/s`;

async function baseline(directory: string, perCommit: number): Promise<number> {
  const worker = new Worker(new URL("./log-baseline.ts", import.meta.url), {
    workerData: { file: join(directory, `baseline-${crypto.randomUUID()}.db`), events: EVENTS, payload, perCommit },
  });
  const [rate] = await once(worker, "message");
  return Number(rate);
}

/** Events a second, each append one event, so many of them waiting for their acknowledgement at any time. */
async function throughput(log: EventLog, stream: string, inFlight: number, id: (n: number) => string): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < EVENTS) await log.append(stream, [event(id(next++))]);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (EVENTS / (performance.now() - started)) * 1000;
}

/** Milliseconds to the acknowledgement, p50 and p99, at a steady rate. */
async function latency(log: EventLog, rate: number, seconds: number): Promise<{ p50: number; p99: number }> {
  const took: number[] = [];
  const pending: Promise<void>[] = [];
  const started = performance.now();
  for (let sent = 0; sent < rate * seconds; ) {
    const due = Math.min(rate * seconds, ((performance.now() - started) / 1000) * rate);
    for (; sent < due; sent++) {
      const at = performance.now();
      pending.push(log.append("steady", [event(inOrder(sent))]).then(() => void took.push(performance.now() - at)));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(pending);
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}

/** Events handed to followers a second, while as many are appended as one stream takes. */
async function deliveries(log: EventLog, events: number): Promise<number> {
  const abort = new AbortController();
  const follow = async (): Promise<void> => {
    let seen = 0;
    for await (const page of log.follow("followed", 0, abort.signal)) {
      seen += page.length;
      if (seen === events) return;
    }
  };
  const followers = Array.from({ length: FOLLOWERS }, follow);
  const started = performance.now();
  for (let n = 0; n < events; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.append("followed", [event(inOrder(n + i))])));
  }
  await Promise.all(followers);
  return ((events * FOLLOWERS) / (performance.now() - started)) * 1000;
}

export const rows = ["N7"];

export default async function run(report: Report): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "hearth-bench-log-"));
  try {
    await using log = await openLog({ home: join(directory, "home") });
    // Turn about, so that a machine that grows busy or quiet is busy or quiet for both.
    const rounds: { bare: number; ours: number }[] = [];
    for (let i = 0; i < 3; i++) {
      rounds.push({
        bare: await baseline(directory, 100),
        ours: await throughput(log, `round ${i}`, IN_FLIGHT, inOrder),
      });
    }
    const bare = median(rounds.map((round) => round.bare));
    const ours = median(rounds.map((round) => round.ours));
    report.add({
      id: "N7",
      what: `events of ${payload.length} bytes appended and durable, ${IN_FLIGHT} in flight`,
      measured: perSecond(ours),
      baseline: `${perSecond(bare)} node:sqlite alone in a thread, in hundreds, without ids and checksums`,
      aim: "≥ 100,000/s",
      met: ours >= 100_000,
      note: `${(ours / bare).toFixed(2)} × the baseline; medians of 3, taken in turn`,
    });
    const random = await throughput(log, "random", IN_FLIGHT, () => crypto.randomUUID());
    report.add({
      id: "N7",
      what: "the same with random ids, which the index of ids finds hard",
      measured: perSecond(random),
      baseline: `${perSecond(ours)} with ascending ids`,
      aim: "–",
    });
    const idle = await latency(log, 100, 2);
    const { p50, p99 } = await latency(log, 5000, 3);
    report.add({
      id: "N7",
      what: "time to acknowledge an event at 5,000 events/s, p50",
      measured: `${p50.toFixed(2)} ms`,
      baseline: `${idle.p50.toFixed(2)} ms at 100 events/s`,
      aim: "≤ 2 ms",
      met: p50 <= 2,
      note: `p99 ${p99.toFixed(2)} ms`,
    });
    const delivered = await deliveries(log, 20_000);
    report.add({
      id: "N7",
      what: `events handed to ${FOLLOWERS.toLocaleString("en")} followers of one stream, inside the host`,
      measured: perSecond(delivered),
      baseline: `${perSecond(delivered / FOLLOWERS)} appended at the same time`,
      aim: "≥ 1,000,000/s",
      met: delivered >= 1_000_000,
      note: "records and pages are shared; no socket is written",
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}
