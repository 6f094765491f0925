import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { RunningHost, Watched } from "../support/running-host.ts";
import { makeWorkspace } from "../support/workspace.ts";

/** Where pictures go if they are wanted (`HEARTH_SCREENSHOTS=docs/images npm test -- story`). */
const pictures = process.env.HEARTH_SCREENSHOTS;
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const TEXT = 'start npm run check until "passed"\nsay I will tell you when it is done.';

describe("the story of a first run", () => {
  it("S10, P32, T9: a turn runs real commands, streams to a browser, and survives kill -9", {
    timeout: 120_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using workspace = await makeWorkspace({ seconds: 6, lines: 60, stops: true });
    await using host = await RunningHost.start();
    const context = await browser.newContext({ viewport: { width: 1360, height: 850 } });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (/script-src|Content Security Policy/.test(message.text())) errors.push(message.text());
    });

    // The page opens with the printed address, without an account, and the ticket leaves the address bar.
    await page.goto(host.url);
    await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
    assert.doesNotMatch(page.url(), /ticket/);
    await picture(page, "welcome");

    // The person picks a repository as workspace.
    await page.getByTestId("new-session").click();
    // It takes the keyboard when it comes, and what is open then closes.
    await page.locator('[data-testid="session-row"] [aria-current="page"]').waitFor();
    await page.locator('[data-testid="composer"]:focus').waitFor();
    await page.getByTestId("workspace").click();
    await page.getByTestId("workspace-input").fill(workspace.path);
    await page.getByTestId("workspace-save").click();

    await page.getByTestId("composer").fill(TEXT);
    await page.getByTestId("composer").press("Enter");
    await page.locator('[data-testid="tool-card"][data-name="terminal"]').waitFor();
    await page.getByTestId("message-assistant").filter({ hasText: "I will tell you when it is done." }).waitFor();
    const row = page.locator('[data-testid="process-row"]').first();
    await row.waitFor();
    await row.click();
    await page.getByTestId("process-output").filter({ hasText: "check 3 of 60" }).first().waitFor();
    if (pictures !== undefined) await page.getByText("check 25 of 60").waitFor();
    await picture(page, "running");
    const session_id = /ses_[0-9a-f]{12}/.exec(page.url())?.[0] ?? "";
    assert.notEqual(session_id, "");
    const client = await host.client();
    using watched = new Watched(client, session_id);
    await watched.seen("process.started");
    const [started] = watched.of("process.started");
    const { process_id } = (started?.payload ?? { process_id: "" }) as { process_id: string };

    // Halfway the host is killed and started again; the page comes back by itself.
    const before = await client.call("process.poll", { process_id });
    assert.equal(before.status, "running");
    await host.kill9();
    await page.locator('[data-testid="connection"]:not([data-state="ready"])').waitFor({ state: "attached" });
    await host.restart();
    await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
    const after = await client.call("process.poll", { process_id });
    assert.equal(after.pid, before.pid, "the process never noticed");
    await workspace.goOn();

    // The notices arrive: the pattern, then the end, each with a turn of its own or together.
    await watched.until(() => watched.of("notice").length === 2 && watched.of("process.closed").length === 1);
    await watched.until(
      (events) => (events.at(-1)?.type ?? "") === "turn.ended" && watched.of("turn.ended").length >= 2,
    );
    await page.getByTestId("notice").filter({ hasText: "passed" }).first().waitFor();
    await page.locator('[data-testid="process-row"][data-status="exited"]').first().waitFor();
    const end = await client.call("process.wait", { process_id, timeout: 1 });
    assert.deepEqual([end.status, end.exit_code], ["exited", 0]);
    const output = await (await host.fetch(`/api/processes/${process_id}/output?from=0`)).text();
    const said = output.split("\n").filter((line) => workspace.lines.includes(line));
    assert.deepEqual(said, [...workspace.lines], "its output is complete");
    await picture(page, "done");

    // The conversation is whole: dense numbers, one end per turn, each message once.
    for (const [index, event] of watched.events.entries()) assert.equal(event.seq, index + 1);
    const shown = await page.getByTestId("message-user").count();
    assert.equal(shown, 1);

    // The same conversation goes on elsewhere, at the same time: what another client says appears here.
    await client.call("prompt.submit", { session_id, text: "say hello from the terminal" });
    await page.getByTestId("message-assistant").filter({ hasText: "hello from the terminal" }).waitFor();

    // A reload looks as if nothing had happened.
    const words = await page.getByTestId("message-assistant").allInnerTexts();
    await page.reload();
    await page.getByTestId("message-assistant").filter({ hasText: "hello from the terminal" }).waitFor();
    assert.deepEqual(await page.getByTestId("message-assistant").allInnerTexts(), words);
    assert.deepEqual(errors, []);

    // A phone sees it too.
    const phone = await context.newPage();
    await phone.setViewportSize({ width: 390, height: 844 });
    await phone.goto(page.url());
    await phone.getByTestId("message-assistant").filter({ hasText: "hello from the terminal" }).waitFor();
    const wide = await phone.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    assert.equal(wide, false, "nothing is cut off at 390 px");
    await picture(phone, "phone");

    // What a command printed can be read below it, also where it failed; how it ended is said once.
    await client.call("prompt.submit", { session_id, text: "run echo seen below; exit 3" });
    const printed = page.getByTestId("tool-printed");
    await printed.waitFor({ state: "attached" });
    assert.equal(await printed.textContent(), "seen below");
    assert.deepEqual(errors, []);
  });
});
