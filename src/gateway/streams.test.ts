import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FakeChild, startTestHost, type TestHost, UNREADABLE, until } from "../../test/support/gateway-host.ts";
import { newEvent } from "../protocol/events.ts";

interface Message {
  id: number;
  event: string;
  data: Record<string, unknown>;
}
/** One reader of server-sent events. */
class Reader {
  readonly messages: Message[] = [];
  comments = 0;
  ended = false;
  readonly #stop = new AbortController();
  status = 0;
  body: Record<string, unknown> | undefined;
  type = "";

  constructor(host: TestHost, path: string, headers: Record<string, string> = {}) {
    void this.#read(host, path, headers);
  }
  async #read(host: TestHost, path: string, headers: Record<string, string>): Promise<void> {
    const auth = { authorization: `Bearer ${host.token}` };
    const answer = await fetch(host.gateway.address.url + path, {
      headers: { ...auth, ...headers },
      signal: this.#stop.signal,
    });
    this.type = answer.headers.get("content-type") ?? "";
    this.status = answer.status;
    if (answer.status !== 200) {
      this.body = (await answer.json()) as Record<string, unknown>;
      return;
    }
    let text = "";
    try {
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
          this.#take(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    } catch {
      // Stopped by the test, or cut off by the host: `ended` says so.
    }
    this.ended = true;
  }
  #take(block: string): void {
    if (block.startsWith(":")) {
      this.comments++;
      return;
    }
    const fields = Object.fromEntries(
      block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    this.messages.push({ id: Number(fields.id), event: fields.event ?? "", data: JSON.parse(fields.data ?? "null") });
  }
  get ids(): number[] {
    return this.messages.map(({ id }) => id);
  }
  stop(): void {
    this.#stop.abort();
  }
}

