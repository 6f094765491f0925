// The page's processes as a person sees and uses them: in a real browser, with real programs.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { HearthClient } from "../../src/client/client.ts";
import { startBrowser } from "../support/browser.ts";
import { RunningHost } from "../support/running-host.ts";

/** Where pictures go if they are wanted (`HEARTH_SCREENSHOTS=docs/images npm test -- process-page`). */
const pictures = process.env.HEARTH_SCREENSHOTS;
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const server = `
  const paint = (code, text) => "\\x1b[" + code + "m" + text + "\\x1b[0m";
  require("node:http").createServer((_, answer) => answer.end("it works")).listen(0, "127.0.0.1", function () {
    console.log("  " + paint("32", "➜") + "  Local: " + paint("36", "http://127.0.0.1:" + this.address().port + "/"));
    for (let n = 1; n <= 40; n++)
      console.log(paint("2", String(n).padStart(4)) + " " + paint("1;33", "GET") + " /page/" + n + " " +
        (n % 8 ? paint("38;5;35", "200") : paint("41;97", " 500 ") + " needle " + n));
    console.log("\\x1b]0;stolen title\\x07\\x1b]8;;javascript:alert(1)\\x1b\\\\not a link\\x1b]8;;\\x1b\\\\");
    setInterval(() => { for (const until = Date.now() + 20; Date.now() < until; ); }, 100);
  });
  require("node:child_process").spawn("sleep", ["600"]);
`;

async function openPage(
  t: TestContext,
  browser: Browser,
  host: RunningHost,
  hash: string,
  o: BrowserContextOptions = {},
) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, colorScheme: "light", ...o });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const { url } = await (await host.client()).call("ticket.mint", {});
  await page.goto(url);
  await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
  await page.evaluate((to) => location.assign(to), hash);
  return { page, context, errors };
}

/** Works now more, now less, and keeps more and more, until it lets go of it. */
const worker = `
  console.log("watching");
  let kept = [];
  setInterval(() => {
    for (const until = Date.now() + Math.sin(Date.now() / 5000) ** 2 * 350; Date.now() < until; );
    kept = kept.length > 12 ? [] : [...kept, Buffer.alloc(4_000_000, 1)];
  }, 400);
`;

/** A directory with the programs above, removed with the test. */
async function makePrograms(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-programs-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "server.cjs"), server);
  await writeFile(join(folder, "watch.cjs"), worker);
  return folder;
}

const session = async (client: HearthClient, title: string, workspace: string): Promise<string> =>
  (await client.call("session.create", { title, workspace })).session_id;
const rowOf = (page: Page, id: string) => page.locator(`[data-testid="process-row"][data-process-id="${id}"]`);
const isWide = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

