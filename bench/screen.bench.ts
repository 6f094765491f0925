// N5, N11: one terminal and many who watch it; and how soon somebody new sees a screen.
import { on, once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { WebSocket } from "ws";
import { SpoolReader } from "../src/keeper/spool-reader.ts";
import { SizeHistory } from "../src/processes/size-history.ts";
import { Screens } from "../src/terminals/screen/screens.ts";
import { RunningHost } from "../test/support/running-host.ts";
import { addOn } from "./add-on.ts";
import { Probe } from "./probe.ts";
import { median, percentile, type Report } from "./report.ts";

const VIEWERS = 50;
const STUCK = 2;
const VIEWER_ROUNDS = 8;
const BYTES = 40_000_000;
const ROUNDS = 15;
const ATTACHES = 50;
const SIZE = { rows: 50, cols: 200 };
const LINES = 10_000;
const IDLE_TERMINALS = 40;
const SETTLE_MS = 3_000;
/** What a viewer of the host gets first: `RECENT_HISTORY` of its sockets. */
const RECENT = 64 * 1024;
const WHOLE = 4 * 1024 * 1024;

export const rows = ["N5", "N11"];

export default async function run(report: Report): Promise<void> {
  if (report.wants("N5")) await viewers(report);
  if (report.wants("N11")) {
    await snapshots(report);
    await attaching(report);
    await resting(report);
  }
}

/** What a host keeps of terminals that have printed 10,000 lines, were looked at, and are quiet. */
async function resting(report: Report): Promise<void> {
  if (process.platform !== "linux") return report.progress("memory per terminal needs /proc: not measured here");
  await using host = await RunningHost.start({ SHELL: "/bin/sh" });
  // The first start on a machine also fills caches; every later one is like this.
  await pause(1_000);
  await host.kill9();
  await host.restart();
  await pause(SETTLE_MS);
  const before = await statusOf(host.pid);
  const client = await host.client();
  const { session_id } = await client.call("session.create", {});
  const headers = { authorization: `Bearer ${await host.token()}` };
  let most = 0;
  for (let at = 0; at < IDLE_TERMINALS; at++) {
    const { terminal_id } = await client.call("terminal.open", { session_id, name: `t${at}`, ...SIZE });
    const done = join(host.home, `printed-${at}`);
    const data = `seq -f '%g request of some length that is served in time' ${LINES}; echo prin''ted; : > ${done}\r`;
    await client.call("terminal.input", { terminal_id, data });
    while (!existsSync(done)) await pause(20);
    const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${terminal_id}/socket`;
    await printed(new WebSocket(url, ["hearth"], { headers, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 }));
    most = Math.max(most, (await statusOf(host.pid)).rss);
  }
  // Until all are put aside and the thread that draws them has ended.
  while ((await statusOf(host.pid)).threads > before.threads) await pause(500);
  const rested = ((await statusOf(host.pid)).rss - before.rss) / IDLE_TERMINALS;
  client.close();
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  report.add({
    id: "N11",
    what: `memory per idle terminal, 200 × 50, 10,000 lines printed, mean of ${IDLE_TERMINALS}`,
    measured: `${mb(rested)} MB`,
    baseline: "the row above: one that stays in memory",
    aim: "≤ 5 MB",
    met: rested <= 5e6,
    note: `what the host had grown by once all were at rest, each looked at once; ${mb((most - before.rss) / IDLE_TERMINALS)} MB while they were drawn`,
  });
}

async function statusOf(pid: number): Promise<{ rss: number; threads: number }> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  return { rss: field("VmRSS") * 1024, threads: field("Threads") };
}

/** A viewer that comes to a shell which has printed 10,000 lines: until the screen is there, and until all lines are. */
async function attaching(report: Report): Promise<void> {
  await using host = await RunningHost.start({ SHELL: "/bin/sh" });
  const client = await host.client();
  const { session_id } = await client.call("session.create", {});
  const { terminal_id } = await client.call("terminal.open", { session_id, ...SIZE });
  const data = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); printf '\\033[32m%d\\033[0m request of some length that is served in time\\n' $i; done; echo prin''ted\r`;
  await client.call("terminal.input", { terminal_id, data });
  const headers = { authorization: `Bearer ${await host.token()}` };
  const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${terminal_id}/socket`;
  const connect = () =>
    new WebSocket(url, ["hearth"], { headers, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
  await printed(connect());
  const first: number[] = [];
  const all: number[] = [];
  let size = 0;
  for (let round = 0; round < ATTACHES; round++) {
    const began = performance.now();
    const ws = connect();
    const snapshots = on(ws, "message", { close: ["close"] });
    const shown = await nextSnapshot(snapshots);
    first.push(performance.now() - began);
    const asked = performance.now();
    ws.send('{"type":"history"}');
    const whole = await nextSnapshot(snapshots);
    all.push(performance.now() - asked);
    size = whole.length;
    if (!shown.includes("printed") || !whole.includes("printed")) throw new Error("this is not the terminal's screen");
    ws.terminate();
  }
  client.close();
  report.add({
    id: "N11",
    what: `attach over WebSocket to a terminal with 10,000 lines of scrollback, p50`,
    measured: `connected and on the screen ${median(first).toFixed(1)} ms; all lines ${median(all).toFixed(1)} ms more when they are asked for`,
    baseline: "the row above",
    aim: "screen in ≤ 20 ms",
    met: median(first) <= 20,
    note: `p99 ${percentile(first, 0.99).toFixed(1)} / ${percentile(all, 0.99).toFixed(1)} ms of ${ATTACHES}; all lines are ${(size / 1e6).toFixed(1)} MB`,
  });
}

async function nextSnapshot(messages: AsyncIterator<unknown[]>): Promise<Buffer> {
  for (;;) {
    const { value, done } = await messages.next();
    if (done) throw new Error("the terminal's socket was closed");
    const [frame] = value as [Buffer];
    if (frame.subarray(0, 20).includes("snapshot")) return frame;
  }
}

/** Watches until the shell has printed all of it: until then it is a terminal with fewer lines. */
async function printed(ws: WebSocket): Promise<void> {
  let tail = "";
  for await (const [frame, isBinary] of on(ws, "message", { close: ["close"] })) {
    // Before the bytes is where they begin.
    tail = tail.slice(-10) + String(isBinary ? (frame as Buffer).subarray(8) : frame);
    if (tail.includes("printed")) break;
  }
  ws.terminate();
}

/** A thread with so many viewers that count bytes; `stuck` ones never read. */
function watchers(url: string, token: string, count: number, stuck: number): Worker {
  return new Worker(
    `const { workerData, parentPort } = require("node:worker_threads");
     const { WebSocket } = require("ws");
     const { url, token, count, stuck } = workerData;
     let bytes = 0, open = 0, closed = 0;
     for (let at = 0; at < count + stuck; at++) {
       const ws = new WebSocket(url, ["hearth"], { headers: { authorization: "Bearer " + token }, perMessageDeflate: false, skipUTF8Validation: true, maxPayload: 1 << 26 });
       ws.on("open", () => { if (at >= count) ws._socket.pause(); if (++open === count + stuck) parentPort.postMessage({ open }); });
       ws.on("message", (data, isBinary) => { if (isBinary && at < count) bytes += data.length - 8; });
       ws.on("close", () => { if (at < count && ++closed === count) parentPort.postMessage({ bytes, ended: performance.timeOrigin + performance.now() }); });
       ws.on("error", () => undefined);
     }`,
    { eval: true, workerData: { url, token, count, stuck } },
  );
}

async function viewers(report: Report): Promise<void> {
  await using probe = await Probe.compile();
  await using host = await RunningHost.start();
  const client = await host.client();
  const rates: Record<"with" | "without", number[]> = { with: [], without: [] };
  for (let round = 1; round <= VIEWER_ROUNDS; round++) {
    // Each is the first of the two as often as the other: whoever comes first finds the machine cooler.
    const kinds = ["without", "with"] as const;
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const { process_id } = await client.call("process.start", {
        argv: [probe.path, "logs", String(BYTES)],
        mode: "pty",
      });
      const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${process_id}/socket?from=0`;
      const thread = watchers(url, await host.token(), VIEWERS - STUCK, kind === "with" ? STUCK : 0);
      await once(thread, "message");
      const began = performance.timeOrigin + performance.now();
      await client.call("process.write", { process_id, data: "\n" });
      const [{ bytes, ended }] = await once(thread, "message");
      rates[kind].push(bytes / 1000 / (ended - began));
      await thread.terminate();
    }
    report.progress(
      `N5 round ${round}: ${rates.with.at(-1)?.toFixed(0)} MB/s in all, ${rates.without.at(-1)?.toFixed(0)} without stuck ones`,
    );
  }
  client.close();
  const measured = median(rates.with);
  const range = (all: readonly number[]) => `${Math.min(...all).toFixed(0)}–${Math.max(...all).toFixed(0)}`;
  report.add({
    id: "N5",
    what: `one terminal to ${VIEWERS} viewers, ${STUCK} of them stuck, bytes to all of them`,
    measured: `${measured.toFixed(0)} MB/s`,
    baseline: `${median(rates.without).toFixed(0)} MB/s (the same without stuck viewers)`,
    aim: "≥ 900 MB/s, the stuck cost nothing",
    met: measured >= 900 && measured >= 0.9 * median(rates.without),
    note: `medians of ${VIEWER_ROUNDS} × ${BYTES / 1e6} MB, in turn: ${range(rates.with)} beside ${range(rates.without)}; all viewers in one thread of this machine; the terminal itself gives at most about 40 MB/s`,
  });
}

