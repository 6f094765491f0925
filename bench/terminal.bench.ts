// N1, N3: how fast a terminal's bytes reach a viewer, and how soon a key is answered; beside plain C on a terminal of its own.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { WebSocket } from "ws";
import { RunningHost } from "../test/support/running-host.ts";
import { Probe } from "./probe.ts";
import { median, percentile, type Report } from "./report.ts";
import { Viewer } from "./viewer.ts";

const ROUNDS = 5;
const BYTES = 40_000_000;
const KEYS = 400;
/** Faster than anyone types, slower than the time in which small pieces are put together. */
const KEY_GAP_MS = 12;
const READY = "ready\r\n";

export const rows = ["N1", "N3"];

export default async function run(report: Report): Promise<void> {
  await using probe = await Probe.compile();
  await using host = await RunningHost.start();
  if (report.wants("N1")) await throughput(report, probe, host);
  if (report.wants("N3")) await echo(report, probe, host);
}

async function throughput(report: Report, probe: Probe, host: RunningHost): Promise<void> {
  const plain: number[] = [];
  const hearth: number[] = [];
  const tmux: number[] = [];
  /** The legs: C that keeps what it reads, and our keeper while nobody watches. */
  const keeping: number[] = [];
  const unwatched: number[] = [];
  let lost = 0;
  let content: string | undefined;
  // In turns, so that a noisy moment of the machine hits both.
  for (let round = 1; round <= ROUNDS; round += 1) {
    const baseline = await probe.read(BYTES);
    plain.push(baseline.bytes / 1e6 / baseline.seconds);
    const kept = await probe.read(BYTES, true);
    keeping.push(kept.bytes / 1e6 / kept.seconds);
    unwatched.push(BYTES / 1e6 / (await keep(host, probe)));
    const viewed = await view(host, probe);
    hearth.push(viewed.bytes / 1e6 / viewed.seconds);
    lost = Math.max(lost, Math.abs(baseline.bytes - viewed.bytes));
    content ??= viewed.hash;
    if (viewed.hash !== content) lost = Math.max(lost, 1);
    const seconds = await probe.throughTmux(BYTES).catch((error: unknown) => {
      report.progress(`tmux cannot be measured: ${String(error)}`);
      return Number.NaN;
    });
    if (!Number.isNaN(seconds)) tmux.push(BYTES / 1e6 / seconds);
    report.progress(
      `N1 round ${round}: plain C ${plain.at(-1)?.toFixed(1)} MB/s, Hearth ${hearth.at(-1)?.toFixed(1)} MB/s, tmux ${tmux.at(-1)?.toFixed(1) ?? "–"} MB/s`,
    );
  }
  const ratio = median(hearth) / median(plain);
  report.add({
    id: "N1",
    what: "PTY bytes, child → WebSocket client, coloured logs",
    measured: `${median(hearth).toFixed(1)} MB/s = ${ratio.toFixed(2)} × limit, ${lost} bytes lost`,
    baseline: `${median(plain).toFixed(1)} MB/s (C reader of the same PTY)${tmux.length === 0 ? "" : `; ${median(tmux).toFixed(1)} MB/s = ${(median(tmux) / median(plain)).toFixed(2)} × limit (tmux, attached)`}`,
    aim: "≥ 0.95 × limit, 0 bytes lost",
    met: ratio >= 0.95 && lost === 0,
    note: `medians of ${ROUNDS} × ${BYTES / 1e6} MB; ${range(hearth, 1)} beside ${range(plain, 1)}; by leg: a C reader that writes a file ${share(keeping, plain)} × limit, keeper and spool while nobody watches ${share(unwatched, plain)}, to the client ${share(hearth, plain)}`,
  });
}

/** How long one child writes while only its keeper and the spool take it. */
async function keep(host: RunningHost, probe: Probe): Promise<number> {
  const client = await host.client();
  const { process_id } = await client.call("process.start", {
    argv: [probe.path, "timed", String(BYTES)],
    mode: "pty",
  });
  await client.call("process.write", { process_id, data: "\n" });
  await client.call("process.wait", { process_id });
  const { output } = await client.call("process.log", { process_id, limit: 1 });
  client.close();
  return Number(output.trim().split("\n").at(-1));
}

