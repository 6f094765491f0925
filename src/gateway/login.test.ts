import assert from "node:assert/strict";
import { chmod, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { FakeChild, startTestHost, type TestHost, until } from "../../test/support/gateway-host.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { Logins } from "./logins.ts";
import { listenOn } from "./unix-socket.ts";

describe("a browser's login", () => {
  let host: TestHost;
  before(async () => {
    host = await startTestHost();
    await mkdir(join(host.home, "web", "assets"), { recursive: true });
    await writeFile(join(host.home, "web", "index.html"), "<!doctype html><title>page</title>");
    await writeFile(join(host.home, "web", "assets", "main-1.js"), "export {}");
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });
  const url = () => host.gateway.address.url;
  const enter = (ticket: string) =>
    fetch(`${url()}/api/login`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url() },
      body: JSON.stringify({ ticket }),
    });
  async function login(): Promise<{ cookie: string; secret: string; header: string }> {
    const answer = await enter(host.gateway.mintTicket().ticket);
    assert.equal(answer.status, 200);
    const { secret } = (await answer.json()) as { secret: string };
    const header = answer.headers.get("set-cookie") ?? "";
    return { cookie: header.split(";")[0] ?? "", secret, header };
  }
  const status = async (headers: Record<string, string>) => (await fetch(`${url()}/metrics`, { headers })).status;

  it("A11: takes a ticket once, from the fragment of the address that was printed", async () => {
    const { ticket, url: printed } = host.gateway.mintTicket();
    assert.equal(printed, `${url()}/#ticket=${ticket}`);
    assert.equal((await enter(ticket)).status, 200);
    assert.equal((await enter(ticket)).status, 401);
    assert.equal((await enter("nonsense")).status, 401);
    const two = host.gateway.mintTicket().ticket;
    const both = await Promise.all([enter(two), enter(two)]);
    assert.deepEqual(both.map((answer) => answer.status).sort(), [200, 401]);
  });

  it("A30: reads no more from somebody whom nobody knows than a ticket needs", async () => {
    const headers = { "content-type": "application/json", origin: url() };
    const send = (body: BodyInit) =>
      fetch(`${url()}/api/login`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
    const large = JSON.stringify({ ticket: "x", more: "y".repeat(5_000) });
    assert.equal((await send(large)).status, 413);
    assert.equal((await send(new Blob([large]).stream())).status, 413);
  });

  it("A07: lets nobody in with the cookie alone, nor with the secret alone, reads included", async () => {
    const { cookie, secret, header } = await login();
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(header.includes(part), header);
    assert.equal(await status({ cookie }), 401);
    assert.equal(await status({ "x-hearth-login": secret }), 401);
    assert.equal(await status({ cookie, "x-hearth-login": (await login()).secret }), 401);
    assert.equal(await status({ cookie: `other=1; ${cookie}; more=2`, "x-hearth-login": secret }), 200);
  });

  it("G19: opens a WebSocket with cookie and secret, and never sends the secret back", async () => {
    const { cookie, secret } = await login();
    const ws = new WebSocket(`${url().replace("http", "ws")}/api/ws`, ["hearth", `hearth.login.${secret}`], {
      headers: { cookie, origin: url() },
    });
    await new Promise((resolve) => ws.once("message", resolve));
    assert.equal(ws.protocol, "hearth");
    ws.close();
  });

  it("A17: closes what a login has open when it ends, with its own code", async () => {
    const { cookie, secret } = await login();
    const ws = new WebSocket(`${url().replace("http", "ws")}/api/ws`, ["hearth", `hearth.login.${secret}`], {
      headers: { cookie },
    });
    let code = 0;
    ws.on("close", (number) => {
      code = number;
    });
    await new Promise((resolve) => ws.once("message", resolve));
    const out = await fetch(`${url()}/api/logout`, { method: "POST", headers: { cookie, "x-hearth-login": secret } });
    assert.equal(out.status, 200);
    await until(() => code !== 0, "the close");
    assert.equal(code, closeCodes.login_over);
    assert.equal(await status({ cookie, "x-hearth-login": secret }), 401);
  });

  it("A17: ends every stream of a login with it, events and output alike, and nobody else's", async () => {
    const { cookie, secret } = await login();
    const mine = { cookie, "x-hearth-login": secret };
    const child = new FakeChild();
    host.children.set("proc_follow", child);
    child.spool.push("first ");
    const paths = ["/api/events", "/api/processes/proc_follow/output?follow=1"];
    const open = async (headers: Record<string, string>) => {
      const answers = await Promise.all(paths.map((path) => fetch(url() + path, { headers })));
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [200, 200],
      );
      return answers;
    };
    const ending = (await open(mine)).map((answer) => answer.text());
    const others = await open({ authorization: `Bearer ${host.token}` });
    await fetch(`${url()}/api/logout`, { method: "POST", headers: mine });
    const texts = await Promise.all(ending);
    child.spool.push("secret");
    assert.equal(texts[1], "first ");
    child.spool.end();
    assert.equal(await others[1]?.text(), "first secret");
    await others[0]?.body?.cancel();
  });

  it("A16: keeps a login over a restart, as digests only, and until it is too old", async () => {
    const { cookie, secret } = await login();
    await host.restart();
    assert.equal(await status({ cookie, "x-hearth-login": secret }), 200);
    const stored = JSON.stringify([...(await host.log.views("login"))]);
    for (const open of [secret, cookie.split("=")[1] ?? "x"]) assert.ok(!stored.includes(open));
    const days = 24 * 60 * 60 * 1000;
    using early = await Logins.open(host.log, () => Date.now() + 29 * days);
    using late = await Logins.open(host.log, () => Date.now() + 31 * days);
    assert.ok(early.verify(cookie.split("=")[1] ?? "", secret));
    assert.equal(late.verify(cookie.split("=")[1] ?? "", secret), undefined);
  });

  it("A16: lets a login that is in use last its whole time, and then ends what it has open", async (t) => {
    const days = 24 * 60 * 60 * 1000;
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let now = Date.now();
    using logins = await Logins.open(host.log, () => now);
    const { cookie, secret } = (await logins.redeem(logins.mint())) ?? { cookie: "", secret: "" };
    const key = logins.verify(cookie, secret) ?? "";
    const ended = logins.ended(key);
    const after = (ms: number) => {
      now += ms;
      t.mock.timers.tick(ms);
    };
    // Further ahead than a timer can be set.
    after(29 * days);
    assert.deepEqual([ended.aborted, logins.verify(cookie, secret)], [false, key]);
    after(days);
    assert.deepEqual([ended.aborted, logins.verify(cookie, secret)], [true, undefined]);
  });

  it("A11: lets a ticket grow no older than ten minutes", async () => {
    let now = Date.now();
    using logins = await Logins.open(host.log, () => now);
    const [young, old] = [logins.mint(), logins.mint()];
    now += 9.9 * 60 * 1000;
    assert.ok(await logins.redeem(young));
    now += 0.2 * 60 * 1000;
    assert.equal(await logins.redeem(old), undefined);
  });

  it("A12: serves the page so that it can be framed by nobody and runs no script of others", async () => {
    const page = await fetch(`${url()}/`);
    assert.match(await page.text(), /<title>page/);
    const policy = page.headers.get("content-security-policy") ?? "";
    for (const rule of ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"])
      assert.ok(policy.includes(rule));
    assert.ok(!/script-src|unsafe-eval/.test(policy));
    assert.deepEqual(
      [page.headers.get("x-content-type-options"), page.headers.get("referrer-policy")],
      ["nosniff", "no-referrer"],
    );
    const asset = await fetch(`${url()}/assets/main-1.js`);
    assert.deepEqual([asset.status, asset.headers.get("content-type")], [200, "text/javascript; charset=utf-8"]);
    const link = await fetch(`${url()}/`, {
      headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
    });
    assert.equal(link.status, 200);
    assert.equal((await fetch(`${url()}/assets/none.js`)).status, 404);
  });
});

