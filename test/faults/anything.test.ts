import assert from "node:assert/strict";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { RunningHost } from "../support/running-host.ts";

const SECONDS = Number(process.env.HEARTH_ROUNDS_SECONDS ?? 6);
const prompts = ["run echo hi", "run sleep 0.2\nsay done", "start echo a; sleep 0.3", "say a b c d e", "ask what?"];
const scripts = ["echo a; sleep 0.1", "sleep 5", "cat", "seq 1 2000", "exit 3"];
const upgrade = [
  ...["upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13"],
  `sec-websocket-key: ${Buffer.alloc(16).toString("base64")}`,
];

describe("a host of which anything is asked at any moment", () => {
  it("F33, F37, F43: outlives whoever asks, cancels, breaks off and leaves in the middle, and owes nobody an answer", async () => {
    await using host = await RunningHost.start({ SHELL: "/bin/sh" });
    const ended = host.ended().then((code) => `it ended with ${code}: ${host.complaints}`);
    const [client, token] = [await host.client(), await host.token()];
    const { port, host: name } = new URL(host.address);
    const [sessions, processes, shells]: [string[], string[], string[]] = [[], [], []];
    const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(Math.random() * of.length)];
    const anyOf = (of: readonly string[]): string => one(of) ?? "none";
    let open = 0;

    /** Sends it, and is gone in one way or another at some moment. */
    const leave = (lines: readonly string[], then: Uint8Array = Buffer.alloc(0)): void => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined).on("data", () => undefined);
      socket.write([...lines, `host: ${name}`, `authorization: Bearer ${token}`, "", ""].join("\r\n"));
      socket.write(then);
      const ways = [() => socket.destroy(), () => socket.resetAndDestroy(), () => socket.end(), () => socket.pause()];
      setTimeout(() => one(ways)?.(), Math.random() * 40);
      setTimeout(() => socket.destroy(), 2_000).unref();
    };
    const session = () => anyOf(sessions);
    const either = () => anyOf([...processes, ...shells]);
    const things: (() => unknown)[] = [
      async () => sessions.push((await client.call("session.create", { workspace: tmpdir() })).session_id),
      () => client.call("prompt.submit", { session_id: session(), text: anyOf(prompts), mode: "queue" }),
      () => client.call("prompt.submit", { session_id: session(), text: anyOf(prompts), mode: "steer" }),
      () => client.call("prompt.submit", { session_id: session(), text: anyOf(prompts), mode: "interrupt" }),
      () => client.call("session.interrupt", { session_id: session() }),
      () => client.call("session.interrupt", { session_id: session() }),
      () => sessions.length > 6 && client.call("session.delete", { session_id: sessions.shift() ?? "", end: true }),
      async () => {
        const argv = ["sh", "-c", anyOf(scripts)];
        const mode = one(["pipe", "pty"] as const) ?? "pipe";
        processes.push((await client.call("process.start", { argv, mode, session_id: session() })).process_id);
      },
      () => client.call("process.kill", { process_id: anyOf(processes), grace: 0.1 }),
      () => client.call("process.write", { process_id: anyOf(processes), data: "x\n" }),
      () => client.call("process.wait", { process_id: anyOf(processes), timeout: 1 }),
      async () => {
        const opened = await client.call("terminal.open", { session_id: session(), restart: Math.random() < 0.5 });
        shells.push(opened.terminal_id);
      },
      () => client.call("terminal.close", { terminal_id: shells.shift() ?? "none" }),
      () => client.call("terminal.resize", { terminal_id: anyOf(shells), rows: 20, cols: 40 }),
      () => leave([`GET /api/events?session_id=${session()} HTTP/1.1`]),
      () => leave(["GET /api/ws HTTP/1.1", ...upgrade], Buffer.from([0x81, 0xfe, 9, 9, 1, 2, 3, 4, 9])),
      () => leave(["GET /api/ws HTTP/1.1", ...upgrade], Buffer.from([0xff, 0x80, 0, 0, 0, 0])),
      () =>
        leave([`GET /api/terminals/${either()}/socket HTTP/1.1`, ...upgrade], Buffer.from([0x82, 0x81, 0, 0, 0, 0, 9])),
      () => leave([`GET /api/processes/${either()}/output?follow=1 HTTP/1.1`]),
      () =>
        leave(["POST /api/rpc HTTP/1.1", "content-type: application/json", "content-length: 500"], Buffer.alloc(99)),
    ];
    const ask = async (thing: (() => unknown) | undefined): Promise<void> => {
      open++;
      try {
        await thing?.();
      } catch {
        // Refused, as much of it must be: what counts is that it is answered.
      } finally {
        open--;
      }
    };
    for (const end = performance.now() + SECONDS * 1000; performance.now() < end; await delay(8))
      for (let n = 0; n < 4; n++) void ask(one(things));
    await Promise.race([eventually("all are answered", () => open === 0), ended.then(assert.fail)]);
    assert.equal((await client.call("host.status", {})).pid, host.pid);
  });
});
