// A page with processes in view, and programs worth looking at.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { HearthClient } from "../../src/client/client.ts";
import type { RunningHost } from "./running-host.ts";

/** Where pictures go if they are wanted (`HEARTH_SCREENSHOTS=docs/images npm test -- process`). */
const pictures = process.env.HEARTH_SCREENSHOTS;
export async function picture(page: Page, name: string, waitMs: number): Promise<void> {
  if (pictures === undefined) return;
  await page.waitForTimeout(waitMs);
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

export async function openPage(
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
export async function makePrograms(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-programs-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "server.cjs"), server);
  await writeFile(join(folder, "watch.cjs"), worker);
  return folder;
}

export const session = async (client: HearthClient, title: string, workspace: string): Promise<string> =>
  (await client.call("session.create", { title, workspace })).session_id;
export const rowOf = (page: Page, id: string) => page.locator(`[data-testid="process-row"][data-process-id="${id}"]`);
export const isWide = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
