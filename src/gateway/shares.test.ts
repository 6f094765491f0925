// Links to watch, over a real gateway: what they show, and everything that they refuse.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { FakeChild, startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import type { TerminalFrame } from "../protocol/frames.ts";
import { methods } from "../protocol/methods.ts";
import { Shares } from "./shares.ts";

interface Made {
  share_id: string;
  url: string;
  terminal_id: string | null;
  expires_at: number;
}

/** A WebSocket that keeps what it hears. */
class Socket {
  readonly frames: TerminalFrame[] = [];
  shown = "";
  status: number | undefined;
  closed: number | undefined;
  readonly ws: WebSocket;
  constructor(host: TestHost, path: string, secret: string) {
    const url = host.gateway.address.url.replace("http", "ws");
    this.ws = new WebSocket(`${url}${path}`, ["hearth", `hearth.watch.${secret}`]);
    this.ws.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.shown += data.subarray(8).toString();
      else this.frames.push(JSON.parse(String(data)) as TerminalFrame);
    });
    this.ws.on("unexpected-response", (_, response) => {
      this.status = response.statusCode;
    });
    this.ws.on("close", (code) => {
      this.closed = code;
    });
    this.ws.on("error", () => undefined);
  }
}

describe("a link to watch", () => {
  let host: TestHost;
  let shell: FakeChild;
  const ID = "term_aaaaaaaaaaaa";
  before(async () => {
    host = await startTestHost();
    shell = new FakeChild();
    host.children.set(ID, shell);
    host.children.set("term_bbbbbbbbbbbb", new FakeChild());
    shell.spool.push("hello");
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });
  const share = async (params: object = { terminal_id: ID }) => {
    const { result } = await host.rpc("share.create", params);
    const made = result as Made;
    return { ...made, secret: made.url.split("#watch=")[1] ?? "" };
  };
  const get = (path: string, secret: string, init: RequestInit = {}) =>
    fetch(`${host.gateway.address.url}${path}`, { ...init, headers: { "x-hearth-watch": secret, ...init.headers } });

  it("A18: shows its terminal; keys, sizes, taking over are refused one by one, and it goes on watching", async () => {
    const { secret } = await share();
    assert.deepEqual(Object.keys((await (await get("/api/watch", secret)).json()) as object), [
      "id",
      "name",
      "mode",
      "expires_at",
    ]);
    const viewer = new Socket(host, `/api/terminals/${ID}/socket`, secret);
    await until(() => viewer.shown.includes("hello") || JSON.stringify(viewer.frames).includes("hello"), "the screen");
    const before = shell.written.length;
    const size = shell.sizes.last;
    viewer.ws.send(Buffer.from("rm -rf ~\r"), { binary: true });
    viewer.ws.send(JSON.stringify({ type: "resize", rows: 9, cols: 21 }));
    viewer.ws.send(JSON.stringify({ type: "take" }));
    viewer.ws.send(JSON.stringify({ type: "history" }));
    const refused = () => viewer.frames.filter((frame) => frame.type === "error");
    await until(() => refused().length === 3, "three refusals");
    assert.ok(refused().every((frame) => frame.type === "error" && frame.reason === "forbidden"));
    shell.spool.push(" and on");
    await until(() => viewer.shown.endsWith(" and on"), "what comes next");
    assert.deepEqual([shell.written.length, shell.sizes.last, viewer.closed], [before, size, undefined]);
    viewer.ws.close();
  });

  it("A18, A19, A20: opens nothing else: no method, no route, no other terminal, no other spelling", async () => {
    const { secret } = await share();
    for (const method of Object.keys(methods)) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} });
      const init = { method: "POST", body, headers: { "content-type": "application/json" } };
      assert.equal((await get("/api/rpc", secret, init)).status, 403, method);
    }
    for (const route of host.gateway.routes) {
      const path = route.url.replace(":id", route.kind === "upgrade" ? "term_bbbbbbbbbbbb" : ID);
      if (route.access === "public" || path === "/api/watch" || path === `/api/terminals/${ID}/socket`) continue;
      if (route.kind === "upgrade") {
        const other = new Socket(host, path, secret);
        await until(() => other.status !== undefined, "an answer");
        assert.equal(other.status, 403, path);
      } else assert.equal((await get(path, secret, { method: route.method })).status, 403, `${route.method} ${path}`);
    }
    for (const path of [`/api/terminals/%74erm_aaaaaaaaaaaa/socket`, `/api/terminals/${ID}/socket/`]) {
      const other = new Socket(host, path, secret);
      await until(() => other.status !== undefined, "an answer");
      assert.equal(other.status, 403, path);
    }
  });

  it("A11: has its secret in the fragment only, and keeps a digest of it", async () => {
    const made = await share();
    assert.match(made.url, /^http:\/\/127\.0\.0\.1:\d+\/#watch=[\w-]{43}$/);
    assert.equal((await get(`/api/watch?watch=${made.secret}`, made.secret)).status, 400);
    const kept = JSON.stringify([...(await host.log.views("share"))]);
    assert.ok(kept.includes(made.share_id) && !kept.includes(made.secret));
    assert.ok(!JSON.stringify((await host.rpc("share.list", {})).result).includes(made.secret));
    assert.ok(!JSON.stringify(host.lines).includes(made.secret));
    for (const wrong of ["", "x", `${made.secret}x`]) assert.equal((await get("/api/watch", wrong)).status, 401);
  });

  it("A17: cuts off who watches when it is ended, with 4003, and is no way in any more", async () => {
    const { secret, share_id } = await share();
    const viewer = new Socket(host, `/api/terminals/${ID}/socket`, secret);
    await until(() => viewer.frames.length > 0, "a first frame");
    assert.deepEqual((await host.rpc("share.revoke", { share_id })).result, { revoked: true });
    await until(() => viewer.closed !== undefined, "the end");
    assert.equal(viewer.closed, 4003);
    assert.equal((await get("/api/watch", secret)).status, 401);
    assert.deepEqual((await host.rpc("share.revoke", { share_id })).result, { revoked: false });
  });

  it("A30: takes no more who watch than a host has room for, of all links together, and says so", async () => {
    await using small = await startTestHost({ maxWatchers: 2 });
    small.children.set(ID, new FakeChild());
    const made = async () => {
      const { result } = await small.rpc("share.create", { terminal_id: ID });
      return (result as Made).url.split("#watch=")[1] ?? "";
    };
    const watch = (secret: string) => new Socket(small, `/api/terminals/${ID}/socket`, secret);
    const look = (secret: string) =>
      fetch(`${small.gateway.address.url}/api/watch`, { headers: { "x-hearth-watch": secret } });
    const [one, two] = [await made(), await made()];
    const first = watch(one);
    const second = watch(two);
    await until(() => first.frames.length > 0 && second.frames.length > 0, "both see it");
    assert.equal(small.gateway.watchers(), 2);
    for (const secret of [one, two, await made()]) {
      const third = watch(secret);
      await until(() => third.status !== undefined, "an answer");
      assert.equal(third.status, 429);
      const answer = await look(secret);
      assert.equal(answer.status, 429);
      assert.match(((await answer.json()) as { detail: string }).detail, /^2 watch by links already: /);
    }
    await small.client().call("session.list", {});
    first.ws.close();
    await until(() => small.gateway.watchers() === 1, "it has left");
    assert.equal((await look(two)).status, 200);
    const next = watch(two);
    await until(() => next.frames.length > 0, "there is room again");
    for (const { ws } of [second, next]) ws.close();
  });

  it("outlives the host, and not its time", async () => {
    const { secret, share_id } = await share({ terminal_id: ID, minutes: 5 });
    await host.restart();
    assert.equal((await get("/api/watch", secret)).status, 200);
    const late = await Shares.open(host.log, () => Date.now() + 5 * 60_000);
    assert.equal(late.verify(secret), undefined);
    assert.ok(!late.list().some((row) => row.share_id === share_id));
    late[Symbol.dispose]();
  });

  it("A17: ends by itself when its time is over", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
    using shares = await Shares.open(host.log);
    const { secret } = await shares.create("proc_aaaaaaaaaaaa", 1);
    const found = shares.verify(secret);
    assert.equal(found?.ended.aborted, false);
    t.mock.timers.tick(60_000);
    assert.equal(found?.ended.aborted, true);
    assert.equal(shares.verify(secret), undefined);
    t.mock.timers.reset();
  });

  it("is made only for what there is", async () => {
    const reason = async (params: object) => (await host.rpc("share.create", params)).error?.data.reason;
    assert.equal(await reason({ terminal_id: "term_000000000000" }), "terminal_not_found");
    assert.equal(await reason({ process_id: ID }), "process_not_found");
    assert.equal(await reason({}), "invalid_params");
    assert.equal(await reason({ terminal_id: ID, process_id: ID }), "invalid_params");
    assert.equal(await reason({ terminal_id: ID, minutes: 0 }), "invalid_params");
  });
});