/** One child's whole output as one viewer gets it, from the first byte after "ready" to the last. */
async function view(host: RunningHost, probe: Probe): Promise<{ bytes: number; seconds: number; hash: string }> {
  const client = await host.client();
  const { process_id } = await client.call("process.start", { argv: [probe.path, "logs", String(BYTES)], mode: "pty" });
  const parts: Buffer[] = [];
  let taken = 0;
  let first = 0;
  let last = 0;
  const ready = Promise.withResolvers<void>();
  using viewer = await Viewer.open(host, process_id, (bytes, offset) => {
    if (offset !== taken) throw new Error(`A gap: ${offset} came after ${taken}`);
    taken += bytes.length;
    parts.push(bytes);
    if (taken <= READY.length) {
      if (taken === READY.length) ready.resolve();
      return;
    }
    last = performance.now();
    if (first === 0) first = last;
  });
  await ready.promise;
  const { closed } = viewer;
  viewer.type("\n");
  await closed;
  client.close();
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return { bytes: taken - READY.length, seconds: (last - first) / 1000, hash: hash.digest("hex") };
}

async function echo(report: Report, probe: Probe, host: RunningHost): Promise<void> {
  const client = await host.client();
  const start = async (...words: string[]) =>
    (await client.call("process.start", { argv: [probe.path, ...words], mode: "pty" })).process_id;
  const id = await start("echo");
  const idle = { plain: await probe.echo(KEYS, KEY_GAP_MS), ws: await bareEcho(), hearth: await keys(host, id) };
  report.progress(`N3 idle: ${spread(idle.hearth)}`);
  const flooded = { plain: [] as number[], hearth: [] as number[] };
  {
    await using _flood = probe.flood();
    flooded.plain = await probe.echo(KEYS, KEY_GAP_MS);
  }
  const flood = await start("flood");
  let seen = 0;
  {
    using _viewer = await Viewer.open(host, flood, (bytes) => {
      seen += bytes.length;
    });
    while (seen === 0) await pause(10);
    flooded.hearth = await keys(host, id);
  }
  report.progress(`N3 flooded: ${spread(flooded.hearth)}, ${(seen / 1e6).toFixed(0)} MB beside it`);
  await client.call("process.kill", { process_id: flood });
  await client.call("process.kill", { process_id: id });
  client.close();
  const ms = (samples: readonly number[]): string => median(samples).toFixed(2);
  report.add({
    id: "N3",
    what: "keystroke echo over WebSocket, p50, idle / while another terminal floods",
    measured: `${ms(idle.hearth)} / ${ms(flooded.hearth)} ms`,
    baseline: `${ms(idle.plain)} / ${ms(flooded.plain)} ms (C, local PTY, no network); ${ms(idle.ws)} ms (bare ws echo, idle)`,
    aim: "≤ 0.55 / ≤ 1.2 ms",
    met: median(idle.hearth) <= 0.55 && median(flooded.hearth) <= 1.2,
    note: `${KEYS} keys; p99 ${percentile(idle.hearth, 0.99).toFixed(2)} / ${percentile(flooded.hearth, 0.99).toFixed(2)} ms`,
  });
}

/** Times from key to echo in ms, one key after the other. */
async function keys(host: RunningHost, id: string): Promise<number[]> {
  const ready = Promise.withResolvers<void>();
  let echoed = ready;
  using viewer = await Viewer.open(host, id, () => echoed.resolve());
  await ready.promise;
  const samples: number[] = [];
  for (let n = 0; n < KEYS; n += 1) {
    await pause(KEY_GAP_MS);
    echoed = Promise.withResolvers<void>();
    const typed = performance.now();
    viewer.type("x");
    await echoed.promise;
    samples.push(performance.now() - typed);
  }
  return samples;
}

/** The same by a WebSocket server that does nothing else, in a thread of its own. */
async function bareEcho(): Promise<number[]> {
  const server = new Worker(
    `const { WebSocketServer } = require("ws");
     const { parentPort } = require("node:worker_threads");
     const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
     server.on("connection", (ws) => ws.on("message", (data) => ws.send(data)));
     server.on("listening", () => parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  const [port] = await once(server, "message");
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(ws, "open");
  const samples: number[] = [];
  for (let n = 0; n < KEYS; n += 1) {
    await pause(KEY_GAP_MS);
    const echoed = once(ws, "message");
    const typed = performance.now();
    ws.send(Buffer.from("x"));
    await echoed;
    samples.push(performance.now() - typed);
  }
  ws.terminate();
  await server.terminate();
  return samples;
}

const share = (samples: readonly number[], of: readonly number[]): string => (median(samples) / median(of)).toFixed(2);
const range = (samples: readonly number[], digits: number): string =>
  `${Math.min(...samples).toFixed(digits)}–${Math.max(...samples).toFixed(digits)}`;
const spread = (samples: readonly number[]): string =>
  `p50 ${median(samples).toFixed(2)} ms, p99 ${percentile(samples, 0.99).toFixed(2)} ms`;
