// The real page in a real browser, shown what is meant to break out of it, and visited from pages that are not ours.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const MARKUP = `<img src=x onerror="window.broken=1"><script>window.broken=2</script><svg onload="window.broken=3"></svg>`;
const markdown = (elsewhere: string) => [
  MARKUP,
  ...["[a](javascript:window.broken=4)", "[b](&#106;avascript:window.broken=5)", "[c](data:text/html,x)"],
  `![picture](${elsewhere}/md.png) <img src="${elsewhere}/raw.png"> <link rel=stylesheet href="${elsewhere}/a.css">`,
  `<iframe src="${elsewhere}/frame"></iframe><style>*{background:url(${elsewhere}/bg)}</style><base href="${elsewhere}">`,
  `<form action="${elsewhere}/form" id="planted"><button>x</button></form>`,
  `<div class="fixed inset-0 z-50" style="position:fixed;inset:0">cover</div>`,
];

describe("the page, shown hostile things", () => {
  let host: RunningHost;
  /** Another site on this machine: what it is asked for has leaked. */
  let elsewhere: Server;
  const asked: string[] = [];
  const site = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  before(async () => {
    host = await RunningHost.start();
    elsewhere = createServer((request, response) => {
      if (request.url !== "/" && request.url !== "/favicon.ico") asked.push(request.url ?? "");
      response.setHeader("content-type", "text/html");
      response.end(`<title>elsewhere</title><iframe src="${host.address}/"></iframe>`);
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
  });
  after(async () => {
    elsewhere.close();
    elsewhere.closeAllConnections();
    await host[Symbol.asyncDispose]();
  });

  it("A12: runs nothing and asks nobody for anything, whatever titles, answers, files and programs say", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const client = await host.client();
    const workspace = await mkdtemp(join(tmpdir(), "hearth-hostile-"));
    t.after(() => rm(workspace, { recursive: true }));
    await writeFile(join(workspace, "<img src=x onerror=window.broken=6>.txt"), `needle ${MARKUP}`);
    const { session_id } = await client.call("session.create", { title: MARKUP, workspace });
    await client.call("config.set", { key: "approvals", value: "off", session_id });
    using watched = new Watched(client, session_id);
    const said = markdown(site()).map((text) => `say ${text}`);
    const done = ["search needle", `think ${MARKUP}`, `run printf '%s' '${MARKUP}'`, "say the end"];
    for (const text of [...said, ...done]) await client.call("prompt.submit", { session_id, text });
    await client.call("process.start", { argv: ["printf", "%s", MARKUP], session_id, name: MARKUP });
    await watched.seen("turn.ended", said.length + done.length);

    const page = await browser.newPage();
    const outside: string[] = [];
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== host.address)
        outside.push(request.url());
    });
    const loggedIn = page.waitForResponse((response) => response.url().endsWith("/api/login"));
    await page.goto((await client.call("ticket.mint", {})).url);
    await loggedIn;
    // The ticket leaves the address by itself; only then is there a place in it for a session.
    await page.waitForFunction(() => !location.hash.includes("ticket"));
    await page.goto(`${host.address}/#/s/${session_id}`);
    await page.getByText("the end", { exact: true }).first().waitFor();
    for (const closed of await page.locator("summary").all())
      await closed.click({ timeout: 1_000 }).catch(() => undefined);
    const found = await page.evaluate(() => ({
      broken: (globalThis as { broken?: unknown }).broken,
      elements: document.querySelectorAll(
        "iframe, base, body style, body link, #planted, [style*=fixed], .prose .fixed, .prose img, [onerror], [onload]",
      ).length,
      links: [...document.querySelectorAll("a")].map((link) => link.href).filter((href) => !/^https?:/.test(href)),
      cookies: document.cookie,
    }));
    assert.deepEqual(found, { broken: undefined, elements: 0, links: [], cookies: "" });
    assert.deepEqual([outside, asked], [[], []]);
    assert.ok(!page.url().includes("ticket"));
  });

  it("A06, A07, A08, A12: gives a page on another port nothing, though it gets the cookie too", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const client = await host.client();
    const before = (await client.call("session.list", {})).sessions.length;
    const context = await browser.newContext();
    const ours = await context.newPage();
    const loggedIn = ours.waitForResponse((response) => response.url().endsWith("/api/login"));
    await ours.goto((await client.call("ticket.mint", {})).url);
    assert.equal((await loggedIn).status(), 200);
    const theirs = await context.newPage();
    await theirs.goto(`${site()}/`);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "session.create", params: {} });
    const got = await theirs.evaluate(
      async ({ address, body }) => {
        const tries: Record<string, () => Promise<unknown>> = {
          read: () => fetch(`${address}/api/events`, { credentials: "include" }),
          json: () =>
            fetch(`${address}/api/rpc`, {
              ...{ method: "POST", credentials: "include", body, headers: { "content-type": "application/json" } },
            }),
          socket: () =>
            new Promise((resolve, reject) => {
              const socket = new WebSocket(`${address.replace("http", "ws")}/api/ws`, ["hearth"]);
              socket.onopen = resolve;
              socket.onerror = reject;
            }),
          script: () =>
            new Promise((resolve, reject) => {
              const script = document.createElement("script");
              Object.assign(script, { src: `${address}/api/events`, onload: resolve, onerror: reject });
              document.head.append(script);
            }),
        };
        const got: string[] = [];
        for (const [name, attempt] of Object.entries(tries))
          await attempt().then(
            () => got.push(name),
            () => undefined,
          );
        // Sent without asking, and never answered to the page: only what it does on the host counts.
        await fetch(`${address}/api/rpc`, { method: "POST", mode: "no-cors", credentials: "include", body });
        return got;
      },
      { address: host.address, body },
    );
    assert.deepEqual(got, []);
    assert.equal((await client.call("session.list", {})).sessions.length, before);
    assert.ok(theirs.frames().every((frame) => !frame.url().startsWith(host.address)));
  });
});
