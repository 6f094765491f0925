// What was printed long before is within reach: by wheel and keys, marked by a mouse, after a reload and after the end.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { terminalHome } from "../support/terminal-home.ts";
import { copied, live, openTerminals, top, toTheFirst, type, until } from "../support/terminal-page.ts";

/** More than comes with a screen. */
const LINES = 2_500;
const PRINT = `clear; for n in $(seq 1 ${LINES}); do printf 'line %d ${"x".repeat(140)}\\n' $n; done`;
const PRINTED = new RegExp(`line ${LINES} x+\\nready> ?$`);
describe("a terminal's scrollback", () => {
  const shells = terminalHome({ shell: "/bin/bash", prompt: "ready> " });
  /** A page that was loaded anew after more had been printed than comes with a screen. */
  async function loadedAnew(t: TestContext, browser: Browser): Promise<Page> {
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    await type(page, PRINT);
    await until(page, PRINTED);
    await page.reload();
    await live(page);
    return page;
  }

  it("T9: what is in view and what is being marked stay where they are while older lines come in", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await loadedAnew(t, browser);
    const shown = await until(page, PRINTED);
    const height = shown.split("\n").length;
    const box = await page.getByTestId("terminal").boundingBox();
    assert.ok(box !== null);
    // Marked upwards, past the first line in view: those above come into view under the pointer.
    await page.mouse.move(box.x + 300, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + 60, box.y - 20, { steps: 4 });
    const before = top(shown);
    await until(page, (now) => top(now) < before - 2 * height);
    await page.mouse.up();
    await page.keyboard.press("Control+Shift+C");
    const marked = await copied(page, (text) => text.split("\n").length > 2 * height);
    // All of it is there now: the first line too.
    await toTheFirst(page);
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await page.keyboard.press("Control+Shift+C");
    await copied(page, (text) => text === marked);
  });

  it("T1, T9: of a shell that has ended everything can be read, also by who was there with the last of it", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await loadedAnew(t, browser);
    await type(page, "exit 3");
    const ended = page.locator('[data-testid="terminal-status"][data-phase="ended"]');
    await ended.waitFor();
    assert.equal(await toTheFirst(page), 0, "drawn anew in one go");
    assert.match((await ended.textContent()) ?? "", /exit code 3/);
    await page.reload();
    await ended.waitFor();
    await page.locator('[data-testid="terminal"] textarea').focus();
    await toTheFirst(page);
  });

  it("T9: a page of nothing but terminals can be typed into as soon as it is there again", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    await page.reload();
    await live(page);
    await until(page, /ready>/);
    await page.keyboard.type("echo typed\n");
    await until(page, /\ntyped\n/);
  });
});
