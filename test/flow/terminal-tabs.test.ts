// Terminals on the page between several people: who closes what, who has the keyboard, what is said, and who may watch.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { openPage, picture } from "../support/process-page.ts";
import { terminalHome } from "../support/terminal-home.ts";
import { live, openTerminals, pane, type, until } from "../support/terminal-page.ts";

describe("tabs of terminals", () => {
  const shells = terminalHome({ shell: "/bin/sh" });
  const tabOf = (page: Page, name: string) => page.getByTestId("terminal-tab").filter({ hasText: name });
  /** The terminal that typing goes to. */
  const typesInto = (page: Page, name: string) =>
    page.waitForFunction(
      (wanted) => document.activeElement?.closest("[data-name]")?.getAttribute("data-name") === wanted,
      name,
    );
  const chooses = async (page: Page, deed: string) => {
    await page.getByTestId("terminal-menu").click();
    await page.locator(`[data-deed="${deed}"]`).click();
  };

  it("T13: one that has ended by itself goes from every page when anybody closes it; a new one of its name appears in all", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await shells.begin();
    const mine = await openTerminals(t, browser, shells.host, { session });
    await mine.getByTestId("new-terminal").click();
    await live(mine, "2");
    const theirs = await openTerminals(t, browser, shells.host, { session });
    await tabOf(theirs, "2").click();
    await live(theirs, "2");
    await type(mine, "exit 4", "2");
    for (const page of [mine, theirs]) await pane(page, "2").getByTestId("terminal-ended").waitFor();
    // A page that comes back after its end shows it too, and has never seen it run.
    await theirs.reload();
    await tabOf(theirs, "2").waitFor();
    await mine.getByRole("button", { name: "End terminal 2" }).click();
    for (const page of [mine, theirs]) await tabOf(page, "2").waitFor({ state: "detached" });

    await type(mine, "exit 5");
    for (const page of [mine, theirs]) await pane(page).getByTestId("terminal-ended").waitFor();
    await mine.locator('[data-testid="terminal"] textarea').focus();
    await mine.keyboard.press("Enter");
    await live(mine);
    await live(theirs);
    await type(mine, "echo for-$((1+1))");
    await until(theirs, /\nfor-2\n/);
  });

  it("T5: whoever asks for a terminal types into it: by the panel's tab, a new one, a split, a tab, and after a close", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const { page } = await openPage(t, browser, shells.host, `#/s/${await shells.begin()}`);
    await page.getByTestId("tab-terminal").click();
    await live(page);
    await typesInto(page, "main");
    await page.keyboard.type("echo at-$((6*7))\n");
    await until(page, /\nat-42\n/);
    await page.getByTestId("tab-processes").click();
    await page.getByTestId("tab-terminal").click();
    await typesInto(page, "main");
    // Also where it is in view already, and the keyboard elsewhere.
    await page
      .getByRole("textbox", { name: /message|shall/i })
      .first()
      .focus();
    await page.getByTestId("tab-terminal").click();
    await typesInto(page, "main");
    await page.getByTestId("new-terminal").click();
    await typesInto(page, "2");
    await chooses(page, "split-below");
    await typesInto(page, "3");
    await tabOf(page, "main").click();
    await typesInto(page, "main");
    await page.getByTestId("new-terminal").focus();
    await tabOf(page, "main").click();
    await typesInto(page, "main");
    await tabOf(page, "main").focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute("role")),
      "tab",
      "arrows stay in the row",
    );
    await live(page, "3");
    await page.keyboard.press("Enter");
    await typesInto(page, "3");
    await page.getByRole("button", { name: "End terminal 3" }).click();
    await typesInto(page, "2");
  });

  it("T4: the panel is as wide as it was dragged, its shell is told, and it stays so", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const { page } = await openPage(t, browser, shells.host, `#/s/${await shells.begin()}`);
    await page.getByTestId("tab-terminal").click();
    await live(page);
    const cols = async () => {
      const size = await pane(page).getByTestId("terminal-status").getAttribute("data-size");
      return Number(size?.split("x")[1]);
    };
    /** As wide as page and shell agree on; whatever is still on its way to it comes first. */
    const agreed = async () => {
      for (;;) {
        const wanted = await cols();
        await type(page, "clear; stty size");
        const [, told] = /^\d+ (\d+)$/m.exec(await until(page, /^\d+ \d+$/m)) ?? [];
        if (Number(told) === wanted && (await cols()) === wanted) return wanted;
      }
    };
    const before = await agreed();
    const edge = await page.getByTestId("drawer-edge").boundingBox();
    assert.ok(edge !== null);
    await page.mouse.move(edge.x + edge.width / 2, 400);
    await page.mouse.down();
    await page.mouse.move(edge.x - 200, 400, { steps: 4 });
    await page.mouse.up();
    // 200 pixels are 25 columns.
    while ((await cols()) < before + 25) await page.waitForTimeout(20);
    const wide = await agreed();
    await picture(page, "terminal-dragged", 300);
    await page.reload();
    await page.getByTestId("tab-terminal").click();
    await live(page);
    while ((await cols()) !== wide) await page.waitForTimeout(20);
    await page.getByTestId("drawer-edge").dblclick();
    while ((await cols()) !== before) await page.waitForTimeout(20);
  });

  it("T5: on a phone no keyboard comes up unasked", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };
    const { page } = await openPage(t, browser, shells.host, `#/s/${await shells.begin()}`, phone);
    await page.getByTestId("toggle-panel").tap();
    await page.getByTestId("tab-terminal").tap();
    await live(page);
    await page.getByTestId("new-terminal").tap();
    await live(page, "2");
    await page.getByTestId("terminal-tab").first().tap();
    await pane(page).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.closest("[data-name]")), null);
    await page.locator('[data-name="main"] .xterm-screen').tap();
    await typesInto(page, "main");
  });

  it("A45: what a program says covers its output for a moment only, and Escape takes it away", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    const notice = pane(page).getByTestId("terminal-notice");
    await page.clock.install();
    await type(page, "clear; echo the first row; printf '\\033]9;look here\\007'");
    await notice.filter({ hasText: "A program says: look here" }).waitFor();
    await picture(page, "terminal-notice", 300);
    await page.clock.fastForward(7_000);
    await notice.waitFor({ state: "detached" });
    await type(page, "printf '\\033]9;and here\\007'");
    await notice.filter({ hasText: "and here" }).waitFor();
    // Read on for as long as one points at it.
    await notice.hover();
    await page.clock.fastForward(30_000);
    assert.equal(await notice.count(), 1);
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.press("Escape");
    await notice.waitFor({ state: "detached" });
  });

  it("A18: a link to watch is made, copied, found again and ended on the page; who watches sees its name", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await shells.begin();
    const client = await shells.host.client();
    const page = await openTerminals(t, browser, shells.host, { session });
    const { terminals } = await client.call("terminal.list", { session_id: session });
    await client.call("terminal.rename", { terminal_id: terminals[0]?.terminal_id ?? "", title: "build box" });
    await tabOf(page, "build box").waitFor();
    await type(page, "echo see-$((1+1))");
    await chooses(page, "share");
    await page.getByTestId("share-span").selectOption("10");
    await page.getByTestId("dialog-act").click();
    await page.getByTestId("share-copy").click();
    await page.getByText("Copied").waitFor();
    await picture(page, "share", 300);
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, await page.getByTestId("share-address").inputValue());
    const { shares } = await client.call("share.list", {});
    const [share] = shares;
    assert.equal(share?.terminal_id, terminals[0]?.terminal_id);
    assert.equal((share?.expires_at ?? 0) - (share?.created_at ?? 0), 600_000);

    const stranger = await (await browser.newContext()).newPage();
    t.after(() => stranger.context().close());
    await stranger.goto(link);
    await stranger.locator('[data-testid="watched"] .xterm-rows', { hasText: "see-2" }).waitFor();
    assert.equal(await stranger.getByTestId("watch-name").textContent(), "build box");
    await stranger.waitForFunction(() => document.title === "build box · Hearth");
    await picture(stranger, "watch-name", 300);
    await page.getByTestId("share-end").click();
    await stranger.locator('[data-testid="watch-state"][data-state="over"]').waitFor();
    await page.getByTestId("share-row").waitFor({ state: "detached" });
    await page.getByTestId("dialog-cancel").click();

    const { process_id } = await client.call("process.start", {
      command: "echo from-afar; sleep 600",
      cwd: shells.home,
    });
    await page.evaluate((hash) => location.assign(hash), `#/processes/${process_id}`);
    await page.getByTestId("process-share").click();
    await page.getByTestId("dialog-act").click();
    await stranger.goto(await page.getByTestId("share-address").inputValue());
    await stranger.locator('[data-testid="watched"] .xterm-rows', { hasText: "from-afar" }).waitFor();
    assert.equal(await stranger.getByTestId("watch-name").textContent(), "echo from-afar; sleep 600");
    await client.call("process.kill", { process_id });
  });
});
