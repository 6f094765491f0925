import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { newEvent } from "../protocol/events.ts";

interface Frame {
  id?: number | string | null;
  method?: string;
  params?: { type: string; session_id?: string; seq?: number; payload: Record<string, unknown> };
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data: { reason: string; field?: string } };
}
/** A WebSocket that keeps what it hears. */
class Peer {
  readonly frames: (Frame | Frame[])[] = [];
  readonly ws: WebSocket;
  closed: { code: number; reason: string } | undefined;
  constructor(host: TestHost) {
    const headers = { authorization: `Bearer ${host.token}` };
    this.ws = new WebSocket(`${host.gateway.address.url.replace("http", "ws")}/api/ws`, { headers });
    this.ws.on("message", (data) => this.frames.push(JSON.parse(String(data))));
    this.ws.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.ws.on("error", () => undefined);
  }
  static async open(host: TestHost): Promise<Peer> {
    const peer = new Peer(host);
    await until(() => peer.frames.length > 0, "the ready frame");
    return peer;
  }
  say(frame: unknown): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }
  get singles(): Frame[] {
    return this.frames.filter((frame) => !Array.isArray(frame)) as Frame[];
  }
  async ask(id: number, method: string, params: unknown): Promise<Frame> {
    this.say({ jsonrpc: "2.0", id, method, params });
    await until(() => this.singles.some((frame) => frame.id === id), `the answer to ${method}`);
    return this.singles.find((frame) => frame.id === id) as Frame;
  }
  events(sessionId: string): number[] {
    return this.singles.flatMap(({ params }) => (params?.session_id === sessionId ? [params.seq ?? 0] : []));
  }
}
const titles = (session: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at) =>
    newEvent("session.info", `${session}:${from + at}`, { title: `${from + at}` }),
  );

