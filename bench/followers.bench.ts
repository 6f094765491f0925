// N5: one process that prints 200 MB, and fifty who follow it, two of whom never read: how much reaches all of them together,
// and whether every byte does.
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { RunningHost } from "../test/support/running-host.ts";
import type { Report } from "./report.ts";

const FOLLOWERS = 50;
const STUCK = 2;
const BYTES = 200_000_000;
const ROUNDS = 2;

export const rows = ["N5"];

export default async function run(report: Report): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "hearth-bench-"));
  try {
    const file = join(home, "lines");
    await lines(file);
    await measure(report, file);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Numbered lines, so that bytes that are lost, doubled or moved change the sum. */
async function lines(path: string): Promise<void> {
  await using file = await open(path, "w");
  let at = 0;
  for (let n = 0; at < BYTES; ) {
    let text = "";
    while (text.length < 1 << 20)
      text += `2026-01-20 10:00:00 INFO request ${n++} answered in ${n % 97} ms with status 200\n`;
    const { bytesWritten } = await file.write(text.slice(0, BYTES - at));
    at += bytesWritten;
  }
}

async function sumOf(path: string): Promise<number> {
  let sum = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) sum = crc32(chunk as Buffer, sum);
  return sum;
}

async function measure(report: Report, file: string): Promise<void> {
  const sum = await sumOf(file);
  await using host = await RunningHost.start({ HEARTH_PROCESSES_SPOOL_BYTES: String(2 * BYTES) });
  const client = await host.client();
  const authorization = `Bearer ${await host.token()}`;
  const rates = { with: [] as number[], without: [] as number[], plain: [] as number[] };
  let lost = 0;
  const note = (kind: keyof typeof rates, taken: Taken): void => {
    const healthy = kind === "with" ? FOLLOWERS - STUCK : FOLLOWERS;
    rates[kind].push(taken.bytes / 1000 / taken.ms);
    if (kind !== "plain") lost += healthy * BYTES - taken.bytes + (taken.sum === sum ? 0 : 1) + taken.gaps;
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ["without", "with"] as const) {
      const { process_id } = await client.call("process.start", {
        argv: ["sh", "-c", 'read go; cat "$1"', "sh", file],
      });
      const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${process_id}/socket?from=0`;
      const stuck = kind === "with" ? STUCK : 0;
      await using followers = new Followers({ url, authorization, head: 8, healthy: FOLLOWERS - stuck, stuck });
      await followers.ready;
      const from = performance.now();
      await client.call("process.submit", { process_id, data: "" });
      note(kind, await followers.taken(from));
    }
    await using server = new PlainServer(file);
    const url = await server.url;
    await using followers = new Followers({ url, authorization, head: 0, healthy: FOLLOWERS, stuck: 0 });
    await followers.ready;
    const from = performance.now();
    server.go();
    note("plain", await followers.taken(from));
    report.progress(
      `N5 round ${round + 1}: ${Object.values(rates)
        .map((one) => one.at(-1)?.toFixed(0))
        .join(", ")} MB/s`,
    );
  }
  client.close();
  const measured = mean(rates.with);
  report.add({
    id: "N5",
    what: `${BYTES / 1e6} MB of one process to ${FOLLOWERS} followers, ${STUCK} of them stuck, bytes to all of them`,
    measured: `${measured.toFixed(0)} MB/s, ${lost} bytes lost`,
    baseline: `${mean(rates.without).toFixed(0)} MB/s (without stuck ones); ${mean(rates.plain).toFixed(0)} MB/s (bare Node + ws, the file read for each)`,
    aim: "≥ 900 MB/s, the stuck cost nothing",
    met: measured >= 900 && measured >= 0.9 * mean(rates.without) && lost === 0,
    note: `means of ${ROUNDS} runs of each, in turn; all followers in one thread of this machine, each checks that no offset is missing, one the sum`,
  });
}

const mean = (samples: readonly number[]): number => samples.reduce((sum, one) => sum + one, 0) / samples.length;

interface Taken {
  bytes: number;
  gaps: number;
  /** CRC of what the first of them got. */
  sum: number;
  ms: number;
}

/** Followers in a thread of their own; `stuck` ones never read. `head`: bytes before each message's own, the first's offset. */
class Followers implements AsyncDisposable {
  readonly ready: Promise<void>;
  readonly #ended: Promise<Omit<Taken, "ms"> & { at: number }>;
  readonly #thread: Worker;

  constructor(workerData: { url: string; authorization: string; head: number; healthy: number; stuck: number }) {
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<Omit<Taken, "ms"> & { at: number }>();
    this.ready = ready.promise;
    this.#ended = ended.promise;
    this.#thread = new Worker(FOLLOWING, { eval: true, workerData });
    this.#thread.on("message", (said) => ("ready" in said ? ready.resolve() : ended.resolve(said)));
    this.#thread.on("error", (error) => {
      ready.reject(error);
      ended.reject(error);
    });
  }

  /** Once all that read have the end; `from` by this thread's clock. */
  async taken(from: number): Promise<Taken> {
    const { at, ...taken } = await this.#ended;
    return { ...taken, ms: at - performance.timeOrigin - from };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}

const FOLLOWING = `const { workerData, parentPort } = require("node:worker_threads");
  const { crc32 } = require("node:zlib");
  const { WebSocket } = require("ws");
  const { url, authorization, head, healthy, stuck } = workerData;
  let bytes = 0, gaps = 0, sum = 0, opened = 0, closed = 0;
  const options = { headers: { authorization }, perMessageDeflate: false, skipUTF8Validation: true, maxPayload: 1 << 26 };
  for (let n = 0; n < healthy + stuck; n++) {
    const ws = new WebSocket(url, ["hearth"], options);
    let taken = 0;
    ws.on("open", () => {
      if (n >= healthy) ws._socket.pause();
      if (++opened === healthy + stuck) parentPort.postMessage({ ready: true });
    });
    ws.on("message", (data, isBinary) => {
      if (!isBinary || n >= healthy) return;
      if (head > 0 && Number(data.readBigUInt64BE(0)) !== taken) gaps++;
      const own = data.subarray(head);
      taken += own.length;
      bytes += own.length;
      if (n === 0) sum = crc32(own, sum);
    });
    ws.on("close", () => {
      if (n < healthy && ++closed === healthy)
        parentPort.postMessage({ bytes, gaps, sum, at: performance.timeOrigin + performance.now() });
    });
    ws.on("error", () => undefined);
  }`;

/** What there is without a host: a thread that sends the file to each who comes, as fast as each takes it. */
class PlainServer implements AsyncDisposable {
  readonly url: Promise<string>;
  readonly #thread: Worker;

  constructor(file: string) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.url = promise;
    this.#thread = new Worker(SERVING, { eval: true, workerData: { file } });
    this.#thread.on("message", (port: number) => resolve(`ws://127.0.0.1:${port}`)).on("error", reject);
  }

  go(): void {
    this.#thread.postMessage("go");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}

const SERVING = `const { workerData, parentPort } = require("node:worker_threads");
  const { createReadStream } = require("node:fs");
  const { WebSocketServer } = require("ws");
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  const all = [];
  server.on("connection", (ws) => all.push(ws));
  server.on("listening", () => parentPort.postMessage(server.address().port));
  const serve = async (ws) => {
    for await (const chunk of createReadStream(workerData.file, { highWaterMark: 1 << 18 }))
      await new Promise((sent) => ws.send(chunk, sent));
    ws.close();
  };
  parentPort.on("message", () => { for (const ws of all) serve(ws); });`;