describe("the host's Unix socket", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "hearth-socket-"));
  });
  after(async () => {
    await rm(home, { recursive: true, force: true });
  });
  async function place(name: string): Promise<string> {
    const directory = join(home, name);
    await mkdir(directory, { mode: 0o700 });
    return join(directory, "host.sock");
  }
  const end = async (server: ReturnType<typeof createServer>, reach: AsyncDisposable) => {
    await new Promise((resolve) => server.close(resolve));
    await reach[Symbol.asyncDispose]();
  };

  it("A14: is the owner's alone, in a directory that is the owner's alone", async () => {
    const path = await place("good");
    const server = createServer();
    const reach = await listenOn(server, path);
    assert.equal((await lstat(path)).mode & 0o777, 0o600);
    await end(server, reach);
    await chmod(join(home, "good"), 0o755);
    await assert.rejects(listenOn(createServer(), path), { reason: "config_refused" });
  });

  it("A15: takes no place that is a link or another kind of file", async () => {
    const path = await place("planted");
    await symlink(join(home, "elsewhere"), path);
    await assert.rejects(listenOn(createServer(), path), { reason: "config_refused" });
    await rm(path);
    await writeFile(path, "");
    await assert.rejects(listenOn(createServer(), path), { reason: "config_refused" });
  });

  it("replaces a socket that nobody answers on, and none that somebody does, however long its path", async () => {
    for (const name of ["short", "long".repeat(40)]) {
      const path = await place(name);
      const first = createServer();
      const reach = await listenOn(first, path);
      await assert.rejects(listenOn(createServer(), path), { reason: "config_refused" });
      // What a killed host leaves behind: the file without a listener.
      const left = `${path}.left`;
      const { link } = await import("node:fs/promises");
      await link(path, left);
      await end(first, reach);
      await link(left, path);
      const second = createServer();
      await end(second, await listenOn(second, path));
    }
  });
});
