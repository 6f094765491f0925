// N1, N11 as a person meets them: a page in a real browser that draws a flood, and one that is loaded anew.
import headless from "@xterm/headless";
import type { Page } from "playwright-core";
import { startBrowser } from "../test/support/browser.ts";
import { RunningHost } from "../test/support/running-host.ts";
import { live, openTerminals, until } from "../test/support/terminal-page.ts";
import { Probe } from "./probe.ts";
import { median, type Report } from "./report.ts";

const ROUNDS = 3;
const BYTES = 40_000_000;
const LINES = 10_000;
const RELOADS = 7;

export const rows = ["N1", "N11"];

export default async function run(report: Report): Promise<void> {
  await using leaving = new AsyncDisposableStack();
  const t = {
    after: (end: unknown) => {
      if (typeof end === "function") leaving.defer(() => end() as Promise<void>);
    },
    skip: () => report.progress("no browser: pages are not measured"),
  };
  const browser = await startBrowser(t);
  if (browser === undefined) return;
  const probe = leaving.use(await Probe.compile());
  const host = leaving.use(await RunningHost.start({ SHELL: "/bin/sh" }));
  const { session_id: session } = await (await host.client()).call("session.create", {});
  const page = await openTerminals(t, browser, host, { session });
  await page.addInitScript(countBytes);
  await page.reload();
  await live(page);
  if (report.wants("N1")) await flood(report, page, probe);
  if (report.wants("N11")) await reload(report, page);
}

/** In the page: what its sockets bring. */
function countBytes(): void {
  const counted = window as unknown as { cameBytes: number };
  counted.cameBytes = 0;
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => {
        counted.cameBytes += data instanceof ArrayBuffer ? data.byteLength : String(data).length;
      });
    }
  };
}

async function flood(report: Report, page: Page, probe: Probe): Promise<void> {
  const seen: number[] = [];
  const came: number[] = [];
  const plain: number[] = [];
  const alone: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const baseline = await probe.read(BYTES);
    plain.push(baseline.bytes / 1e6 / baseline.seconds);
    alone.push(await emulate());
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.type(`clear; ${probe.path} logs ${BYTES}; echo en''d ${round}\n`);
    await until(page, /ready$/);
    const before = await page.evaluate(() => (window as unknown as { cameBytes: number }).cameBytes);
    const began = performance.now();
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (text) => document.querySelector('[data-testid="terminal"] .xterm-rows')?.textContent?.includes(text),
      `end ${round}`,
      { polling: 10, timeout: 120_000 },
    );
    seen.push(BYTES / 1e3 / (performance.now() - began));
    came.push((await page.evaluate(() => (window as unknown as { cameBytes: number }).cameBytes)) - before);
    report.progress(
      `N1 page round ${round}: ${seen.at(-1)?.toFixed(1)} MB/s, ${((came.at(-1) ?? 0) / 1e6).toFixed(1)} MB came`,
    );
  }
  report.add({
    id: "N1",
    what: "the same on the page (Chromium): printed, until its end is drawn",
    measured: `${median(seen).toFixed(1)} MB/s printed; ${(median(came) / 1e6).toFixed(1)} of ${BYTES / 1e6} MB were drawn, the rest by snapshot`,
    baseline: `${median(plain).toFixed(1)} MB/s (C reader of the same PTY); ${median(alone).toFixed(1)} MB/s (the emulator alone, without a screen, in Node)`,
    aim: "– (the shell is never slowed down, and the last screen is right)",
    note: `medians of ${ROUNDS} × ${BYTES / 1e6} MB; the browser draws without a graphics card`,
  });
}

/** What the emulator reaches where it only has to parse. */
async function emulate(): Promise<number> {
  const terminal = new headless.Terminal({ rows: 24, cols: 80, scrollback: 10_000, allowProposedApi: true });
  const line =
    "\x1b[2m12:34:56.789\x1b[0m \x1b[32mINFO\x1b[0m  \x1b[1mserver\x1b[0m request 000123 served in 45 ms from 10.0.0.67\r\n";
  const text = Buffer.from(line.repeat(100_000));
  const began = performance.now();
  for (let at = 0; at < text.length; at += 65_536)
    await new Promise<void>((resolve) => terminal.write(text.subarray(at, at + 65_536), resolve));
  const seconds = (performance.now() - began) / 1000;
  terminal.dispose();
  return text.length / 1e6 / seconds;
}

async function reload(report: Report, page: Page): Promise<void> {
  await page.locator('[data-testid="terminal"] textarea').focus();
  await page.keyboard.type(`clear; seq -f 'line %g of them' ${LINES}; echo all of it\n`);
  await until(page, /\nall of it\n/);
  const times: number[] = [];
  for (let round = 0; round < RELOADS; round++) {
    const began = performance.now();
    await page.reload({ waitUntil: "commit" });
    await page.waitForFunction(
      () => document.querySelector('[data-testid="terminal"] .xterm-rows')?.textContent?.includes("all of it"),
      undefined,
      { polling: 5 },
    );
    times.push(performance.now() - began);
  }
  report.add({
    id: "N11",
    what: "page loaded anew with a terminal of 10,000 lines, until its screen is drawn, p50",
    measured: `${median(times).toFixed(0)} ms`,
    baseline: "the rows above: what of it is the screen",
    aim: "–",
    note: `${RELOADS} reloads; loading the page itself is in it`,
  });
}
