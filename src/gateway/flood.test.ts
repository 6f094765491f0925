// Who floods the host is told to go, and who is only fast is not; over a real gateway.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { FakeChild, startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { LeakyBucket } from "./leaky-bucket.ts";

const ID = "term_aaaaaaaaaaaa";
/** More than the limit of 5,000, and what leaks while they come. */
const MANY = 20_000;

/** A WebSocket that counts what it hears. */
class Peer {
  readonly ws: WebSocket;
  heard = 0;
  refused = 0;
  closed: { code: number; reason: string } | undefined;

  private constructor(host: TestHost, path: string) {
    const headers = { authorization: `Bearer ${host.token}` };
    this.ws = new WebSocket(`${host.gateway.address.url.replace("http", "ws")}${path}`, { headers });
    this.ws.on("message", (data, isBinary) => {
      this.heard++;
      if (!isBinary && String(data).includes('"too_many"')) this.refused++;
    });
    this.ws.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.ws.on("error", () => undefined);
  }
  static async open(host: TestHost, path = "/api/ws"): Promise<Peer> {
    const peer = new Peer(host, path);
    await once(peer.ws, "message");
    return peer;
  }
  /** Sends as fast as the socket takes it, until told to go. */
  async flood(count: number, send: (index: number) => void): Promise<void> {
    for (let index = 0; index < count && this.ws.readyState === WebSocket.OPEN; index++) {
      send(index);
      if (index % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  ask(id: number, method: string, params: object = {}): void {
    this.ws.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  }
  async end(): Promise<NonNullable<Peer["closed"]>> {
    await until(() => this.closed !== undefined, "the close");
    return this.closed ?? { code: 0, reason: "" };
  }
}

describe("a connection that floods", () => {
  let host: TestHost;
  let shell: FakeChild;
  before(async () => {
    host = await startTestHost();
    shell = new FakeChild();
    host.children.set(ID, shell);
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });

  const floods: Readonly<Record<string, (peer: Peer, index: number) => void>> = {
    "frames that are no requests": ({ ws }) => ws.send("x"),
    "empty frames": ({ ws }) => ws.send(""),
    pings: ({ ws }) => ws.ping(),
    "a message in frames of one byte": ({ ws }) => ws.send("x", { fin: false }),
  };
  for (const [what, send] of Object.entries(floods))
    it(`A29: ${what}: is told to go with 1008, and nobody else notices`, async () => {
      const other = await Peer.open(host);
      const peer = await Peer.open(host);
      await peer.flood(MANY, (index) => send(peer, index));
      const { code, reason } = await peer.end();
      assert.equal(code, closeCodes.flood);
      if (!what.startsWith("a message")) assert.match(reason, /^more than 5000 frames that are no use/);
      const heard = other.heard;
      other.ask(1, "session.list");
      await until(() => other.heard > heard, "an answer");
      other.ws.close();
    });

  it("A29: 10,000 subscriptions: is refused past 200, and then told to go with 1008", async () => {
    const peer = await Peer.open(host);
    // Each answer is followed by the session's first event.
    for (let id = 0; id < 200; id++) {
      const heard = peer.heard;
      peer.ask(id, "session.create");
      await until(() => peer.heard > heard, "an answer");
    }
    await peer.flood(10_000, (index) => peer.ask(1_000 + index, "session.resume", { session_id: `ses_${index}` }));
    assert.equal((await peer.end()).code, closeCodes.flood);
    assert.ok(peer.refused > 0 && peer.refused <= 6_000, `${peer.refused} were refused`);
  });

  it("A29: a terminal's sizes without end, and empty keys: is told to go with 1008", async () => {
    const size = JSON.stringify({ type: "resize", rows: 24, cols: 80 });
    for (const send of [(ws: WebSocket) => ws.send(size), (ws: WebSocket) => ws.send(Buffer.alloc(0))]) {
      const peer = await Peer.open(host, `/api/terminals/${ID}/socket`);
      await peer.flood(MANY, () => send(peer.ws));
      assert.equal((await peer.end()).code, closeCodes.flood);
    }
  });

  it("A29: who only types fast is none: keys of one byte each all arrive", async () => {
    const peer = await Peer.open(host, `/api/terminals/${ID}/socket`);
    const before = shell.written.length;
    await peer.flood(MANY, () => peer.ws.send(Buffer.from("k")));
    await until(() => shell.written.length - before === MANY, "all keys");
    assert.equal(peer.closed, undefined);
    peer.ws.close();
  });

  it("A29: who only asks fast is none, nor who asks for more at once than is worked on", async () => {
    const peer = await Peer.open(host);
    let next = 0;
    const heard = peer.heard;
    peer.ws.on("message", () => {
      if (next < MANY) peer.ask(next++, "session.close", { session_id: "ses_1" });
    });
    while (next < 64) peer.ask(next++, "session.close", { session_id: "ses_1" });
    await until(() => peer.heard - heard === MANY, "all answers");
    assert.equal(peer.refused, 0);
    for (let id = 0; id < 5_000; id++) peer.ask(MANY + id, "process.wait", { process_id: "p" });
    await until(() => peer.refused === 4_000, "those that are too many");
    assert.equal(peer.closed, undefined);
    peer.ws.terminate();
  });
});

describe("a leaky bucket", () => {
  it("takes so many at once, and so many a second for as long as one likes", () => {
    let now = 0;
    const bucket = new LeakyBucket(10, 5, () => now);
    const added = (count: number) => Array.from({ length: count }, () => bucket.add()).filter(Boolean).length;
    assert.equal(added(12), 10);
    now += 200;
    assert.equal(added(2), 1);
    for (let second = 0; second < 100; second++) {
      now += 1000;
      assert.equal(added(5), 5);
    }
    now += 3_600_000;
    assert.equal(added(12), 10);
  });
});
