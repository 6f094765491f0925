// A process on the page as a person sees and uses it: in a real browser, with real programs.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { makePrograms, openPage, picture, rowOf, session } from "../support/process-page.ts";
import { RunningHost } from "../support/running-host.ts";

describe("processes on the page", () => {
  it("T16, P34, A45: shows what a dev server uses, prints and serves; closes the view without ending it, ends it with all it started", {
    timeout: 180_000,
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
    // The address that it printed is a link, over a change of colour; what it only called one is none.
    const link = output.locator("a");
    assert.equal(await link.count(), 1);
    assert.match((await link.textContent()) ?? "", /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal(await link.getAttribute("href"), await link.textContent());
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    const [opened] = await Promise.all([context.waitForEvent("page"), link.click()]);
    await opened.getByText("it works").waitFor();
    await opened.close();
    assert.match(await page.title(), /^Make the page faster/);
    await page.keyboard.press("/");
    await page.getByTestId("output-search").fill("needle");
    await page.getByTestId("output-search-count").filter({ hasText: "1 of 5" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByTestId("output-search-count").filter({ hasText: "2 of 5" }).waitFor();
    assert.equal(await output.locator("mark").count(), 5);
    assert.equal(await output.locator("mark[data-current]").count(), 1);
    await picture(page, "processes", 6_000);
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

  it("P15, P34: says lines to a process, interrupts it, ends its input; shows earlier output page by page", {
    timeout: 180_000,
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
    // Faster than anything can be drawn: the page shows the end.
    const flood = await client.call("process.start", {
      ...{ session_id, command: "yes 'a line of the flood' | head -c 40000000; echo; echo the end" },
    });
    await page.evaluate((to) => location.assign(to), `#/processes/${flood.process_id}`);
    await output.getByText("the end").waitFor();
    await page.evaluate((to) => location.assign(to), `#/processes/${process_id}`);
    await output.getByText("line 100000").waitFor();

    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("download-output").click()]);
    assert.equal(download.suggestedFilename(), `${process_id}.log`);
    assert.deepEqual(errors, []);
  });

  it("P15, T14, A45: a program on a terminal is typed into, and cannot stop the page", {
    timeout: 180_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    const poison = "\\033[2147483647b\\033[2147483647L\\033]52;c;Zm9v\\007";
    const { process_id } = await client.call("process.start", {
      ...{ command: `printf 'x${poison}'; stty raw -echo; echo ready; cat -v`, mode: "pty" },
    });
    const { page, errors } = await openPage(t, browser, host, `#/processes/${process_id}`);
    const screen = page.getByTestId("process-output");
    await screen.filter({ hasText: "ready" }).waitFor();
    await screen.locator("textarea").focus();
    await page.keyboard.type("hello");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await screen.filter({ hasText: "hello^[/" }).waitFor();
    await page.keyboard.press("Control+Shift+L");
    await page.keyboard.press("/");
    await page.getByTestId("terminal-search").fill("hello");
    await page.getByTestId("terminal-search-count").filter({ hasText: "1 of 1" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("send-interrupt").click();
    await screen.filter({ hasText: "hello^[/^C" }).waitFor();
    await page.getByTestId("close-view").click();
    assert.equal((await client.call("process.poll", { process_id })).status, "running");
    assert.deepEqual(errors, []);
  });
});
