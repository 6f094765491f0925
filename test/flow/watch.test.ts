// A link to watch, opened in a real browser that knows nothing else of the host.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { RunningHost } from "../support/running-host.ts";

/** Where pictures go if they are wanted. */
const pictures = process.env.HEARTH_SCREENSHOTS;

describe("a link to watch, in a browser", () => {
  let host: RunningHost;
  let home: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-watch-")));
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/bash" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  const sees = async (page: Page, text: string) => {
    await page.locator('[data-testid="watched"] .xterm-rows', { hasText: text }).waitFor();
  };
  const stands = async (page: Page, state: string) => {
    await page.locator(`[data-testid="watch-state"][data-state="${state}"]`).waitFor();
  };

  it("A18: shows the screen as it is, takes no key, comes back after the host was killed, and ends when it is ended", {
    timeout: 180_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: home });
    const { terminal_id } = await client.call("terminal.open", { session_id, rows: 30, cols: 100 });
    const types = (data: string) => client.call("terminal.input", { terminal_id, data });
    await types("echo earl''ier\r");
    const { url, share_id } = await client.call("share.create", { terminal_id });

    const page = await browser.newPage({ viewport: { width: 900, height: 600 } });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(url);
    await stands(page, "live");
    await sees(page, "earlier");
    await types("echo lat''er\r");
    await sees(page, "later");
    // Whatever is pressed here stays here.
    await page.locator('[data-testid="watched"]').click();
    await page.keyboard.type("echo from-the-viewer\n");
    await types("echo aft''er; stty size\r");
    await sees(page, "after");
    await sees(page, "30 100");
    assert.ok(!(await page.locator('[data-testid="watched"]').textContent())?.includes("from-the-viewer"));
    if (pictures !== undefined) {
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, "watch.png") });
    }
    await page.reload();
    await sees(page, "earlier");

    await host.kill9();
    await stands(page, "away");
    await host.restart();
    await stands(page, "live");
    await types("echo aga''in\r");
    await sees(page, "again");

    await client.call("share.revoke", { share_id });
    await stands(page, "over");
    await page.reload();
    await stands(page, "over");
    // It asked for nothing but what the link shows.
    assert.deepEqual([...new Set(asked.filter((path) => path.startsWith("/api/")))], ["/api/watch"]);
    assert.deepEqual(errors, []);
  });

  it("A18: shows the output of a process, and says when that has ended", { timeout: 180_000 }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const client = await host.client();
    const { process_id } = await client.call("process.start", { argv: ["sh", "-c", "echo one; echo two; read a"] });
    const { url } = await client.call("share.create", { process_id, minutes: 1 });
    const page = await browser.newPage();
    await page.goto(url);
    await sees(page, "two");
    await stands(page, "live");
    await client.call("process.submit", { process_id, data: "" });
    await stands(page, "gone");
    // What it has said can still be read.
    await sees(page, "one");
  });
});
