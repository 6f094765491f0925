import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { FakeChild, startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import type { TerminalFrame } from "../protocol/frames.ts";

/** A viewer that keeps what it is shown. */
class Viewer {
  readonly frames: TerminalFrame[] = [];
  /** What is said and what is shown, in order. */
  readonly order: string[] = [];
  bytes = Buffer.alloc(0);
  from: number | undefined;
  closed: number | undefined;
  readonly ws: WebSocket;
  constructor(host: TestHost, id: string, from?: number, how = "") {
    const query = from === undefined ? `?${how}` : `?from=${from}`;
    const headers = { authorization: `Bearer ${host.token}` };
    const url = `${host.gateway.address.url.replace("http", "ws")}/api/terminals/${id}/socket${query}`;
    this.ws = new WebSocket(url, { headers });
    this.ws.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) {
        const frame = JSON.parse(String(data)) as TerminalFrame;
        this.frames.push(frame);
        this.order.push(frame.type);
        if (frame.type === "replay") this.bytes = Buffer.alloc(0);
        return;
      }
      const offset = Number(data.readBigUInt64BE());
      if (this.bytes.length === 0) this.from = offset;
      assert.equal(offset, (this.from ?? 0) + this.bytes.length, "bytes follow on");
      this.bytes = Buffer.concat([this.bytes, data.subarray(8)]);
      this.order.push("bytes");
    });
    this.ws.on("close", (code) => {
      this.closed = code;
    });
    this.ws.on("error", () => undefined);
  }
  said<T extends TerminalFrame["type"]>(type: T): Extract<TerminalFrame, { type: T }> | undefined {
    return this.frames.find((frame) => frame.type === type) as Extract<TerminalFrame, { type: T }> | undefined;
  }
}

