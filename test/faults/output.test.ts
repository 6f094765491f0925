import assert from "node:assert/strict";
import { open, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import WebSocket from "ws";
import { roundsOf } from "../support/rounds.ts";
import { RunningHost } from "../support/running-host.ts";

const MIB = 2 ** 20;
/** With `npm run faults` what the row says; with every commit what a small machine prints in a few seconds. */
const much = (usual: number, most: number): number => (roundsOf(1) > 1 ? most : usual);

/** Resident bytes of a process: now, or the most it ever had. */
async function memory(pid: number, what: "VmRSS" | "VmHWM"): Promise<number> {
  const found = new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}

/** The keeper of a child: its parent. */
async function keeperOf(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[1]);
}

/** Sees a process's bytes as fast as they come, or stops reading after the first. */
async function view(
  host: RunningHost,
  id: string,
  stuck: boolean,
): Promise<{ received: () => number; closed: Promise<number>; ws: WebSocket }> {
  const url = `${host.address.replace("http", "ws")}/api/terminals/${id}/socket`;
  const ws = new WebSocket(url, ["hearth"], { headers: { authorization: `Bearer ${await host.token()}` } });
  let received = 0;
  ws.on("message", (bytes: Buffer) => {
    received += bytes.length;
    if (stuck) ws.pause();
  });
  ws.on("error", () => undefined);
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  ws.on("close", resolve);
  return { received: () => received, closed, ws };
}

describe("a process that prints without end", () => {
  it("F25: costs neither its keeper nor the host memory, whoever watches, and says when the oldest goes", async (t) => {
    const bytes = much(512 * MIB, 10_000 * MIB);
    await using host = await RunningHost.start({ HEARTH_PROCESSES_SPOOL_BYTES: "64 MiB" });
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const before = await memory(host.pid, "VmRSS");
    const script = `read go; head -c ${bytes} /dev/zero | tr '\\0' 'x' | fold -w 120; read end`;
    const { process_id, pid } = await client.call("process.start", { argv: ["sh", "-c", script], session_id });
    const keeper = await keeperOf(pid ?? 0);
    const [fast, stuck] = await Promise.all([view(host, process_id, false), view(host, process_id, true)]);
    const begun = performance.now();
    await client.call("process.submit", { process_id, data: "go" });
    let most = 0;
    const log = async () => client.call("process.log", { process_id, limit: 1 });
    let prints = false;
    await eventuallyLong("it has printed all", async () => {
      most = Math.max(most, await memory(host.pid, "VmRSS"));
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
      const before = prints;
      prints = children.trim() !== "";
      return before && !prints;
    });
    const seconds = (performance.now() - begun) / 1000;
    assert.ok((await log()).output.includes("xxx"));
    const kept = await memory(keeper, "VmHWM");
    assert.ok(kept < 8 * MIB, `the keeper took ${kept} bytes`);
    assert.ok(most - before < 160 * MIB, `the host grew by ${most - before} bytes`);
    assert.ok(fast.received() > 0);
    const history = await fetchEvents(host, session_id);
    assert.match(history, /"limit":"spool"/);
    for (const { ws } of [fast, stuck]) ws.terminate();
    await client.call("process.kill", { process_id, grace: 1 });
    t.diagnostic(
      `rounds 1 · ${Math.round(bytes / MIB)} MiB in ${seconds.toFixed(1)} s · keeper ${(kept / MIB).toFixed(1)} MiB, host +${Math.round((most - before) / MIB)} MiB at most`,
    );
  });

  it("F34: one line of all it prints is stored as bytes, shown cut and marked, and read without holding it", async (t) => {
    const bytes = much(100 * MIB, 1_000_000_000);
    await using host = await RunningHost.start({ HEARTH_PROCESSES_SPOOL_BYTES: "2 GiB" });
    const client = await host.client();
    const begun = performance.now();
    const script = `head -c ${bytes} /dev/zero | tr '\\0' 'a'; echo; echo after`;
    const { process_id } = await client.call("process.start", { argv: ["sh", "-c", script] });
    const end = await client.call("process.wait", { process_id, timeout: 170 });
    const seconds = (performance.now() - begun) / 1000;
    assert.equal(end.exit_code, 0);
    const before = await memory(host.pid, "VmRSS");
    const row = await client.call("process.poll", { process_id });
    assert.equal(row.bytes_at_exit, bytes + 7);
    // The bytes, all of them, as they came.
    const spool = await open(`${host.home}/children/${process_id}/spool.0`, "r");
    try {
      const piece = Buffer.alloc(MIB);
      for (let at = 0; at < (await spool.stat()).size; at += piece.length) {
        const { bytesRead } = await spool.read(piece, 0, piece.length, at);
        const others = piece.subarray(0, bytesRead).toString("latin1").replaceAll("a", "");
        assert.ok(others === "" || others === "\nfter\n", JSON.stringify(others.slice(0, 100)));
      }
    } finally {
      await spool.close();
    }
    // The lines: the long one cut and marked, the one after it whole.
    const { output, total_lines, showing } = await client.call("process.log", { process_id, limit: 2 });
    assert.equal(total_lines, 2);
    assert.equal(output, "after");
    assert.match(showing, /^lines 2–2 of 2; cut to 200,000 characters$/);
    const long = await client.call("process.log", { process_id, offset: 1, limit: 1 });
    assert.equal(long.output, "a".repeat(200_000));
    assert.match(long.showing, /cut to 200,000 characters/);
    const grown = (await memory(host.pid, "VmHWM")) - before;
    t.diagnostic(`rounds 1 · ${Math.round(bytes / MIB / seconds)} MB/s, host +${Math.round(grown / MIB)} MiB`);
    assert.ok(grown < 200 * MIB, `the host grew by ${grown} bytes`);
  });
});

async function fetchEvents(host: RunningHost, session: string): Promise<string> {
  const client = await host.client();
  const { promise, resolve } = Promise.withResolvers<string>();
  const following = client.follow(session, 0, (event) => {
    if (event.type === "process.limited") resolve(JSON.stringify(event));
  });
  const found = await promise;
  following[Symbol.dispose]();
  return found;
}

/** As `eventually`, for what takes minutes where a row asks for gigabytes. */
async function eventuallyLong(what: string, check: () => Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + 280_000; performance.now() < limit; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It never came true: ${what}`);
}
