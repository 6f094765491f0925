// Every route and every upgrade, from the router's own table: nothing answers to whom it should not.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Route } from "../../src/gateway/routes.ts";
import { methods } from "../../src/protocol/methods.ts";
import { startTestHost, type TestHost, until } from "../support/gateway-host.ts";

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": randomBytes(16).toString("base64"),
};

describe("the gateway's refusals", () => {
  let host: TestHost;
  let port: number;
  let right: Record<string, string>;
  before(async () => {
    host = await startTestHost();
    port = host.gateway.address.port;
    right = { authorization: `Bearer ${host.token}` };
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });
  const own = () => `127.0.0.1:${port}`;

  /** One request with exactly these headers, through either door. An accepted upgrade answers 101. */
  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body = "",
    door: "tcp" | "unix" = "tcp",
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const place = door === "tcp" ? { host: "127.0.0.1", port } : { socketPath: join(host.home, "host.sock") };
    const asking = request({ ...place, method, path, headers: { host: own(), ...headers }, agent: false });
    asking.on("error", reject);
    asking.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: {}, body: "" });
    });
    asking.on("response", (response) => {
      const head = { status: response.statusCode ?? 0, headers: response.headers as Record<string, string> };
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ ...head, body: text }));
      // A stream that was let in never ends by itself: its status is all that is asked for.
      if (String(response.headers["content-type"]).startsWith("text/event-stream")) {
        resolve({ ...head, body: "" });
        asking.destroy();
      }
    });
    asking.end(body);
    return promise;
  }
  /** Bytes as they are, and what came back until the end. */
  async function raw(bytes: string): Promise<string> {
    const socket = await host.dial();
    let heard = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      heard += chunk;
    });
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.write(bytes);
    await until(() => heard.includes("\r\n\r\n") || socket.destroyed, "an answer");
    socket.end();
    await ended;
    return heard;
  }
  const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

  const pathOf = ({ url }: Route) => url.replaceAll(/:\w+/g, "proc_000000000000").replace("*", "x.js");
  const tryRoute = (route: Route, headers: Record<string, string>, door: "tcp" | "unix" = "tcp") => {
    const posts = route.method === "POST";
    const json: Record<string, string> = posts ? { "content-type": "application/json" } : {};
    const upgrade = route.kind === "upgrade" ? UPGRADE : {};
    return send(route.method, pathOf(route), { ...json, ...upgrade, ...headers }, posts ? "{}" : "", door);
  };
  const closed = () => host.gateway.routes.filter(({ access }) => access === "token");
  /** Waits out the slowing down that so many refusals bring: it has its own test. */
  const refusedOnce = async (route: Route | string, headers: Record<string, string>, door: "tcp" | "unix" = "tcp") => {
    const ask = () =>
      typeof route === "string" ? send("GET", route, headers, "", door) : tryRoute(route, headers, door);
    let answer = await ask();
    while (answer.status === 429) answer = await ask();
    return answer;
  };
  const asProblem = ({ headers, body }: Answer) => {
    assert.match(String(headers["content-type"]), /^application\/problem\+json/);
    return JSON.parse(body) as { status: number; reason: string; detail: string };
  };

  it("knows every route and upgrade, and says of each whether it is public", () => {
    const listed = host.gateway.routes.map(({ method, url, kind, access }) => `${access} ${kind} ${method} ${url}`);
    for (const expected of [
      "token http POST /api/rpc",
      "token http GET /api/events",
      "token http POST /api/chat/start",
      "token http GET /api/chat/stream",
      "token http POST /api/chat/cancel",
      "token http GET /api/processes/:id/output",
      "token http GET /api/watch",
      "token http GET /api/sessions/:id/files",
      "token http PUT /api/sessions/:id/files",
      "token http POST /api/logout",
      "token http GET /metrics",
      "token upgrade GET /api/ws",
      "token upgrade GET /api/terminals/:id/socket",
      "public http POST /api/login",
      "public http GET /healthz",
      "public http GET /readyz",
      "public http GET /",
    ])
      assert.ok(listed.includes(expected), `${expected} is missing`);
    const open = host.gateway.routes.filter((route) => route.access === "public").map(({ url }) => url);
    const page = ["/", "/index.html", "/favicon.svg", "/favicon.ico", "/manifest.webmanifest", "/assets/*"];
    assert.deepEqual(open.sort(), [...page, "/healthz", "/readyz", "/api/login"].sort());
  });

  it("lets the token through to every route and upgrade: what refuses below is not the road to it", async () => {
    for (const route of host.gateway.routes)
      for (const door of ["tcp", "unix"] as const) {
        const { status } = await tryRoute(route, right, door);
        const reached = route.kind === "upgrade" ? [101] : [200, 400, 401, 404, 426];
        const used = route.url === "/api/login" || status !== 401;
        assert.ok(reached.includes(status) && used, `${door} ${route.kind} ${route.url}: ${status}`);
      }
  });

  it("A02, A09: gives 401 without a token and with a wrong one, the same for both, everywhere", async () => {
    const bodies = new Set<string>();
    const wrong = [
      {},
      // That of another host: of the same form, and real.
      { authorization: `Bearer ${randomBytes(32).toString("base64url")}` },
      { authorization: `Basic ${btoa(`hearth:${host.token}`)}` },
      { authorization: `Bearer ${host.token.slice(0, -1)}` },
    ];
    for (const route of closed())
      for (const headers of wrong) {
        const answer = await refusedOnce(route, headers);
        assert.equal(answer.status, 401, `${route.kind} ${route.url}`);
        asProblem(answer);
        bodies.add(answer.body);
      }
    assert.equal(bodies.size, 1);
    assert.equal((await refusedOnce("/no/such/route", {})).status, 401);
  });

  it("A07: gives 401 to a cookie without its secret and to a secret without its cookie, everywhere", async () => {
    const body = JSON.stringify({ ticket: host.gateway.mintTicket().ticket });
    const login = await send("POST", "/api/login", { "content-type": "application/json" }, body);
    const cookie = String(login.headers["set-cookie"]).split(";")[0] ?? "";
    const { secret } = JSON.parse(login.body) as { secret: string };
    for (const route of closed()) {
      const said: Record<string, string> =
        route.kind === "upgrade"
          ? { "sec-websocket-protocol": `hearth, hearth.login.${secret}` }
          : { "x-hearth-login": secret };
      for (const headers of [{ cookie }, said])
        assert.equal((await refusedOnce(route, headers)).status, 401, `${route.kind} ${route.url}`);
      // The logout would end what the others need.
      if (route.url === "/api/logout") continue;
      const both = await tryRoute(route, { cookie, ...said });
      assert.ok(![401, 403, 429].includes(both.status), `${route.kind} ${route.url}: ${both.status}`);
    }
  });

  it("A03, A13: gives 421 for any other host name, everywhere, also with the token", async () => {
    const foreign = [
      `evil.test:${port}`,
      `127.0.0.1.evil.test:${port}`,
      `localhost.:${port}`,
      `user@127.0.0.1:${port}`,
      `0.0.0.0:${port}`,
      `192.168.1.1:${port}`,
      "127.0.0.1",
      `127.0.0.1:${port === 65535 ? 1 : port + 1}`,
      `2130706433:${port}`,
    ];
    for (const route of host.gateway.routes) {
      const answer = await tryRoute(route, { ...right, host: `evil.test:${port}` });
      assert.equal(answer.status, 421, `${route.kind} ${route.url}`);
      asProblem(answer);
    }
    for (const name of foreign)
      assert.equal((await send("GET", "/healthz", { ...right, host: name })).status, 421, name);
    assert.equal(statusOf(await raw("GET /healthz HTTP/1.1\r\nHost: \r\n\r\n")), 421);
    for (const name of [own(), `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
      assert.equal((await send("GET", "/healthz", { host: name })).status, 200, name);
  });

  it("A06, A07: gives 403 for any other origin, everywhere, also with the token, and never an allowing header", async () => {
    const foreign = [
      "http://evil.test",
      "null",
      "file://",
      `127.0.0.1:${port}`,
      `http://127.0.0.1:${port}.evil.test`,
      `http://evil-127.0.0.1:${port}`,
      `http://127.0.0.1:${port === 65535 ? 1 : port + 1}`,
      "http://127.0.0.1",
      `https://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `http://127.0.0.1:${port}/`,
      "",
    ];
    for (const route of host.gateway.routes) {
      const answer = await tryRoute(route, { ...right, origin: "http://evil.test" });
      assert.equal(answer.status, 403, `${route.kind} ${route.url}`);
      asProblem(answer);
      assert.deepEqual(
        Object.keys(answer.headers).filter((name) => name.startsWith("access-control")),
        [],
      );
    }
    for (const origin of foreign)
      for (const path of ["/api/ws", "/api/terminals/proc_000000000000/socket"])
        assert.equal((await send("GET", path, { ...right, ...UPGRADE, origin })).status, 403, origin);
    const ours = await send("GET", "/api/ws", { ...right, ...UPGRADE, origin: `http://${own()}` });
    assert.equal(ours.status, 101);
  });

  it("A08: refuses what a foreign page can send without asking, and its preflight", async () => {
    const posts = host.gateway.routes.filter(({ method }) => method === "POST");
    const body = '{"jsonrpc":"2.0","id":1,"method":"session.create","params":{}}';
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
      for (const route of posts) {
        const kind: Record<string, string> = type === "" ? {} : { "content-type": type };
        const { status } = await send("POST", pathOf(route), { ...right, ...kind }, body);
        assert.equal(status, 415, `${type} ${route.url}`);
        for (const site of ["cross-site", "same-site"]) {
          const page = { ...right, ...kind, "sec-fetch-site": site };
          assert.equal((await send("POST", pathOf(route), page, body)).status, 403, `${site} ${type} ${route.url}`);
        }
      }
    const preflight = await send("OPTIONS", "/api/rpc", {
      origin: "http://evil.test",
      "access-control-request-method": "POST",
    });
    assert.equal(preflight.status, 403);
    assert.equal(preflight.headers["access-control-allow-origin"], undefined);
    const other = await send("PUT", "/api/rpc", right);
    assert.deepEqual([other.status, other.headers.allow], [405, "POST"]);
  });

  it("A10: listens to nothing a client says of itself", async () => {
    const claims = { "x-role": "owner", "x-scopes": "admin", "x-forwarded-user": "root", "x-forwarded-host": own() };
    assert.equal((await send("POST", "/api/rpc", { ...claims, "content-type": "application/json" }, "{}")).status, 401);
    const answer = await host.rpc("ticket.mint", {});
    assert.equal(answer.error?.data.reason, "forbidden");
  });

  it("A11: refuses credentials in an address, right or wrong, and logs none", async () => {
    for (const path of [
      `/api/rpc?token=${host.token}`,
      "/healthz?access_token=x",
      "/healthz?Token=x",
      `/api/events?x=${host.token}`,
      "/?ticket=abc",
    ])
      assert.equal((await send("GET", path, right)).status, 400, path);
    const ws = await send("GET", `/api/ws?token=${host.token}`, UPGRADE);
    assert.equal(ws.status, 400);
    assert.ok(host.lines.some((line) => line.audit === "refused"));
    assert.equal((await send("GET", `/${host.token}`, right)).status, 400);
    assert.ok(!JSON.stringify(host.lines).includes(host.token));
  });

  it("A04: refuses two hosts, and an absolute address of another host", async () => {
    const auth = `Authorization: Bearer ${host.token}\r\n`;
    const two = await raw(`GET /metrics HTTP/1.1\r\nHost: ${own()}\r\nHost: evil.test\r\n${auth}\r\n`);
    assert.equal(statusOf(two), 400);
    const foreign = await raw(`GET http://evil.test/metrics HTTP/1.1\r\nHost: ${own()}\r\n${auth}\r\n`);
    assert.equal(statusOf(foreign), 400);
    const tricky = await raw(`GET http://x@${own()}/metrics HTTP/1.1\r\nHost: ${own()}\r\n${auth}\r\n`);
    assert.equal(statusOf(tricky), 400);
    const ours = await raw(
      `GET http://${own()}/metrics HTTP/1.1\r\nHost: ${own()}\r\nConnection: close\r\n${auth}\r\n`,
    );
    assert.equal(statusOf(ours), 200);
    const none = await raw(`GET /healthz HTTP/1.0\r\n\r\n`);
    assert.equal(statusOf(none), 421);
  });

  it("A05: refuses smuggled bodies and headers without end", async () => {
    const smuggled = await raw(
      `POST /api/rpc HTTP/1.1\r\nHost: ${own()}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    assert.equal(statusOf(smuggled), 400);
    const long = await raw(`GET /healthz HTTP/1.1\r\nHost: ${own()}\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`);
    assert.equal(statusOf(long), 431);
    const nonsense = await raw("\x16\x03\x01 hello\r\n\r\n");
    assert.equal(statusOf(nonsense), 400);
    assert.equal((await send("GET", "/healthz", {})).status, 200);
  });

  it("A21: finds no file outside the page's folder, however it is asked for", async () => {
    for (const path of [
      "/assets/../../hearth.db",
      "/assets/%2e%2e/%2e%2e/hearth.db",
      "/assets/%252e%252e/hearth.db",
      "/assets/..%5c..%5chearth.db",
      "/assets/%00",
      "/assets/%c0%ae%c0%ae/hearth.db",
      "/assets//etc/passwd",
    ]) {
      const { status, body } = await send("GET", path, right);
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
      assert.ok(!body.includes("SQLite") && !body.includes("root:"), path);
    }
  });

  it("gives 413 for a body over the limit, before anything looks into it", async () => {
    const head = `POST /api/rpc HTTP/1.1\r\nHost: ${own()}\r\nAuthorization: Bearer ${host.token}\r\n`;
    const answer = await raw(`${head}Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{`);
    assert.equal(statusOf(answer), 413);
  });

  it("A19: keeps every local method for the Unix socket, by whatever way it is called", async () => {
    const local = Object.entries(methods).flatMap(([name, { door }]) => (door === "local" ? [name] : []));
    assert.deepEqual(local, ["host.stop", "ticket.mint"]);
    for (const name of local) {
      const answer = await host.rpc(name, {});
      assert.equal(answer.error?.data.reason, "forbidden", name);
    }
  });

  it("A43: asks for the token on the Unix socket too", async () => {
    for (const route of closed())
      for (const headers of [{}, { authorization: "Bearer x" }]) {
        const answer = await refusedOnce(route, headers, "unix");
        assert.equal(answer.status, 401, `${route.kind} ${route.url}`);
      }
    assert.equal((await send("GET", "/metrics", { ...right, host: "evil.test" }, "", "unix")).status, 421);
    assert.equal((await send("GET", "/metrics", { ...right, host: "localhost" }, "", "unix")).status, 200);
  });

  it("A09: judges a request that expects an answer before its body like any other, before it says go on", async () => {
    const line = "POST /api/rpc HTTP/1.1\r\n";
    for (const expectation of ["100-continue", "200-maybe"]) {
      const ask = `Expect: ${expectation}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
      const auth = `Authorization: Bearer ${host.token}\r\n`;
      assert.equal(statusOf(await raw(`${line}Host: evil.test\r\n${ask}${auth}\r\n`)), 421);
      assert.equal(statusOf(await raw(`${line}Host: ${own()}\r\nOrigin: null\r\n${ask}${auth}\r\n`)), 403);
    }
    const ask = `Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
    assert.equal(
      statusOf(await raw(`${line}Host: ${own()}\r\n${ask}Authorization: Bearer ${host.token}\r\n\r\n`)),
      100,
    );
  });

  it("A16: answers 429 in the end to one who keeps guessing, and never to the right token", async () => {
    const statuses: number[] = [];
    const guess = async () => {
      const wrong = { authorization: `Bearer ${randomBytes(32).toString("base64url")}` };
      statuses.push((await send("GET", "/metrics", wrong)).status);
    };
    await Promise.all(Array.from({ length: 150 }, guess));
    assert.ok(statuses.includes(429) && statuses.every((status) => status === 401 || status === 429), String(statuses));
    assert.equal((await send("GET", "/metrics", right)).status, 200);
    assert.equal(
      (await tryRoute(host.gateway.routes.find(({ url }) => url === "/api/ws") as Route, { ...right, ...UPGRADE }))
        .status,
      101,
    );
  });
});
