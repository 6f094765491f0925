import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { Failures } from "./failures.ts";
import { keepAlive } from "./keep-alive.ts";
import { Outflow } from "./outflow.ts";

/** A socket whose clock and queue a test plays by hand. */
class PlayedSocket extends EventEmitter {
  armedMs = 0;
  expire: () => void = () => undefined;
  setTimeout(ms: number, listener: () => void): void {
    this.armedMs = ms;
    this.expire = listener;
  }
}
function outflow() {
  const socket = new PlayedSocket();
  const happened: string[] = [];
  const queue = { bytes: 0 };
  const flow = new Outflow({
    socket: socket as unknown as Socket,
    waiting: () => queue.bytes,
    pause: () => happened.push("pause"),
    resume: () => happened.push("resume"),
    onStuck: () => happened.push("stuck"),
  });
  return { socket, happened, queue, flow };
}
const never = new AbortController().signal;
const settled = async (promise: Promise<unknown>) =>
  await Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(() => resolve(false)))]);

describe("what is on its way to a peer", () => {
  it("G15: leaves room up to the mark; over it, nothing more is fetched or read until all of it has gone", async () => {
    const { socket, happened, queue, flow } = outflow();
    queue.bytes = 1024 * 1024;
    flow.wrote();
    assert.equal(await settled(flow.room(never)), true);
    queue.bytes++;
    flow.wrote();
    const room = flow.room(never);
    assert.deepEqual([await settled(room), happened, socket.armedMs], [false, ["pause"], 10_000]);
    queue.bytes = 0;
    socket.emit("drain");
    assert.deepEqual([await settled(room), happened, socket.armedMs], [true, ["pause", "resume"], 0]);
  });

  it("G15: gives a peer up after ten seconds without progress, or at once past all bounds, and only once", async () => {
    const slow = outflow();
    slow.queue.bytes = 2 * 1024 * 1024;
    slow.flow.wrote();
    const room = slow.flow.room(never);
    slow.socket.expire();
    slow.socket.expire();
    assert.deepEqual([await settled(room), slow.happened], [true, ["pause", "stuck"]]);
    const flooded = outflow();
    flooded.queue.bytes = 65 * 1024 * 1024;
    flooded.flow.wrote();
    flooded.flow.wrote();
    assert.deepEqual(flooded.happened, ["stuck"]);
  });

  it("lets those who wait go when the peer leaves, or they do", async () => {
    const { socket, queue, flow } = outflow();
    queue.bytes = 2 * 1024 * 1024;
    flow.wrote();
    const leave = new AbortController();
    const [one, two] = [flow.room(leave.signal), flow.room(never)];
    leave.abort();
    assert.deepEqual([await settled(one), await settled(two)], [true, false]);
    socket.emit("close");
    assert.equal(await settled(two), true);
    flow[Symbol.dispose]();
    assert.deepEqual([socket.listenerCount("drain"), socket.listenerCount("close")], [0, 0]);
  });
});

describe("a half-open connection", () => {
  it("G14: is given up after two pings without an answer; one that answers stays", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const arrivals: WebSocket[] = [];
    const dead: WebSocket[] = [];
    server.on("connection", (ws) => {
      arrivals.push(ws);
      keepAlive(ws, () => dead.push(ws), 50);
    });
    const mute = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
    await once(mute, "open");
    const alive = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(alive, "open");
    const [code] = (await once(mute, "close")) as [number];
    assert.deepEqual([code, dead.length, dead[0] === arrivals[0], alive.readyState], [1006, 1, true, alive.OPEN]);
    alive.terminate();
    server.close();
  });
});

describe("wrong credentials", () => {
  it("A16: are slowed down, then refused, without keeping more than so many waiting", () => {
    const failures = new Failures();
    const answers = Array.from({ length: 200 }, () => failures.note());
    assert.equal(answers.filter((answer) => answer === "wait").length, 60);
    assert.equal(answers.at(-1), "too_many");
  });
});
