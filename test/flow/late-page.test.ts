// A page whose host answers late: what a person does meanwhile counts for what they see, and counts once.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { type HeldAnswers, holdAnswers } from "../support/held-answers.ts";
import { RunningHost } from "../support/running-host.ts";

describe("a page that hears late from its host", () => {
  let host: RunningHost;
  let home: string;
  let project: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-late-")));
    project = join(home, "project");
    await mkdir(project);
    host = await RunningHost.start({ HOME: home });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  /** A page as it is first seen, with the answers to `method` held back. */
  async function open(t: TestContext, browser: Browser, method: string): Promise<{ page: Page; late: HeldAnswers }> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 760 } });
    t.after(() => context.close());
    const late = await holdAnswers(context, method);
    const page = await context.newPage();
    const { url } = await (await host.client()).call("ticket.mint", {});
    await page.goto(url);
    await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
    return { page, late };
  }
  const worksIn = (page: Page, folder: string) =>
    page.locator(`[data-testid="workspace"][title="Workspace: ${folder}"]`).waitFor();
  const sessions = async () => (await (await host.client()).call("session.list", {})).sessions;
  const forget = async () => {
    const client = await host.client();
    for (const { session_id } of await sessions()) await client.call("session.delete", { session_id });
  };
  /** The field that the keyboard is in. */
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute("data-testid"));

  it("T2: keeps the folder that is being typed, and the keyboard in it, when the conversations come in", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await (await host.client()).call("session.create", { workspace: home, title: "an old one" });
    t.after(forget);
    const { page, late } = await open(t, browser, "session.list");
    await page.getByTestId("workspace").click();
    await page.keyboard.type(`${home}/pro`);
    late.release();
    await page.getByTestId("session-row").waitFor();
    assert.equal(await focused(page), "workspace-input");
    await page.keyboard.type("ject\n");
    await worksIn(page, project);
    const folders = (await sessions()).map((row) => row.workspace);
    assert.deepEqual(folders.sort(), [home, project], "a new one works there; the old one where it did");
  });

  it("S1: leaves what is being written where it is when the conversations come in", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await (await host.client()).call("session.create", { workspace: home });
    t.after(forget);
    const { page, late } = await open(t, browser, "session.list");
    await page.getByTestId("composer").pressSequentially("half a ");
    late.release();
    await page.getByTestId("session-row").waitFor();
    assert.equal(await focused(page), "composer");
    await page.keyboard.type("sentence");
    assert.equal(await page.getByTestId("composer").inputValue(), "half a sentence");
    // A folder is chosen for it: the conversation begins, and the words are in it.
    await page.getByTestId("workspace").click();
    await page.getByTestId("workspace-input").fill(project);
    await page.getByTestId("workspace-save").click();
    await worksIn(page, project);
    await page.waitForURL(/#\/s\//);
    assert.equal(await page.getByTestId("composer").inputValue(), "half a sentence");
  });

  it("S1: begins one conversation for whoever asks for it twice and chooses its folder before it is there", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    t.after(forget);
    const { page, late } = await open(t, browser, "session.create");
    await page.getByTestId("new-session").dblclick();
    await page.getByTestId("workspace").click();
    await page.getByTestId("workspace-input").fill(project);
    await page.getByTestId("workspace-save").click();
    late.release();
    await worksIn(page, project);
    assert.equal(late.calls, 1);
    const all = await sessions();
    assert.deepEqual([all.length, all[0]?.workspace], [1, project]);
  });
});
