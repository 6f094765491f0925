// Those who leave, or break off, at the worst moment: nothing of them stays, and the host neither ends nor waits for them.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { FakeChild, startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";

/** A client that speaks WebSocket no further than it is told to. */
async function upgraded(host: TestHost, path: string): Promise<Socket> {
  const socket = await host.dial();
  const lines = [
    `GET ${path} HTTP/1.1`,
    `host: ${new URL(host.gateway.address.url).host}`,
    `authorization: Bearer ${host.token}`,
    ...["upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13"],
    `sec-websocket-key: ${Buffer.alloc(16).toString("base64")}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(String(answer), /^HTTP\/1.1 101 /);
  return socket;
}

describe("a client that leaves at a bad moment", () => {
  it("G15: after a session too many for one connection is told so, and nobody else notices", async () => {
    await using host = await startTestHost();
    const headers = { authorization: `Bearer ${host.token}` };
    const ws = new WebSocket(`${host.gateway.address.url.replace("http", "ws")}/api/ws`, { headers });
    const answers = new Map<number, { error?: { data: { reason: string } } }>();
    ws.on("message", (data) => {
      const frame = JSON.parse(String(data)) as { id?: number; error?: { data: { reason: string } } };
      if (frame.id !== undefined) answers.set(frame.id, frame);
    });
    await once(ws, "open");
    const create = (id: number) =>
      ws.send(JSON.stringify({ jsonrpc: "2.0", id, method: "session.create", params: {} }));
    // All at once, so that none of them was followed yet when the last one is looked at.
    for (let id = 1; id <= 203; id++) create(id);
    await until(() => answers.size === 203, "all answers");
    create(204);
    await until(() => answers.size === 204, "the last answer");
    assert.equal(answers.get(204)?.error?.data.reason, "too_many");
    assert.equal(answers.get(203)?.error, undefined);
    ws.close();
  });

  it("S16, F33: before its event stream begins leaves no follower behind", async () => {
    await using host = await startTestHost();
    const { log } = host;
    const [asked, may] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const begun = Promise.withResolvers<ServerResponse>();
    const onRequest = (message: unknown) => begun.resolve((message as { response: ServerResponse }).response);
    const [head, follow] = [log.head.bind(log), log.follow.bind(log)];
    log.head = async (stream) => {
      asked.resolve();
      await may.promise;
      return head(stream);
    };
    const followed = Promise.withResolvers<AbortSignal>();
    log.follow = (stream, after, signal) => {
      followed.resolve(signal);
      return follow(stream, after, signal);
    };
    subscribe("http.server.request.start", onRequest);
    const socket = await host.dial();
    socket.write(
      `GET /api/events HTTP/1.1\r\nhost: ${new URL(host.gateway.address.url).host}\r\nauthorization: Bearer ${host.token}\r\n\r\n`,
    );
    const response = await begun.promise;
    unsubscribe("http.server.request.start", onRequest);
    await asked.promise;
    const closed = once(response, "close");
    socket.resetAndDestroy();
    await closed;
    may.resolve();
    assert.ok((await followed.promise).aborted);
  });

  it("T7: while a screen is drawn for it is not waited for until the terminal prints again", async () => {
    await using host = await startTestHost();
    const id = "term_000000000000";
    const shell = new FakeChild();
    host.children.set(id, Object.assign(shell, { drawn: { id } }));
    const [asked, drawn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const snapshot = async () => {
      asked.resolve();
      await drawn.promise;
      return { offset: 0, frame: Buffer.from("{}") };
    };
    Object.assign(host.services.terminals, { snapshot });
    const waits: AbortSignal[] = [];
    const grown = shell.spool.grown.bind(shell.spool);
    shell.spool.grown = (after, signal) => {
      waits.push(signal);
      return grown(after, signal);
    };
    const socket = await upgraded(host, `/api/terminals/${id}/socket?from=0`);
    await until(() => waits.length > 0, "it waits for output");
    const text = JSON.stringify({ type: "history" });
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
    await asked.promise;
    socket.resetAndDestroy();
    await until(() => host.lines.some(({ msg }) => msg === "viewer ended"), "its end is known");
    drawn.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(waits.every((signal) => signal.aborted));
  });
});

describe("a host that stops", () => {
  /** Nothing that a test could wait for tells how long it would have taken: without a cut these wait for half a minute. */
  const soon = { timeout: 15_000 };
  const closes = async (t: TestContext, host: TestHost, socket: Socket) => {
    t.after(() => socket.destroy());
    await host.gateway.close();
  };

  it("F33: does not wait for a viewer of something that is not there, who does not say goodbye", soon, async (t) => {
    await using host = await startTestHost();
    await closes(t, host, await upgraded(host, "/api/terminals/term_000000000000/socket"));
  });

  it("F33: does not wait for a viewer who was told of the end and does not say goodbye", soon, async (t) => {
    await using host = await startTestHost();
    const shell = new FakeChild();
    host.children.set("term_000000000000", shell);
    const socket = await upgraded(host, "/api/terminals/term_000000000000/socket");
    let heard = "";
    socket.on("data", (data: Buffer) => {
      heard += String(data);
    });
    shell.exit({ exit_code: 0, signal: null, cause: "exited" });
    shell.spool.end();
    await until(() => heard.includes('"type":"exit"'), "the exit frame");
    await closes(t, host, socket);
  });

  it(
    "P14: tells who waits for a process over HTTP that the wait was interrupted, before it hangs up",
    soon,
    async () => {
      await using host = await startTestHost();
      const waits = [1, 2, 3].map(() => host.rpc("process.wait", { process_id: "proc_aaaaaaaaaaaa" }));
      await until(() => host.waits.length === 3, "all wait");
      await host.gateway.close();
      for (const { result } of await Promise.all(waits))
        assert.equal((result as { status: string }).status, "interrupted");
    },
  );

  it("F37: is not disturbed by a frame that breaks the protocol in that very moment", soon, async (t) => {
    await using host = await startTestHost();
    const socket = await upgraded(host, "/api/ws");
    await until(() => host.gateway.clients() === 1, "it is connected");
    const closing = closes(t, host, socket);
    socket.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
    await closing;
  });
});
