// What a client of server-sent events sees of a turn and of a session while hosts die under it, and what it costs others.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EventParams } from "../../src/protocol/events.ts";
import { EventSourceClient } from "../support/event-source.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const words = (count: number): string => Array.from({ length: count }, (_, n) => `w${n}`).join(" ");

describe("streams of a host that is killed", () => {
  let host: RunningHost;
  let workspace: string;
  before(async () => {
    workspace = await mkdtemp(join(tmpdir(), "hearth-streams-"));
    host = await RunningHost.start();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(workspace, { recursive: true, force: true });
  });

  async function start(session_id: string, message: string): Promise<string> {
    const response = await host.fetch("/api/chat/start", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ session_id, message }),
    });
    assert.equal(response.status, 200);
    const { stream_id } = (await response.json()) as { stream_id: string };
    return stream_id;
  }

  it("S12, S13, S14: a turn's stream goes on after the last event seen, over restarts: each once, in order, none taken back", async () => {
    const { session_id } = await rpc(host, "session.create", { workspace });
    const message = `run sleep 0.3; echo ran >> ran; echo out\nsay ${words(60)}\nwait 1\nsay the end`;
    const stream_id = await start(session_id, message);
    const path = `/api/chat/stream?stream_id=${stream_id}`;
    const clients = [new EventSourceClient(host, path), new EventSourceClient(host, path)];
    const following = clients.map((client) => client.follow());
    const [first] = clients;
    assert.ok(first);
    // In the tool, twice in the middle of an answer, and while it waits.
    for (const said of ['"name":"terminal"', '"w5 "', '"w30 "', '"w59"']) {
      const moment = new EventSourceClient(host, path);
      await moment.follow((event) => JSON.stringify(event.data).includes(said));
      await host.kill9();
      await host.restart();
    }
    await Promise.all(following);
    assert.ok(first.breaks > 0);
    assert.deepEqual(clients[1]?.events, first.events);
    const ids = first.events.map((event) => event.id);
    assert.deepEqual(
      ids,
      [...new Set(ids)].toSorted((a, b) => a - b),
      "each once, in order",
    );
    const late = new EventSourceClient(host, path);
    await late.follow();
    assert.deepEqual(late.events, first.events, "what was seen is still there");
    const resumed = new EventSourceClient(host, `${path}&after=${ids[4]}`);
    await resumed.follow();
    assert.deepEqual(resumed.events, first.events.slice(5));
    const after = new EventSourceClient(host, `${path}&after=${ids.at(-1)}`);
    await after.follow();
    assert.deepEqual(after.events, []);

    const names = first.events.map((event) => event.name);
    assert.equal(names.at(-1), "done");
    assert.equal(names.filter((name) => ["done", "apperror", "cancel"].includes(name)).length, 1);
    // A message that was cut is named as dropped; what is left is what the person is told, once.
    const of = (name: string) => first.events.filter((event) => event.name === name).map((event) => event.data);
    const dropped = new Set(of("message.dropped").map((data) => (data as { message_id: string }).message_id));
    const tokens = of("token") as { message_id: string; text: string }[];
    const kept = tokens.filter((token) => !dropped.has(token.message_id));
    assert.equal(kept.map((token) => token.text).join(""), `${words(60)}Waited 1 s.the end`);
    assert.equal(of("tool").length, of("tool_result").length);
  });

  it("S15: whoever has seen `done` finds all of it in the next host, though this one was killed that very moment", async () => {
    const { session_id } = await rpc(host, "session.create", { workspace });
    const stream_id = await start(session_id, "run echo saved\nsay it is all there");
    const client = new EventSourceClient(host, `/api/chat/stream?stream_id=${stream_id}`);
    await client.follow((event) => event.name === "done");
    await host.kill9();
    const done = client.events.at(-1)?.data as { session: { messages: { role: string; content: string }[] } };
    await host.restart();
    const { messages } = await rpc(host, "session.history", { session_id });
    const told = messages.map(({ role, text }) => ({ role, content: text }));
    assert.deepEqual(
      done.session.messages.map(({ role, content }) => ({ role, content })),
      told,
    );
    assert.deepEqual(told.at(-1), { role: "assistant", content: "it is all there" });
    const events = new EventSourceClient(host, `/api/events?session_id=${session_id}`);
    await events.follow((event) => event.name === "turn.ended");
    assert.deepEqual(
      events.events.map((event) => event.id),
      Array.from({ length: events.events.length }, (_, n) => n + 1),
    );
  });

  it("S13: a session's and the host's events come after the number asked for, dense, each with it, over restarts", async () => {
    const { session_id } = await rpc(host, "session.create", { workspace });
    const session = new EventSourceClient(host, `/api/events?session_id=${session_id}&after=1`);
    const following = session.follow((event) => event.name === "turn.ended");
    const hosts = new EventSourceClient(host, "/api/events");
    let listed = false;
    let later = 0;
    const restarts = hosts.follow((event) => {
      const { payload } = event.data as { payload: { change?: string; session_id?: string } };
      if (event.name === "session.listed" && payload.session_id === session_id) listed = true;
      if (listed && event.name === "host.started") later++;
      return later === 2;
    });
    await rpc(host, "prompt.submit", { session_id, text: `say ${words(40)}` });
    for (let kill = 0; kill < 2; kill++) {
      await host.kill9();
      await host.restart();
    }
    await Promise.all([following, restarts]);
    for (const [at, event] of session.events.entries()) {
      const params = event.data as EventParams;
      assert.deepEqual(
        [event.id, params.seq, params.type, params.session_id],
        [at + 2, at + 2, event.name, session_id],
      );
    }
    for (const [at, event] of hosts.events.entries()) assert.equal(event.id, at + 1);
  });
});

