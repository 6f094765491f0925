// Looking at what a terminal shows on the page in other ways than by eye and mouse: as text, by ear, far back.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { terminalHome } from "../support/terminal-home.ts";
import { copied, live, openTerminals, top, toTheFirst, type, until } from "../support/terminal-page.ts";

const LINES = 12_000;
/** Lines above the screen, on the page and on the host. */
const KEPT = 10_000;

describe("what a terminal shows", () => {
  const shells = terminalHome({ shell: "/bin/bash", prompt: "ready> " });
  const menu = async (page: Page, deed: string) => {
    await page.getByTestId("terminal-menu").click();
    await page.locator(`[data-deed="${deed}"]`).click();
  };
  const text = async (page: Page) => {
    await menu(page, "text");
    const shown = (await page.getByTestId("terminal-text").locator("pre").textContent()) ?? "";
    await page.keyboard.press("Escape");
    await page.getByTestId("terminal-text").waitFor({ state: "detached" });
    return shown;
  };

  it("T9: 10,000 lines of scrollback are there after a reload, as on a page that never left", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    await type(
      page,
      `clear; for n in $(seq 1 ${LINES}); do printf 'line %d \\e[3%dmin colour\\e[0m\\n' $n $((n % 8)); done`,
    );
    await until(page, new RegExp(`line ${LINES} in colour\\nready> ?$`));
    const stayed = await text(page);
    await page.reload();
    await live(page);
    await until(page, new RegExp(`line ${LINES} in colour\\nready> ?$`));
    const rows = await page.evaluate(() => document.querySelectorAll(".xterm-rows > div").length);
    const came = await text(page);
    const lines = came.split("\n");
    assert.equal(lines.length, stayed.split("\n").length);
    assert.ok(lines.length >= KEPT && lines.length <= KEPT + rows, String(lines.length));
    assert.equal(came === stayed, true, "the same text");
  });

  it("T9: who scrolls up past what came with the screen is shown the rest, and stays where they look", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    // More than comes with a screen.
    const [lines, wide] = [2_500, "x".repeat(140)];
    const end = new RegExp(`line ${lines} x+\\nready> ?$`);
    await type(page, `clear; for n in $(seq 1 ${lines}); do printf 'line %d ${wide}\\n' $n; done`);
    await until(page, end);
    await page.reload();
    await live(page);
    await until(page, end);
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.press("Shift+PageUp");
    const first = top(await until(page, (shown) => top(shown) < lines - 50));
    assert.ok(first > lines - 150, `${first}: not thrown to another place while the older lines came in`);
    await toTheFirst(page);
    await type(page, "echo down");
    await until(page, /\ndown\n/);
  });

  it("can be selected as text by a finger and copied, wrapped lines as one", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, {
      session: await shells.begin(),
      context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    });
    await type(page, "clear; seq -s ' ' 1 100; echo end");
    await until(page, /end\nready> ?$/);
    await page.getByTestId("key-bar").getByRole("button", { name: "Select" }).tap();
    const shown = page.getByTestId("terminal-text").locator("pre");
    const numbers = Array.from({ length: 100 }, (_, at) => at + 1).join(" ");
    assert.equal(await shown.textContent(), `${numbers}\nend\nready>`);
    // As a long press on a word would.
    await shown.evaluate((place) => {
      const node = place.firstChild;
      if (node !== null) window.getSelection()?.setBaseAndExtent(node, 0, node, 5);
    });
    await page.getByTestId("text-copy").tap();
    await copied(page, (text) => text === "1 2 3");
    await shown.evaluate(() => window.getSelection()?.removeAllRanges());
    await page.getByTestId("text-copy").tap();
    await copied(page, (text) => text === `${numbers}\nend\nready>`);
    await page.getByRole("button", { name: "Back to the terminal" }).tap();
    await type(page, "echo back");
    await until(page, /\nback\n/);
  });

  it("is told to a screen reader where that is wanted, also after a reload", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    await until(page, /ready> ?$/);
    assert.equal(await page.locator(".xterm-accessibility").count(), 0);
    await menu(page, "reader");
    await type(page, "echo heard-$((1+1))");
    const spoken = page.locator(".xterm-accessibility-tree");
    await spoken.getByText("heard-2", { exact: true }).waitFor({ state: "attached" });
    await page.reload();
    await live(page);
    await spoken.getByText("heard-2", { exact: true }).waitFor({ state: "attached" });
    await menu(page, "reader");
    await page.locator(".xterm-accessibility").waitFor({ state: "detached" });
  });

  it("F49: of a paste that its program cannot take the person is told", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    await type(page, "cat > lines; echo writ''ten");
    await until(page, /cat > lines; echo writ''ten$/);
    await page.evaluate((long) => navigator.clipboard.writeText(long), "x".repeat(10_000));
    await menu(page, "paste");
    await page.getByTestId("terminal-notice").filter({ hasText: "Only 4095 of 10000 bytes were taken" }).waitFor();
    await page.keyboard.press("Control+U");
    await page.keyboard.press("Control+D");
    await until(page, /written/);
  });

  it("F49: a megabyte pasted into the page arrives whole where its program takes bytes", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    const text = Array.from({ length: 100_000 }, (_, at) => String(at).padStart(10, "0")).join("");
    await type(page, "stty raw -echo; echo re''ady; sleep 0.5; head -c 1000000 > raw.bin; stty sane; echo writ''ten");
    await until(page, /\nready/);
    await page.evaluate((long) => navigator.clipboard.writeText(long), text);
    await menu(page, "paste");
    // So much is asked about first.
    await page.getByTestId("dialog-act").click();
    await until(page, /written/);
    assert.equal((await readFile(join(shells.home, "raw.bin"), "latin1")) === text, true);
    assert.equal(await page.getByTestId("terminal-notice").count(), 0);
  });
});
