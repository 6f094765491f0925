// A real browser for flow tests: the system's Chromium, headless, that talks to loopback alone.
import { existsSync } from "node:fs";
import type { TestContext } from "node:test";
import { type Browser, chromium } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts it, or skips the test where there is none (with HEARTH_TEST_ALL=1 that fails). Closed with the test. */
export async function startBrowser(t: Pick<TestContext, "after" | "skip">): Promise<Browser | undefined> {
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath === undefined) {
    if (process.env.HEARTH_TEST_ALL === "1") throw new Error("There is no Chromium here: apt-get install chromium");
    t.skip("there is no Chromium here");
    return undefined;
  }
  const browser = await chromium.launch({
    executablePath,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
    ],
  });
  t.after(() => browser.close());
  return browser;
}