describe("streams over HTTP", () => {
  let host: TestHost;
  before(async () => {
    host = await startTestHost();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(host.gateway.address.url + path, { headers: { authorization: `Bearer ${host.token}`, ...headers } });
  const post = (path: string, body: unknown) =>
    fetch(host.gateway.address.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${host.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const newSession = async () =>
    String(((await host.rpc("session.create", {})).result as { session_id: string }).session_id);
  const titles = (session: string, from: number, count: number) =>
    Array.from({ length: count }, (_, at) =>
      newEvent("session.info", `${session}:${from + at}`, { title: `${from + at}\n` }),
    );

  it("S13: sends every event after a number, each with it, then live ones, to any number of readers", async () => {
    const session = await newSession();
    await host.tell(session, titles(session, 0, 40));
    const all = new Reader(host, `/api/events?session_id=${session}`);
    const some = new Reader(host, `/api/events?session_id=${session}&after=30`);
    const header = new Reader(host, `/api/events?session_id=${session}&after=3`, { "last-event-id": "39" });
    await until(() => all.messages.length === 41 && some.messages.length === 11, "what was there");
    await host.tell(session, titles(session, 40, 5));
    const readers = [all, some, header];
    await until(() => readers.every(({ ids }) => ids.at(-1) === 46), "the live ones");
    assert.deepEqual(
      all.ids,
      Array.from({ length: 46 }, (_, at) => at + 1),
    );
    assert.deepEqual(
      some.ids,
      Array.from({ length: 16 }, (_, at) => at + 31),
    );
    assert.deepEqual(header.ids, [40, 41, 42, 43, 44, 45, 46]);
    const [last] = all.messages.slice(-1);
    assert.equal(last?.event, "session.info");
    const { type, session_id, seq, payload, time } = last?.data ?? {};
    assert.deepEqual(
      [type, session_id, seq, payload, typeof time],
      ["session.info", session, 46, { title: "44\n" }, "number"],
    );
    for (const reader of readers) reader.stop();
  });

  it("answers before the stream begins where it cannot: unknown session, a number from another log, nonsense", async () => {
    const session = await newSession();
    for (const [path, status, reason] of [
      ["/api/events?session_id=ses_nope", 404, "session_not_found"],
      [`/api/events?session_id=${session}&after=99`, 410, "cursor_gone"],
      [`/api/events?session_id=${session}&after=-1`, 400, "invalid_params"],
      ["/api/chat/stream?stream_id=turn_nope", 404, "turn_not_found"],
      ["/api/chat/stream", 400, "invalid_params"],
    ] as const) {
      const reader = new Reader(host, path);
      await until(() => reader.body !== undefined, path);
      assert.deepEqual([reader.status, reader.body?.reason], [status, reason], path);
      assert.match(reader.type, /^application\/problem\+json/);
    }
  });

  it("sends the host's own stream where no session is named", async () => {
    const reader = new Reader(host, "/api/events");
    const session = await newSession();
    await until(() => reader.messages.some(({ data }) => JSON.stringify(data).includes(session)), "the new session");
    reader.stop();
  });

  it("S16, F33: forgets readers that leave, and ends all streams when the host stops", async () => {
    const session = await newSession();
    const readers = Array.from({ length: 5 }, () => new Reader(host, `/api/events?session_id=${session}`));
    await until(() => readers.every(({ messages }) => messages.length > 0), "all begun");
    readers[0]?.stop();
    await host.tell(session, titles(session, 0, 200));
    await until(() => readers.slice(1).every(({ messages }) => messages.length === 201), "the others");
    await host.restart();
    await until(() => readers.every(({ ended }) => ended), "all ended");
  });

  const turnEvents = (turn_id: string) => {
    const message = { turn_id, message_id: "msg_1" };
    const call = { turn_id, call_id: "call_1", name: "terminal" };
    const args = { command: "c".repeat(200), b: 2, c: [3], d: null, e: "fifth" };
    let n = 0;
    const id = () => `${turn_id}:${n++}`;
    return [
      newEvent("turn.started", id(), { turn_id, notices: [], workspace: "/", model: "m" }),
      newEvent("reasoning.delta", id(), { ...message, text: "hm" }),
      newEvent("message.delta", id(), { ...message, text: "Hel" }),
      newEvent("message.delta", id(), { turn_id: "turn_other", message_id: "msg_9", text: "not mine" }),
      newEvent("message.delta", id(), { ...message, text: "lo" }),
      newEvent("message.complete", id(), {
        ...message,
        text: "Hello",
        tool_calls: [],
        finish: "tool_calls",
        model: "m",
      }),
      newEvent("approval.request", id(), {
        ...call,
        request_id: "req_1",
        arguments: args,
        preview: "run c",
        reason: "runs",
        choices: ["once", "deny"],
      }),
      newEvent("approval.settled", id(), { turn_id, call_id: "call_1", request_id: "req_1", choice: "once" }),
      newEvent("tool.start", id(), { ...call, arguments: args, preview: "run c" }),
      newEvent("tool.complete", id(), {
        ...call,
        status: "ok",
        result: '{"output":"done"}',
        duration_ms: 5,
        notices: [],
      }),
      newEvent("session.info", id(), { title: "Hello" }),
      newEvent("usage", id(), { turn_id, model: "m", input_tokens: 3, output_tokens: 2, cached_tokens: 0 }),
      newEvent("usage", id(), { turn_id, model: "m", input_tokens: 4, output_tokens: 1, cached_tokens: 0 }),
    ];
  };

  it("S12: streams a turn under the seeds' names and ends after its last event", async () => {
    const session = await newSession();
    const started = (await (await post("/api/chat/start", { session_id: session, message: "hello" })).json()) as {
      stream_id: string;
    };
    assert.deepEqual(host.prompts.at(-1), { session_id: session, text: "hello" });
    const reader = new Reader(host, `/api/chat/stream?stream_id=${started.stream_id}`);
    await host.tell(session, turnEvents(started.stream_id));
    await host.tell(session, [newEvent("turn.ended", "e1", { turn_id: started.stream_id, status: "done" })]);
    await until(() => reader.ended, "the end");
    const names = reader.messages.map(({ event }) => event);
    const expected = "reasoning token token approval approval.settled tool tool_result title usage usage done".split(
      " ",
    );
    assert.deepEqual(names, expected);
    const of = (name: string) => reader.messages.find(({ event }) => event === name)?.data ?? {};
    assert.deepEqual(of("tool").args, { command: `${"c".repeat(120)}...`, b: "2", c: "[3]", d: "null" });
    assert.deepEqual([of("tool_result").snippet, of("tool_result").status], ["done", "ok"]);
    assert.equal(of("approval").request_id, "req_1");
    const { session: whole, usage } = of("done") as { session: Record<string, unknown[]>; usage: unknown };
    assert.deepEqual(usage, { input_tokens: 7, output_tokens: 3, cached_tokens: 0 });
    assert.equal(whole.messages?.length, 3);
    assert.deepEqual(whole.tool_calls, [
      {
        name: "terminal",
        snippet: "out",
        tid: "call_1",
        assistant_msg_idx: 1,
        args: { command: `${"x".repeat(120)}...` },
      },
    ]);
  });

  it("S13: resumes a turn's stream in its middle and after its end, over a restart, without losing what it adds up", async () => {
    const session = await newSession();
    const { stream_id } = (await (await post("/api/chat/start", { session_id: session, message: "x" })).json()) as {
      stream_id: string;
    };
    await host.tell(session, turnEvents(stream_id));
    await host.tell(session, [newEvent("turn.ended", "e2", { turn_id: stream_id, status: "done" })]);
    const whole = new Reader(host, `/api/chat/stream?stream_id=${stream_id}`);
    await until(() => whole.ended, "the end");
    await host.restart();
    for (const at of [0, 3, whole.messages.length - 1]) {
      const rest = new Reader(host, `/api/chat/stream?stream_id=${stream_id}`, {
        "last-event-id": String(whole.ids[at]),
      });
      await until(() => rest.ended, "the rest");
      assert.deepEqual(rest.messages, whole.messages.slice(at + 1));
    }
  });

  it("S12, S8: ends with cancel or a typed error where the turn did", async () => {
    for (const [end, name] of [
      [{ status: "cancelled" }, "cancel"],
      [{ status: "failed", error: { type: "rate_limit", message: "slow down", hint: "wait" } }, "apperror"],
      [{ status: "interrupted" }, "apperror"],
    ] as const) {
      const session = await newSession();
      const { stream_id } = (await (await post("/api/chat/start", { session_id: session, message: "x" })).json()) as {
        stream_id: string;
      };
      await host.tell(session, [newEvent("turn.ended", `${stream_id}:e`, { turn_id: stream_id, ...end })]);
      const reader = new Reader(host, `/api/chat/stream?stream_id=${stream_id}`);
      await until(() => reader.ended, name);
      assert.deepEqual(
        reader.messages.map(({ event }) => event),
        [name],
      );
      if ("error" in end) assert.deepEqual(reader.messages[0]?.data, end.error);
    }
  });

  it("S15: says `done` after the turn's end is saved, and an error where what was saved cannot be read", async () => {
    const { session_id } = (await host.rpc("session.create", { workspace: UNREADABLE })).result as {
      session_id: string;
    };
    const { stream_id } = (await (await post("/api/chat/start", { session_id, message: "x" })).json()) as {
      stream_id: string;
    };
    const reader = new Reader(host, `/api/chat/stream?stream_id=${stream_id}`);
    await host.tell(session_id, turnEvents(stream_id));
    await until(() => reader.messages.at(-1)?.event === "usage", "all but the end");
    await host.tell(session_id, [newEvent("turn.ended", "e3", { turn_id: stream_id, status: "done" })]);
    await until(() => reader.ended, "the end");
    const last = reader.messages.at(-1);
    assert.deepEqual([last?.event, last?.data.type, last?.data.message], ["apperror", "error", "The disk has failed."]);
  });

  it("S7: answers a cancel of an unknown turn with false, and of a wrong body with the field", async () => {
    const unknown = await post("/api/chat/cancel", { stream_id: "turn_nope" });
    assert.deepEqual(await unknown.json(), { ok: true, cancelled: false, stream_id: "turn_nope" });
    const wrong = await post("/api/chat/start", { session_id: "x" });
    assert.deepEqual([wrong.status, ((await wrong.json()) as { field: string }).field], [400, "message"]);
  });

  it("P8: serves raw output from an offset, with its range, so that no browser renders it", async () => {
    const child = new FakeChild();
    host.children.set("proc_out", child);
    child.spool.push("<script>0123456789");
    const answer = await get("/api/processes/proc_out/output?from=8");
    assert.equal(await answer.text(), "0123456789");
    const header = (name: string) => answer.headers.get(name);
    assert.deepEqual([answer.status, header("content-range")], [200, "bytes 8-17/*"]);
    assert.deepEqual(
      [header("content-type"), header("x-content-type-options"), header("content-disposition")],
      ["application/octet-stream", "nosniff", "attachment"],
    );
    assert.match(header("content-security-policy") ?? "", /^sandbox/);
    child.spool.drop(4);
    const gone = await get("/api/processes/proc_out/output?from=0");
    const problem = (await gone.json()) as { first_kept: number };
    assert.deepEqual([gone.status, problem.first_kept, gone.headers.get("content-range")], [416, 4, "bytes */18"]);
    assert.equal(await (await get("/api/processes/proc_out/output")).text(), "ipt>0123456789");
    assert.equal((await get("/api/processes/proc_nope/output")).status, 404);
  });

  it("streams raw output to its end with follow", async () => {
    const child = new FakeChild();
    host.children.set("term_out", child);
    child.spool.push("one ");
    const reading = get("/api/processes/term_out/output?follow=1").then((answer) => answer.text());
    await until(() => child.spool.reads > 0, "the first read");
    child.spool.push("two ");
    await until(() => child.spool.reads > 1, "the second");
    child.spool.push("three");
    child.spool.end();
    assert.equal(await reading, "one two three");
  });

  it("F20: waits for output that a full disk does not have yet, and holds up nobody meanwhile", async () => {
    const child = new FakeChild();
    host.children.set("proc_behind", child);
    child.spool.push("one ");
    child.spool.ahead = 4;
    const reading = get("/api/processes/proc_behind/output?follow=1").then((answer) => answer.text());
    await until(() => child.spool.reads > 1, "it has asked for what is not there");
    assert.equal(await (await get("/api/processes/proc_behind/output?from=8")).text(), "", "others are answered");
    child.spool.ahead = 0;
    child.spool.push("two ");
    child.spool.end();
    assert.equal(await reading, "one two ");
  });

  it("breaks output off, and never calls it whole, where the disk has lost the end of it", async () => {
    const child = new FakeChild();
    host.children.set("proc_short", child);
    child.spool.push("one ");
    child.spool.ahead = 4;
    child.spool.end();
    for (const query of ["", "?follow=1"])
      await assert.rejects(get(`/api/processes/proc_short/output${query}`).then((answer) => answer.text()));
  });

  it("answers a JSON-RPC call over HTTP with 200, errors too, and an address for WebSocket with 426", async () => {
    const wrong = await post("/api/rpc", { jsonrpc: "2.0", id: 5, method: "nope" });
    assert.deepEqual([wrong.status, ((await wrong.json()) as { error: { code: number } }).error.code], [200, -32601]);
    const note = await post("/api/rpc", { jsonrpc: "2.0", method: "session.list" });
    assert.equal(note.status, 204);
    assert.equal((await get("/api/ws")).status, 426);
    assert.equal((await get("/api/nothing")).status, 404);
  });

  it("says how it stands at /metrics", async () => {
    const text = await (await get("/metrics")).text();
    assert.match(text, /^hearth_clients \d+$/m);
    assert.match(text, /^hearth_rpc_requests_total\{label="session\.create"\} \d+$/m);
  });
});