describe("a terminal socket", () => {
  let host: TestHost;
  let next = 0;
  before(async () => {
    host = await startTestHost();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });
  function child(kind: "term" | "proc" = "term"): { id: string; child: FakeChild } {
    const made = new FakeChild();
    const id = `${kind}_${String(next++).padStart(12, "0")}`;
    host.children.set(id, made);
    return { id, child: made };
  }

  it("T7, T9: shows a new viewer the tail as replay, then what comes, and says where one becomes the other", async () => {
    const { id, child: shell } = child();
    const lines = Array.from({ length: 60_000 }, (_, at) => `line ${at}\n`).join("");
    shell.spool.push(lines);
    const viewer = new Viewer(host, id);
    await until(() => viewer.said("live") !== undefined, "the end of the replay");
    const snapshot = viewer.said("replay");
    assert.deepEqual([snapshot?.offset, snapshot?.rows, snapshot?.cols], [lines.length, 24, 80]);
    assert.equal(viewer.bytes.toString(), lines.slice(snapshot?.from));
    assert.ok(viewer.bytes.length > 250 * 1024 && viewer.bytes.length <= 256 * 1024);
    assert.match(viewer.bytes.toString(), /^line /);
    shell.spool.push("live");
    await until(() => viewer.bytes.toString().endsWith("live"), "the live bytes");
    assert.equal(viewer.order.indexOf("live"), viewer.order.lastIndexOf("live"));
    viewer.ws.close();
  });

  it("T9: gives one who comes back exactly the bytes since, none of them as replay", async () => {
    const { id, child: shell } = child();
    shell.spool.push("0123456789");
    const viewer = new Viewer(host, id, 4);
    await until(() => viewer.bytes.length === 6, "the rest");
    assert.deepEqual([viewer.bytes.toString(), viewer.from, viewer.order[0]], ["456789", 4, "live"]);
    viewer.ws.close();
  });

  it("T7: starts over with a snapshot where the bytes asked for are gone, or never were", async () => {
    const { id, child: shell } = child();
    shell.spool.push("a".repeat(1000));
    shell.spool.drop(500);
    for (const from of [100, 5000]) {
      const viewer = new Viewer(host, id, from);
      await until(() => viewer.said("replay") !== undefined && viewer.bytes.length === 500, "the snapshot");
      assert.equal(viewer.said("replay")?.from, 500);
      await until(() => viewer.order.includes("live"), "the end of the replay");
      viewer.ws.close();
    }
  });

  it("T8, N5: shows all viewers the same, and reads each piece once for those who keep up", async () => {
    const { id, child: shell } = child();
    const viewers = Array.from({ length: 20 }, () => new Viewer(host, id));
    await until(() => viewers.every((viewer) => viewer.said("live")), "all attached");
    const before = shell.spool.reads;
    let expected = "";
    for (let at = 0; at < 50; at++) {
      const text = `piece ${at} ${"z".repeat(2000)}\n`;
      expected += text;
      shell.spool.push(text);
      await until(() => viewers.every(({ bytes }) => bytes.length === expected.length), "the piece everywhere");
    }
    for (const viewer of viewers) assert.equal(viewer.bytes.toString(), expected);
    assert.ok(shell.spool.reads - before < 50 * 20, `${shell.spool.reads - before} reads`);
    for (const viewer of viewers) viewer.ws.close();
  });

  it("P11, T7: a viewer that does not read costs the others nothing and itself no byte", async () => {
    const { id, child: shell } = child();
    const [stuck, well] = [new Viewer(host, id), new Viewer(host, id)];
    await until(() => Boolean(stuck.said("live") && well.said("live")), "both attached");
    stuck.ws.pause();
    const chunk = Buffer.alloc(512 * 1024, "q");
    for (let at = 0; at < 24; at++) shell.spool.push(chunk);
    await until(() => well.bytes.length === 24 * chunk.length, "everything at the one that reads");
    assert.ok(stuck.bytes.length < 12 * chunk.length);
    stuck.ws.resume();
    await until(() => stuck.bytes.length === 24 * chunk.length, "everything at the other");
    for (const viewer of [stuck, well]) viewer.ws.close();
  });

  it("P11, T7: a viewer that is cut in the middle of much output keeps nobody else waiting", async () => {
    const { id, child: shell } = child();
    shell.spool.push(Buffer.alloc(4 * 1024 * 1024, "x"));
    for (let n = 0; n < 10; n++) {
      const cut = new Viewer(host, id, 0);
      await until(() => cut.bytes.length > 0, "its first bytes");
      shell.spool.push("y".repeat(100_000));
      cut.ws.terminate();
      await until(() => cut.closed !== undefined, "its end");
    }
    const viewer = new Viewer(host, id, shell.spool.length - 3);
    await until(() => viewer.bytes.toString() === "yyy", "the last bytes");
    viewer.ws.terminate();
  });

  it("T13: tells of titles and bells whoever gets the screen as it is, and of none whoever gets it as covered text", async () => {
    const { id, child: shell } = child();
    const [viewer, reader] = [new Viewer(host, id), new Viewer(host, id, undefined, "text=1")];
    await until(() => Boolean(viewer.said("live") && reader.said("live")), "both attached");
    assert.equal(shell.watchers.size, 1);
    const ring = (title: string | null, rang: boolean) => {
      for (const watcher of shell.watchers) watcher({ title, rang });
    };
    ring("one", false);
    // Before it could be told.
    ring("two", true);
    ring(null, false);
    await until(() => viewer.said("bell") !== undefined, "the bell");
    ring(null, true);
    shell.spool.push("end");
    shell.spool.end();
    shell.exit({ exit_code: 0, signal: null, cause: "exited" });
    await until(() => viewer.closed !== undefined && reader.closed !== undefined, "the end");
    const told = viewer.frames.filter(({ type }) => type === "title" || type === "bell");
    assert.deepEqual(told, [{ type: "title", title: "two" }, { type: "bell" }, { type: "bell" }]);
    assert.deepEqual(reader.order.slice(-3), ["live", "bytes", "exit"]);
    assert.equal(shell.watchers.size, 0);
  });

  it("T13: says how it ended after the last byte, and closes when no more can come", async () => {
    const { id, child: shell } = child();
    const viewer = new Viewer(host, id);
    await until(() => viewer.said("live") !== undefined, "attached");
    shell.spool.push("last words");
    shell.exit({ exit_code: 3, signal: null, cause: "exited" });
    await until(() => viewer.said("exit") !== undefined, "the exit");
    assert.deepEqual(viewer.said("exit"), { type: "exit", exit_code: 3, signal: null, cause: "exited" });
    assert.deepEqual([viewer.bytes.toString(), viewer.order.at(-1), viewer.closed], ["last words", "exit", undefined]);
    shell.spool.push(" of a straggler");
    shell.spool.end();
    await until(() => viewer.closed !== undefined, "the close");
    assert.deepEqual([viewer.closed, viewer.bytes.toString()], [closeCodes.done, "last words of a straggler"]);
    const late = new Viewer(host, id);
    await until(() => late.closed !== undefined, "the late one's close");
    assert.deepEqual([late.bytes.toString(), late.said("exit")?.exit_code], ["last words of a straggler", 3]);
  });

  it("says that output cannot be read where the disk has lost the end of it, and asks no more", async () => {
    const { id, child: program } = child("proc");
    program.spool.push("one ");
    program.spool.ahead = 4;
    program.spool.end();
    const viewer = new Viewer(host, id, 0);
    await until(() => viewer.closed !== undefined, "it is told");
    assert.deepEqual([viewer.bytes.toString(), viewer.closed], ["one ", closeCodes.internal]);
  });

  it("T4, T5: passes input on as bytes and in order, and tells all viewers of a new size", async () => {
    const { id, child: shell } = child();
    const [one, two] = [new Viewer(host, id), new Viewer(host, id)];
    await until(() => Boolean(one.said("live") && two.said("live")), "both attached");
    one.ws.send(Buffer.from([0x1b, 0xff, 0x00, 0xc3]), { binary: true });
    one.ws.send(JSON.stringify({ type: "resize", rows: 50, cols: 200 }));
    one.ws.send(Buffer.from("next"), { binary: true });
    await until(
      () => shell.written.length === 2 && two.frames.some((frame) => frame.type === "resize" && frame.rows === 50),
      "both",
    );
    assert.deepEqual(Buffer.concat(shell.written), Buffer.from([0x1b, 0xff, 0x00, 0xc3, ...Buffer.from("next")]));
    const resized = { type: "resize", rows: 50, cols: 200 };
    assert.deepEqual(one.frames.at(-1), { ...resized, yours: true });
    assert.deepEqual(two.frames.at(-1), { ...resized, yours: false });
    for (const viewer of [one, two]) viewer.ws.close();
  });

  it("F49, T5: says what was not taken, and what it does not understand, and stays", async () => {
    const { id, child: shell } = child();
    const viewer = new Viewer(host, id);
    await until(() => viewer.said("live") !== undefined, "attached");
    const errors = () => viewer.frames.flatMap((frame) => (frame.type === "error" ? [frame.reason] : []));
    shell.takes = 0;
    viewer.ws.send(Buffer.from("more than that"), { binary: true });
    viewer.ws.send("no json");
    viewer.ws.send('{"type":"format_disk"}');
    shell.exit({ exit_code: 0, signal: null, cause: "exited" });
    await until(() => errors().length === 3, "three errors");
    assert.deepEqual(errors(), ["input_cut", "parse_error", "invalid_params"]);
    assert.equal(viewer.closed, undefined);
    viewer.ws.close();
  });

  it("P34: serves a process by its id too, and says of an unknown id that there is none", async () => {
    const { id, child: shell } = child("proc");
    shell.spool.push("output");
    const viewer = new Viewer(host, id);
    await until(() => viewer.bytes.toString() === "output", "the output");
    viewer.ws.close();
    for (const unknown of ["term_nope", "proc_nope", "%00", "%zz"]) {
      const none = new Viewer(host, unknown);
      await until(() => none.closed !== undefined, "the close");
      assert.equal(none.closed, closeCodes.not_found, unknown);
      assert.equal(none.frames[0]?.type, "error");
    }
  });
});