describe("processes on the page", () => {
  it("T16, P34, A45: shows what a dev server uses, prints and serves; closes the view without ending it, ends it with all it started", {
    timeout: 90_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    const session_id = await session(client, "Make the page faster", await makePrograms(t));
    const { process_id } = await client.call("process.start", {
      ...{ session_id, name: "dev server", argv: ["node", "server.cjs"] },
    });
    const { page, context, errors } = await openPage(t, browser, host, `#/s/${session_id}`);
    const row = rowOf(page, process_id);
    const port = row.getByTestId("port");
    await port.waitFor();
    await row.locator('[data-testid="cpu"][aria-label^="CPU "]:not([aria-label*="not known"])').waitFor();

    // The link leads to what it serves, in a tab that knows nothing of this one.
    const [served] = await Promise.all([context.waitForEvent("page"), port.click()]);
    await served.getByText("it works").waitFor();
    assert.equal(await served.evaluate(() => window.opener), null);
    await served.close();

    // Its output: in colour, without what it tried, and searched.
    await row.locator("[data-row]").click();
    const output = page.getByTestId("process-output");
    await output.getByText("/page/40").waitFor();
    assert.notEqual(
      await output
        .getByText("GET")
        .first()
        .evaluate((one) => getComputedStyle(one).color),
      await output.evaluate((one) => getComputedStyle(one).color),
    );
    await output.getByText("not a link").waitFor();
    assert.equal(await output.locator("a").count(), 0);
    assert.match(await page.title(), /^Make the page faster/);
    await page.keyboard.press("/");
    await page.getByTestId("output-search").fill("needle");
    await page.getByTestId("output-search-count").filter({ hasText: "1 of 5" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByTestId("output-search-count").filter({ hasText: "2 of 5" }).waitFor();
    assert.equal(await output.locator("mark").count(), 5);
    assert.equal(await output.locator("mark[data-current]").count(), 1);
    await page.waitForTimeout(pictures === undefined ? 0 : 6_000);
    await picture(page, "processes");
    await page.keyboard.press("Escape");
    assert.equal(await output.locator("mark").count(), 0);

    // The view is closed, the process lives; opened again, all is there.
    await page.getByRole("button", { name: "Close the view, it runs on" }).click();
    await row.locator("[data-row]").waitFor();
    assert.equal((await client.call("process.poll", { process_id })).status, "running");
    await row.locator("[data-row]").press("Enter");
    await output.getByText("/page/40").waitFor();

    const tree = await client.call("process.top", { process_id });
    assert.deepEqual(
      tree.processes.map((one) => one.name),
      ["node", "sleep"],
    );
    await page.getByTestId("process-detail").getByTestId("process-stop").click();
    await page.locator(`[data-process-id="${process_id}"][data-status="killed"]`).waitFor();
    for (const { pid } of tree.processes) assert.equal(existsSync(`/proc/${pid}`), false, `${pid} is gone`);
    await page.getByRole("button", { name: "Close the view", exact: true }).waitFor();
    assert.deepEqual(errors, []);
  });

  it("P12, P34: says lines to a process, interrupts it, ends its input; shows earlier output page by page", {
    timeout: 90_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    const session_id = await session(client, "Talk", tmpdir());
    const cat = await client.call("process.start", { session_id, command: "cat; echo over" });
    const stubborn = await client.call("process.start", {
      ...{ session_id, command: `trap 'echo "not yet"' INT; echo ready; while :; do sleep 0.1; done` },
    });
    const { page, errors } = await openPage(t, browser, host, `#/processes/${cat.process_id}`);
    const output = page.getByTestId("process-output");
    await page.getByTestId("process-input").fill("good morning");
    await page.getByTestId("process-input").press("Enter");
    await output.getByText("good morning").waitFor();
    await page.getByTestId("send-eof").click();
    await output.getByText("over").waitFor();
    await rowOf(page, cat.process_id).locator("visible=true").first().waitFor();

    await page.evaluate((to) => location.assign(to), `#/processes/${stubborn.process_id}`);
    await output.getByText("ready").waitFor();
    await page.getByTestId("send-interrupt").click();
    await output.getByText("not yet").waitFor();

    // Far more than a viewer is shown at first.
    const { process_id } = await client.call("process.start", { session_id, command: "seq -f 'line %06g' 1 100000" });
    await client.call("process.wait", { process_id });
    await page.evaluate((to) => location.assign(to), `#/processes/${process_id}`);
    await output.getByText("line 100000").waitFor();
    assert.equal(await output.getByText("line 070000").count(), 0);
    await output.evaluate((one) => one.scrollTo(0, 0));
    await page.getByTestId("follow-output").waitFor();
    const first = Number(/line (\d+)/.exec((await output.textContent()) ?? "")?.[1] ?? 0);
    await page.getByTestId("earlier-output").click();
    await output.getByText(`line ${String(first - 1).padStart(6, "0")}`).waitFor();
    assert.equal(await output.getByText("line 100000").count(), 0, "one page is in memory");
    await page.getByTestId("later-output").click();
    await output.getByText("line 100000").waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("download-output").click()]);
    assert.equal(download.suggestedFilename(), `${process_id}.log`);
    assert.deepEqual(errors, []);
  });

  it("P16, T16: the board shows the processes of all conversations, filtered, sorted, by keyboard, and on a phone", {
    timeout: 180_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    const folder = await makePrograms(t);
    const one = await session(client, "Make the page faster", folder);
    const two = await session(client, "Port it to another board", folder);
    const start = async (session_id: string, command: string, name?: string) =>
      (await client.call("process.start", { session_id, command, ...(name === undefined ? {} : { name }) })).process_id;
    await start(one, "node server.cjs", "dev server");
    const watcher = await start(one, "node watch.cjs", "tests, watching");
    const build = await start(two, "make sleep || sleep 600");
    const failed = await start(two, "exit 3");
    const shell = await client.call("terminal.open", { session_id: two, rows: 24, cols: 80 });
    await client.call("prompt.submit", { session_id: one, text: "start node server.cjs --port 0" });
    const { page, errors } = await openPage(t, browser, host, "#/processes");
    const shown = async () =>
      (
        await page
          .getByTestId("process-row")
          .evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset.processId))
      ).filter(Boolean);
    const until = (count: number) =>
      page.waitForFunction(
        (wanted) => document.querySelectorAll('[data-testid="process-row"]').length === wanted,
        count,
      );

    await until(5);
    assert.ok((await shown()).includes(shell.terminal_id), "a terminal's shell is a process as well");
    await page.getByTestId("port").nth(1).waitFor();
    await page.waitForTimeout(pictures === undefined ? 0 : 60_000);
    await picture(page, "board");
    const hidden = await start(two, "sleep 600 # \u001b[2J\u202e hidden", "odd");
    await until(6);
    assert.match(await rowOf(page, hidden).innerText(), /\\e\[2J\\u\{202e\}/);

    await page.getByTestId("show-ended").check({ force: true });
    await until(1);
    await rowOf(page, failed).getByText("exit 3").first().waitFor();
    await page.getByTestId("show-all").check({ force: true });
    await until(7);
    await page.getByTestId("board-session").selectOption(two);
    await until(4);
    await page.getByTestId("board-filter").fill("MAKE sleep");
    await until(1);
    assert.deepEqual(await shown(), [build]);
    await page.getByTestId("board-filter").press("Escape");
    await page.getByTestId("board-session").selectOption("");
    await until(7);

    // By keyboard: down, in, out again to where one was; and to the filter.
    await page.getByTestId("board-sort").selectOption("name");
    await page.locator("[data-row]").first().focus();
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("k");
    const chosen = (await shown())[1];
    await page.keyboard.press("Enter");
    await page.getByTestId("process-detail").waitFor();
    assert.equal(new URL(page.url()).hash, `#/processes/${chosen}`);
    await page.keyboard.press("Escape");
    await page.getByTestId("process-detail").waitFor({ state: "detached" });
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest("[data-process-id]")?.getAttribute("data-process-id"));
    assert.equal(await focused(), chosen);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-testid")), "board-filter");

    // Who started it: a link to the place in the conversation.
    const agents = page.getByTestId("process-row").filter({ hasText: "--port 0" });
    await agents.getByTestId("started-by").click();
    await page.locator('[data-testid="tool-card"]').filter({ hasText: "--port 0" }).waitFor();
    assert.match(page.url(), new RegExp(`#/s/${one}/c/`));
    await page.getByTestId("board-link").click();
    await page.getByTestId("process-board").waitFor();

    // A phone, in the dark.
    const phone = await openPage(t, browser, host, "#/processes", {
      ...{ viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true },
    });
    await rowOf(phone.page, watcher).waitFor();
    assert.equal(await isWide(phone.page), false, "nothing is cut off at 390 px");
    await phone.page.waitForTimeout(pictures === undefined ? 0 : 25_000);
    await picture(phone.page, "board-phone");
    await rowOf(phone.page, watcher).locator("[data-row]").click();
    await phone.page.getByTestId("process-output").waitFor();
    assert.equal(await isWide(phone.page), false);
    await phone.page.getByTestId("close-view").click();

    // Everything of one conversation is stopped after a question, and the other goes on.
    await page.getByTestId("show-running").check({ force: true });
    await page.getByTestId("board-session").selectOption(one);
    await until(3);
    await page.getByTestId("stop-all").click();
    await page.getByTestId("dialog").getByText("Stop all 3 processes").waitFor();
    await page.getByTestId("dialog-act").click();
    await until(0);
    assert.equal((await client.call("process.poll", { process_id: build })).status, "running");
    assert.deepEqual([...errors, ...phone.errors], []);
  });

  it("P16: hundreds of rows are drawn by pages", { timeout: 90_000 }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    for (let at = 0; at < 5; at++)
      await Promise.all(Array.from({ length: 90 }, () => client.call("process.start", { argv: ["sleep", "600"] })));
    const { page, errors } = await openPage(t, browser, host, "#/processes");
    const rows = page.getByTestId("process-row");
    await page.getByTestId("more-processes").waitFor();
    assert.equal(await rows.count(), 200);
    await page.getByTestId("more-processes").click();
    await page.getByTestId("more-processes").click();
    await page.getByTestId("more-processes").waitFor({ state: "detached" });
    assert.equal(await rows.count(), 450);
    assert.deepEqual(errors, []);
  });
});
