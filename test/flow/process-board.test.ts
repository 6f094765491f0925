// The board of all processes as a person sees and uses it: in a real browser, with real programs.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { isWide, makePrograms, openPage, picture, rowOf, session } from "../support/process-page.ts";
import { RunningHost } from "../support/running-host.ts";

describe("the board of processes", () => {
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
    await picture(page, "board", 60_000);
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
    await picture(phone.page, "board-phone", 25_000);
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

  it("P16: hundreds of rows are drawn by pages", { timeout: 180_000 }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    for (let at = 0; at < 3; at++)
      await Promise.all(Array.from({ length: 80 }, () => client.call("process.start", { argv: ["sleep", "600"] })));
    const { page, errors } = await openPage(t, browser, host, "#/processes");
    const rows = page.getByTestId("process-row");
    await page.getByTestId("more-processes").waitFor();
    assert.equal(await rows.count(), 200);
    await page.getByTestId("more-processes").click();
    await page.getByTestId("more-processes").waitFor({ state: "detached" });
    assert.equal(await rows.count(), 240);
    assert.deepEqual(errors, []);
  });
});