describe("clients that read nothing", () => {
  /** Asks and never reads the answer. */
  async function deaf(host: RunningHost, path: string): Promise<Socket> {
    const socket = connect(Number(new URL(host.address).port), "127.0.0.1");
    await once(socket, "connect");
    socket.pause();
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: ${new URL(host.address).host}`,
      `Authorization: Bearer ${await host.token()}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    socket.on("error", () => undefined); // given up by the host: what it is about
    return socket;
  }

  it("S16, P11: slow neither a turn, nor a process, nor anybody else, and cost the host no memory to speak of", async () => {
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", {});
    const { process_id } = await client.call("process.start", {
      argv: ["sh", "-c", "read go; head -c 50000000 /dev/zero; exit 4"],
      session_id,
    });
    const before = (await rpc(host, "host.status", {})).memory_bytes;
    const paths = [
      `/api/events?session_id=${session_id}&after=0`,
      `/api/processes/${process_id}/output?from=0&follow=1`,
    ];
    const sockets = await Promise.all(Array.from({ length: 20 }, (_, n) => deaf(host, paths[n % 2] ?? "")));
    using watched = new Watched(client, session_id);
    await client.call("process.submit", { process_id, data: "" });
    const { stream_id } = await client.call("prompt.submit", { session_id, text: `say ${"x".repeat(900_000)}` });
    const turn = new EventSourceClient(host, `/api/chat/stream?stream_id=${stream_id}`);
    await Promise.all([turn.follow(), watched.seen("turn.ended"), watched.seen("process.closed")]);
    assert.equal(turn.events.at(-1)?.name, "done");
    assert.equal((await client.call("process.poll", { process_id })).exit_code, 4);
    const output = await host.fetch(`/api/processes/${process_id}/output?from=0`);
    assert.equal((await output.arrayBuffer()).byteLength, 50_000_000);
    const grown = (await rpc(host, "host.status", {})).memory_bytes - before;
    // Were what they do not read kept for them, it would be 10 × 50 MB and more.
    assert.ok(grown < 250_000_000, `${grown} bytes`);
    for (const socket of sockets) socket.destroy();
  });
});
