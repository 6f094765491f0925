import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestHost, type TestHost, until } from "../gateway/test-host.ts";
import type { EventParams } from "../protocol/events.ts";
import { newEvent } from "../protocol/events.ts";
import { HearthClient, RpcError, type WebSocketLike } from "./client.ts";

const titles = (session: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at) =>
    newEvent("session.info", `${session}:${from + at}`, { title: `${from + at}` }),
  );

describe("a client", () => {
  let host: TestHost;
  before(async () => {
    host = await startTestHost();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });

  it("calls methods, also before it is connected, and throws what the host says is wrong", async () => {
    const client = host.client();
    const { sessions } = await client.call("session.list", {});
    assert.deepEqual(sessions, []);
    await assert.rejects(client.call("session.resume", { session_id: "ses_nope" }), (error: RpcError) => {
      assert.deepEqual([error instanceof RpcError, error.reason, error.status], [true, "session_not_found", 404]);
      return true;
    });
    assert.equal(client.ready?.log_id, host.log.logId);
  });

  it("G5: an aborted call fails at once and is cancelled on the host", async () => {
    const client = host.client();
    const abort = new AbortController();
    const before = host.waits.length;
    const call = client.call("process.wait", { process_id: "p" }, abort.signal);
    await until(() => host.waits.length > before, "the call's arrival");
    abort.abort();
    await assert.rejects(call, { name: "AbortError" });
    await until(() => host.waits[before]?.aborted === true, "the cancel");
  });

  it("S13: follows a session over restarts of the host: each event once, in order, for every follower", async () => {
    const client = host.client();
    const { session_id } = await client.call("session.create", {});
    const seen: number[][] = [[], [], []];
    const listen = (at: number) => (event: EventParams) => void seen[at]?.push(event.seq ?? 0);
    client.follow(session_id, 0, listen(0));
    await host.tell(session_id, titles(session_id, 0, 100));
    client.follow(session_id, 50, listen(1));
    await until(() => seen[1]?.length === 51, "the second's backlog");
    for (let round = 0; round < 3; round++) {
      const restarted = host.restart();
      await host.tell(session_id, titles(session_id, 100 + round * 50, 50));
      await restarted;
      if (round === 1) client.follow(session_id, 0, listen(2));
    }
    await until(() => seen.every((numbers) => numbers.at(-1) === 251), "all events at all followers");
    assert.deepEqual(
      seen[0],
      Array.from({ length: 251 }, (_, at) => at + 1),
    );
    assert.deepEqual(
      seen[1],
      Array.from({ length: 201 }, (_, at) => at + 51),
    );
    assert.deepEqual(seen[2], seen[0]);
  });

  it("tells a follower to start over where its number means nothing, and that a session is gone", async () => {
    const client = host.client();
    const { session_id } = await client.call("session.create", {});
    const seen: number[] = [];
    let resets = 0;
    client.follow(session_id, 5000, ({ seq }) => void seen.push(seq ?? 0), { onReset: () => void resets++ });
    await until(() => seen.length === 1, "the first event");
    assert.deepEqual([seen, resets], [[1], 1]);
    let reason = "";
    client.follow("ses_nope", 0, () => undefined, { onError: (error) => (reason = error.reason) });
    await until(() => reason !== "", "the error");
    assert.equal(reason, "session_not_found");
  });

  it("stops following when asked, and hears of the host's own events", async () => {
    const client = host.client();
    const hostEvents: string[] = [];
    using _listening = client.onHost((event) => hostEvents.push(event.type));
    const { session_id } = await client.call("session.create", {});
    const seen: number[] = [];
    const following = client.follow(session_id, 0, ({ seq }) => void seen.push(seq ?? 0));
    await until(() => seen.length === 1, "the first");
    following[Symbol.dispose]();
    await client.call("session.list", {});
    await host.tell(session_id, titles(session_id, 0, 5));
    await until(() => hostEvents.includes("session.listed"), "the host's event");
    assert.deepEqual(seen, [1]);
  });

  it("fails a call that was sent when its connection ended, and says that it may have been done", async () => {
    const client = host.client();
    const before = host.waits.length;
    const call = client.call("process.wait", { process_id: "p" });
    await until(() => host.waits.length > before, "the call's arrival");
    await Promise.all([host.restart(), assert.rejects(call, { reason: "disconnected" })]);
  });

  it("says what it is doing, gives up only where it was told to, and is over when closed", async () => {
    const states: string[] = [];
    const dead = new HearthClient({
      open: () => {
        throw new Error("no host");
      },
      reconnect: false,
      onState: (state, detail) => states.push(detail && "again" in detail ? `${state} ${detail.again}` : state),
    });
    await assert.rejects(dead.call("session.list", {}), { reason: "disconnected" });
    assert.deepEqual(states, ["connecting", "closed false"]);
    const client = host.client();
    const call = client.call("process.wait", { process_id: "p" });
    client.close();
    await assert.rejects(call, { reason: "disconnected" });
    await assert.rejects(client.call("session.list", {}), { reason: "disconnected" });
  });

  it("notices a gap, and asks again from where it is", async () => {
    const asked: unknown[] = [];
    let hear: (data: unknown) => void = () => undefined;
    const socket: WebSocketLike = {
      readyState: 1,
      binaryType: "arraybuffer",
      send: (text) => void asked.push(JSON.parse(String(text))),
      close: () => undefined,
      addEventListener: (type: string, listener: (event: never) => void) => {
        if (type === "message") hear = (data) => listener({ data: JSON.stringify(data) } as never);
      },
    };
    const client = new HearthClient({ open: () => socket });
    const event = (params: object) => hear({ jsonrpc: "2.0", method: "event", params });
    event({ type: "gateway.ready", payload: { log_id: "log", skin: { name: "x" }, build: "b", host_seq: 0 } });
    const seen: number[] = [];
    client.follow("ses_1", 4, ({ seq }) => void seen.push(seq ?? 0));
    const answer = async () => {
      hear({ jsonrpc: "2.0", id: (asked.at(-1) as { id: number }).id, result: { seq: 9 } });
      await new Promise(setImmediate);
    };
    event({ type: "session.info", session_id: "ses_1", seq: 5, payload: {} });
    await answer();
    for (const seq of [5, 7]) event({ type: "session.info", session_id: "ses_1", seq, payload: {} });
    await answer();
    for (const seq of [6, 6, 7, 5, 8]) event({ type: "session.info", session_id: "ses_1", seq, payload: {} });
    assert.deepEqual(seen, [5, 6, 7, 8]);
    assert.deepEqual(
      asked.map((frame) => (frame as { params: { after: number } }).params.after),
      [4, 5],
    );
    client.close();
  });
});
