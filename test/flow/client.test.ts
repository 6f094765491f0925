import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { HearthClient, RpcError } from "../../src/client/client.ts";
import { openTerminal } from "../../src/client/node.ts";
import { TerminalStream } from "../../src/client/terminal.ts";
import type { EventParams } from "../../src/protocol/events.ts";
import { newEvent } from "../../src/protocol/events.ts";
import { FakeChild, startTestHost, type TestHost, until } from "../support/gateway-host.ts";

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

  it("T9: a stream goes on at its byte when the host comes back, and ends with the terminal", async () => {
    const id = "term_000000000001";
    const shell = new FakeChild();
    host.children.set(id, shell);
    shell.spool.push("before ");
    let shown = "";
    const seen: string[] = [];
    const where = () => ({ url: host.gateway.address.url, token: host.token });
    const stream = new TerminalStream({
      open: (from) => openTerminal(where(), id, from),
      listener: {
        onBytes: (bytes, { replay }) => {
          shown += Buffer.from(bytes).toString();
          seen.push(replay ? "replay" : "live");
        },
        onReset: () => seen.push("reset"),
        onExit: ({ exit_code }) => seen.push(`exit ${exit_code}`),
        onConnection: (connected, over) => seen.push(connected ? "connected" : over ? "over" : "lost"),
      },
    });
    await until(() => shown === "before ", "the replay");
    await host.restart();
    shell.spool.push("after");
    await until(() => shown === "before after", "the rest");
    assert.equal(stream.send(Buffer.from("x")), true);
    await until(() => shell.written.length === 1, "the input");
    shell.exit({ exit_code: 0, signal: null, cause: "exited" });
    shell.spool.end();
    await until(() => seen.at(-1) === "over", "the end");
    assert.deepEqual(
      seen.filter((what, at) => what !== seen[at - 1]),
      ["connected", "reset", "replay", "lost", "connected", "live", "exit 0", "over"],
    );
  });
});
