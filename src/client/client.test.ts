import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HearthClient, type WebSocketLike } from "./client.ts";

describe("a client that follows a session", () => {
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
