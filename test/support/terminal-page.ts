// A page with a session's terminals in view, and what a person sees and does there.
import type { TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { eventually } from "./eventually.ts";
import type { RunningHost } from "./running-host.ts";

export interface TerminalPageOptions {
  session: string;
  context?: BrowserContextOptions;
  /** Errors of the page are collected here. */
  errors?: string[];
}

/** Logs a browser of its own in and opens the session's terminals over the whole page; closed with the test. */
export async function openTerminals(
  t: Pick<TestContext, "after">,
  browser: Browser,
  host: RunningHost,
  options: TerminalPageOptions,
): Promise<Page> {
  const context = await browser.newContext({
    ...{ viewport: { width: 1200, height: 760 }, permissions: ["clipboard-read", "clipboard-write"] },
    ...options.context,
  });
  t.after(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", (error) => options.errors?.push(error.message));
  const { url } = await (await host.client()).call("ticket.mint", {});
  await page.goto(url);
  await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
  await page.evaluate((hash) => location.assign(hash), `#/s/${options.session}/t`);
  await live(page);
  return page;
}

/** Waits until the terminal is attached. */
export async function live(page: Page, name = "main"): Promise<void> {
  await pane(page, name).locator('[data-testid="terminal-status"][data-phase="live"]').waitFor({ state: "attached" });
}

/** The pane of a terminal: its screen and what is said about it. */
export function pane(page: Page, name = "main") {
  return page.locator('[role="group"]', { has: page.locator(`[data-testid="terminal"][data-name="${name}"]`) });
}

/** What the screen shows now, line by line, without the blanks at the ends. */
export async function screenText(page: Page, name = "main"): Promise<string> {
  const rows = page.locator(`[data-testid="terminal"][data-name="${name}"] .xterm-rows > div`);
  const lines = await rows.evaluateAll((all) => all.map((row) => (row.textContent ?? "").replaceAll("\u00a0", " ")));
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}

/** Waits until the screen is as wanted; fails with what it showed instead. */
export async function until(page: Page, wanted: RegExp | ((text: string) => boolean), name = "main"): Promise<string> {
  const good = typeof wanted === "function" ? wanted : (text: string) => wanted.test(text);
  const patience = Date.now() + 60_000;
  for (;;) {
    const text = await screenText(page, name);
    if (good(text)) return text;
    if (Date.now() > patience) throw new Error(`The screen never showed ${String(wanted)}:\n${text}`);
    await page.waitForTimeout(30);
  }
}

/** Types a line into the terminal. */
export async function type(page: Page, line: string, name = "main"): Promise<void> {
  await page.locator(`[data-testid="terminal"][data-name="${name}"] textarea`).focus();
  await page.keyboard.type(`${line}\n`);
}

/** Number of the first line in view, of lines that are printed as `line 12 x…`; NaN while the screen is drawn anew. */
export const top = (shown: string): number => Number(/^line (\d+) x/m.exec(shown)?.[1]);

/** Scrolls up to the first of those lines; answers how often the screen was empty on the way. */
export async function toTheFirst(page: Page): Promise<number> {
  const empty = await page.evaluateHandle(() => {
    const seen = { times: 0 };
    const rows = document.querySelector(".xterm-rows");
    let [last, was] = [performance.now(), false];
    const look = () => {
      const [now, is] = [performance.now(), rows?.textContent?.trim() === ""];
      // A screen that is held is let go after a second, so that one which is drawn more slowly than that is seen empty.
      if (is && !was && now - last < 1_000) seen.times += 1;
      [last, was] = [now, is];
    };
    if (rows !== null) new MutationObserver(look).observe(rows, { childList: true, subtree: true });
    return seen;
  });
  for (let presses = 0; presses < 200 && top(await until(page, /^line \d+ x/m)) > 1; presses++)
    await page.keyboard.press("Shift+PageUp");
  await until(page, /^line 1 x/m);
  return empty.evaluate(({ times }) => times);
}

/** What was copied, once it is as wanted: the clipboard has it a moment after the key. */
export async function copied(page: Page, wanted: (text: string) => boolean): Promise<string> {
  let text = "";
  const there = async () => {
    text = await page.evaluate(() => navigator.clipboard.readText());
    return wanted(text);
  };
  await eventually("it is copied", there).catch((error: unknown) => {
    throw new Error(`The clipboard has ${text.length} characters: ${text.slice(0, 200)}`, { cause: error });
  });
  return text;
}