describe("a gateway connection", () => {
  let host: TestHost;
  before(async () => {
    host = await startTestHost();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });

  it("G2: begins with who the host is", async () => {
    const peer = await Peer.open(host);
    const [first] = peer.singles;
    assert.deepEqual([first?.method, first?.params?.type], ["event", "gateway.ready"]);
    const { skin, log_id, build, host_seq } = first?.params?.payload ?? {};
    assert.deepEqual([typeof skin, log_id, build, typeof host_seq], ["object", host.log.logId, "test", "number"]);
    peer.ws.close();
  });

  it("answers session.create before any event of that session, and then sends each with its number", async () => {
    const peer = await Peer.open(host);
    const made = await peer.ask(1, "session.create", {});
    const session = String(made.result?.session_id);
    await host.tell(session, titles(session, 0, 300));
    await until(() => peer.events(session).length === 300, "all events");
    assert.deepEqual(
      peer.events(session),
      Array.from({ length: 300 }, (_, at) => Number(made.result?.seq) + 1 + at),
    );
    const answered = peer.singles.findIndex((frame) => frame.id === 1);
    assert.ok(peer.singles.findIndex((frame) => frame.params?.session_id === session) > answered);
    peer.ws.close();
  });

  it("S15: is told that a turn waits for room on the disk, and that it goes on, where it follows that session", async () => {
    const stalls = new Set<(session: string, stalled: boolean) => void>();
    host.services.turns.onStalled = (listener) => {
      stalls.add(listener);
      return { [Symbol.dispose]: () => void stalls.delete(listener) };
    };
    const [one, two] = [await Peer.open(host), await Peer.open(host)];
    const session = String((await one.ask(1, "session.create", {})).result?.session_id);
    for (const stalled of [true, false]) for (const tell of stalls) tell(session, stalled);
    const told = (peer: Peer) => peer.singles.filter((frame) => frame.params?.type === "turn.stalled");
    await until(() => told(one).length === 2, "both");
    const payloads = told(one).map((frame) => frame.params?.payload as { session_id: string; stalled: boolean });
    assert.deepEqual(
      payloads.map((payload) => [payload.session_id, payload.stalled]),
      [
        [session, true],
        [session, false],
      ],
    );
    assert.equal(told(one)[0]?.params?.seq, undefined, "no event of the log");
    await two.ask(1, "session.list", {});
    assert.equal(told(two).length, 0);
    one.ws.close();
    two.ws.close();
    await until(() => stalls.size === 0, "nobody listens any more");
  });

  it("S13: resumes after a number, exactly, and only once however often it is asked to", async () => {
    const one = await Peer.open(host);
    const session = String((await one.ask(1, "session.create", {})).result?.session_id);
    await host.tell(session, titles(session, 0, 50));
    const two = await Peer.open(host);
    await two.ask(1, "session.resume", { session_id: session, after: 20 });
    await until(() => two.events(session).length === 31, "the rest");
    assert.deepEqual(two.events(session)[0], 21);
    two.frames.length = 0;
    await two.ask(2, "session.resume", { session_id: session, after: 40 });
    await host.tell(session, titles(session, 50, 1));
    await until(() => two.events(session).includes(52), "the live one");
    assert.deepEqual(two.events(session), [41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52]);
    const gone = await two.ask(3, "session.resume", { session_id: session, after: 5000 });
    assert.equal(gone.error?.data.reason, "cursor_gone");
    const none = await two.ask(4, "session.resume", { session_id: "ses_nope" });
    assert.equal(none.error?.data.reason, "session_not_found");
    for (const peer of [one, two]) peer.ws.close();
  });

  it("sends nothing more after session.close, and host events to everyone", async () => {
    const peer = await Peer.open(host);
    const session = String((await peer.ask(1, "session.create", {})).result?.session_id);
    assert.deepEqual((await peer.ask(2, "session.close", { session_id: session })).result, { closed: true });
    await host.tell(session, titles(session, 0, 3));
    const other = String((await peer.ask(3, "session.create", {})).result?.session_id);
    const listed = () =>
      peer.singles.some(({ params }) => params?.type === "session.listed" && params.payload.session_id === other);
    await until(listed, "the host event");
    assert.deepEqual(peer.events(session), []);
    peer.ws.close();
  });

  it("G5: a slow handler delays nobody, can be cancelled, and is cancelled when its connection ends", async () => {
    const peer = await Peer.open(host);
    const before = host.waits.length;
    peer.say({ jsonrpc: "2.0", id: 1, method: "process.wait", params: { process_id: "p" } });
    peer.say({ jsonrpc: "2.0", id: 2, method: "process.wait", params: { process_id: "p" } });
    assert.ok((await peer.ask(3, "session.list", {})).result);
    peer.say({ jsonrpc: "2.0", method: "$/cancel", params: { id: 1 } });
    await until(() => peer.singles.some((frame) => frame.id === 1), "the cancelled one's answer");
    assert.equal(peer.singles.find((frame) => frame.id === 1)?.result?.status, "interrupted");
    assert.equal(host.waits[before + 1]?.aborted, false);
    peer.ws.terminate();
    await until(() => host.waits[before + 1]?.aborted === true, "the cancel at the end");
  });

  it("G3: names the field that is wrong, and hides what failed inside", async () => {
    const peer = await Peer.open(host);
    const wrong = await peer.ask(1, "process.wait", { process_id: "p", timeout: "soon" });
    assert.deepEqual([wrong.error?.code, wrong.error?.data.field], [-32602, "timeout"]);
    assert.match(wrong.error?.message ?? "", /^timeout: /);
    const inside = await peer.ask(2, "host.status", {});
    assert.deepEqual([inside.error?.code, inside.id], [-32603, 2]);
    assert.doesNotMatch(JSON.stringify(inside), /secret/);
    assert.ok((await peer.ask(3, "session.list", {})).result);
    peer.ws.close();
  });

  it("A19: keeps the host's own methods for its Unix socket", async () => {
    const peer = await Peer.open(host);
    for (const method of ["ticket.mint", "host.stop"]) {
      const { error } = await peer.ask(method.length, method, {});
      assert.equal(error?.data.reason, "forbidden");
    }
    assert.deepEqual(host.stops, []);
    peer.ws.close();
  });

  it("G14: closes on binary frames and on frames over the limit, with a code for each", async () => {
    const binary = await Peer.open(host);
    binary.ws.send(Buffer.from("{}"), { binary: true });
    await until(() => binary.closed !== undefined, "the close");
    assert.equal(binary.closed?.code, closeCodes.wrong_kind);
    const big = await Peer.open(host);
    big.say(`"${"x".repeat(16 * 1024 * 1024)}"`);
    await until(() => big.closed !== undefined, "the close");
    assert.equal(big.closed?.code, closeCodes.too_large);
  });

  it("G17: writes one line when a connection ends, with what went wrong on it", async () => {
    const peer = await Peer.open(host);
    await peer.ask(1, "session.create", {});
    peer.say("no json");
    await peer.ask(2, "host.status", {});
    const from = host.lines.length;
    peer.ws.close(1000);
    const ended = () => host.lines.slice(from).filter((line) => line.msg === "connection ended");
    await until(() => ended().length > 0, "the line");
    const [{ peer: _peer, code, messages, parse_errors, failed_handlers, sessions } = {}] = ended();
    assert.deepEqual([code, messages, parse_errors, failed_handlers, sessions], [1000, 3, 1, 1, 1]);
    assert.match(String(_peer), /^127\.0\.0\.1:\d+$/);
  });

  it("F33: survives clients that vanish or close one side, and forgets them", async () => {
    const before = host.gateway.clients();
    const peers = await Promise.all(Array.from({ length: 10 }, () => Peer.open(host)));
    const session = String((await peers[0]?.ask(1, "session.create", {}))?.result?.session_id);
    await Promise.all(peers.map((peer) => peer.ask(9, "session.resume", { session_id: session, after: 0 })));
    for (const [at, peer] of peers.entries()) {
      const socket = (peer.ws as unknown as { _socket: import("node:net").Socket })._socket;
      if (at % 2 === 0) socket.resetAndDestroy();
      else socket.end();
    }
    await host.tell(session, titles(session, 0, 100));
    await until(() => host.gateway.clients() === before, "all of them gone");
  });

  it("G15, S16: stops fetching for a client that does not read, and catches it up when it does", async () => {
    const wedged = await Peer.open(host);
    const healthy = await Peer.open(host);
    const session = String((await healthy.ask(1, "session.create", {})).result?.session_id);
    await wedged.ask(1, "session.resume", { session_id: session });
    wedged.ws.pause();
    const text = "y".repeat(100_000);
    const before = process.memoryUsage().arrayBuffers;
    for (let at = 0; at < 60; at++)
      await host.tell(session, [newEvent("session.info", `${session}:big${at}`, { title: text })]);
    await until(() => healthy.events(session).length === 60, "the healthy one's events");
    // 6 MB were appended; what is held for the wedged one is the mark and about a page, never all of it.
    assert.ok(process.memoryUsage().arrayBuffers - before < 40_000_000);
    wedged.ws.resume();
    await until(() => wedged.events(session).length === 60, "the wedged one's events");
    assert.deepEqual(wedged.events(session), healthy.events(session));
    for (const peer of [wedged, healthy]) peer.ws.close();
  });

  it("G18: serves five hundred clients that come at once, each with its backlog", async () => {
    const session = String((await (await Peer.open(host)).ask(1, "session.create", {})).result?.session_id);
    await host.tell(session, titles(session, 0, 20));
    const peers = Array.from({ length: 500 }, () => new Peer(host));
    await until(() => peers.every((peer) => peer.frames.length > 0), "all ready frames");
    for (const peer of peers)
      peer.say({ jsonrpc: "2.0", id: 1, method: "session.resume", params: { session_id: session, after: 0 } });
    await until(() => peers.every((peer) => peer.events(session).length === 21), "all backlogs");
    for (const peer of peers) peer.ws.terminate();
  });

  it("says goodbye when the host stops", async () => {
    const peer = await Peer.open(host);
    await host.restart();
    await until(() => peer.closed !== undefined, "the close");
    assert.equal(peer.closed?.code, closeCodes.going_away);
    const next = await Peer.open(host);
    next.ws.close();
  });
});