async function snapshots(report: Report): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "hearth-bench-"));
  await using screens = new Screens({ onWarning: (text) => report.progress(text) });
  const line = (at: number) =>
    `\x1b[32m12:00:${at % 60}\x1b[0m \x1b[1minfo\x1b[0m request ${at} took ${at % 97} ms ${"- and so on ".repeat(at % 9)}\r\n`;
  const text = Buffer.from(Array.from({ length: LINES }, (_, at) => line(at)).join(""));
  const make = async (name: string) => {
    const dir = await mkdtemp(join(home, name));
    await writeFile(join(dir, "spool.0"), text);
    const spool = new SpoolReader(dir);
    spool.heard(text.length);
    return { id: `term_${name}`, dir, spool, sizes: new SizeHistory([{ offset: 0, ...SIZE }]) };
  };
  const busy = await make("busy");
  screens.follow(busy);
  await screens.snapshot(busy, 0);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const times: Record<"screen" | "recent" | "whole", number[]> = { screen: [], recent: [], whole: [] };
  const budgets = { screen: 0, recent: RECENT, whole: WHOLE };
  loop.enable();
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of ["screen", "recent", "whole"] as const) {
      const began = performance.now();
      await screens.snapshot(busy, budgets[kind]);
      times[kind].push(performance.now() - began);
      await pause(5);
    }
  loop.disable();
  // Until it is put aside.
  while (screens.awake) await pause(500);
  const began = performance.now();
  await screens.snapshot(busy, RECENT);
  const asleep = performance.now() - began;
  await rm(home, { recursive: true, force: true });
  const plain = await addOn(text, SIZE, ROUNDS);
  const blocked = loop.percentile(99) / 1e6 - 1;
  report.add({
    id: "N11",
    what: "snapshot for a new viewer, 200 × 50, 10,000 lines printed",
    measured: `screen ${median(times.screen).toFixed(1)} ms, with recent scrollback ${median(times.recent).toFixed(1)} ms, with all 10,000 lines ${median(times.whole).toFixed(1)} ms; at rest ${asleep.toFixed(1)} ms`,
    baseline: `screen ${median(plain.screen).toFixed(1)} ms, all lines ${median(plain.whole).toFixed(1)} ms (the emulator's own add-on, in the thread that asks); ${plain.memory.toFixed(0)} MB per terminal that stays in memory`,
    aim: "screen in ≤ 20 ms; the host's loop blocked ≤ 5 ms",
    met: median(times.recent) <= 20 && blocked <= 5,
    note: `p99 with recent scrollback ${percentile(times.recent, 0.99).toFixed(1)} ms; loop delay p99 ${blocked.toFixed(1)} ms`,
  });
}
