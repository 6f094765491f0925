// Approvals as a person meets them on the page: one to practise on without a model, and a change shown line by line.
import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { openPage, picture } from "../support/process-page.ts";
import { RunningHost } from "../support/running-host.ts";

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "hearth-approval-")));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
const idle = (page: Page) => page.getByTestId("stop").waitFor({ state: "detached" });

describe("an approval on the page", () => {
  it("S6: can be tried without a model, from the first page; a refusal is one card, and it was not done", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using workspace = await folder();
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: workspace.path });
    const { page, errors } = await openPage(t, browser, host, `#/s/${session_id}`);
    await page.getByTestId("example").filter({ hasText: "try approval" }).click();
    await page.keyboard.press("Enter");
    await page.getByTestId("approval-text").filter({ hasText: "You allowed this at" }).waitFor();
    await picture(page, "approval-trial", 300);
    await page.getByTestId("approve-deny").click();
    await page.locator('[data-testid="approval-card"][data-settled="deny"]').waitFor();
    await page.getByTestId("message-assistant").filter({ hasText: "You did not allow it" }).waitFor();
    assert.equal(await page.getByTestId("tool-card").count(), 0, "nothing ran, and nothing else says so");
    await picture(page, "approval-denied", 300);
    await page.getByTestId("approval-card").getByRole("button").click();
    await page.getByTestId("approval-card").filter({ hasText: "$(date" }).waitFor();

    await client.call("prompt.submit", { session_id, text: "try approval" });
    await page.getByTestId("approve-once").click();
    await page
      .getByTestId("tool-printed")
      .filter({ hasText: /You allowed this at \d\d:\d\d/ })
      .waitFor();
    await idle(page);
    // What the person typed asks nothing, as before.
    await client.call("prompt.submit", { session_id, text: "run echo ty''ped" });
    await page.getByTestId("tool-printed").filter({ hasText: "typed" }).waitFor();
    // An example is put in once, where it was chosen; another conversation's field is its own.
    const other = (await client.call("session.create", { workspace: workspace.path })).session_id;
    await page.evaluate((id) => location.assign(`#/s/${id}`), other);
    await page.getByTestId("example").first().waitFor();
    await page.getByTestId("composer").pressSequentially("mine");
    assert.equal(await page.getByTestId("composer").inputValue(), "mine");
    assert.deepEqual(errors, []);
  });

  it("A36: stays in view whole, also where it comes between a scrolling and its event; who goes up is left there", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const { page, errors } = await openPage(t, browser, host, `#/s/${session_id}`);
    await page.setViewportSize({ width: 390, height: 844 });
    const words = Array.from({ length: 60 }, (_, n) => `say word ${n}`).join("\n");
    await client.call("prompt.submit", { session_id, text: words });
    await page.getByTestId("message-assistant").filter({ hasText: "word 59" }).waitFor();
    await idle(page);
    const scroller = page.getByRole("region", { name: "Conversation" });
    // Each is looked at after two frames: by then the event of the scrolling has come, and the look at what has grown.
    const after = (change: "nothing" | "a little up" | "down, and more comes" | "far up") =>
      scroller.evaluate(async (element, how) => {
        if (how === "a little up") element.scrollTop -= 10;
        if (how === "far up") element.scrollTop -= 300;
        if (how === "down, and more comes") {
          element.scrollTop = element.scrollHeight;
          const more = document.createElement("div");
          more.style.height = "400px";
          element.querySelector('[role="log"]')?.append(more);
        }
        for (let frame = 0; frame < 2; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));
        return Math.round(element.scrollHeight - element.scrollTop - element.clientHeight);
      }, change);
    assert.equal(await after("nothing"), 0);
    assert.equal(await after("a little up"), 10);
    assert.equal(await after("down, and more comes"), 0);
    assert.equal(await page.getByTestId("jump-to-latest").count(), 0);
    assert.equal(await after("far up"), 300, "the way back takes no room");
    await page.getByTestId("jump-to-latest").click();
    await page.getByTestId("jump-to-latest").waitFor({ state: "detached" });
    assert.deepEqual(errors, []);
  });

  it("A36: of a write shows the lines that go and come; hidden ones marked, the whole text for whoever opens it", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    await using fake = await FakeProvider.start();
    await using workspace = await folder();
    await using host = await RunningHost.start({
      HEARTH_MODEL: "fake/fake-large",
      HEARTH_PROVIDERS_FAKE_KIND: "anthropic",
      HEARTH_PROVIDERS_FAKE_BASE_URL: fake.url,
      HEARTH_PROVIDERS_FAKE_API_KEY: "sk-flow-test-0123456789",
    });
    const old = Array.from({ length: 400 }, (_, n) => `export const line${n} = ${n};`);
    const now = old.map((line, n) => (n === 7 ? "export const s\u0435ven = \u202e7;" : line)).toSpliced(200, 1);
    const secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    old[8] = `const token = "${secret}";`;
    now[8] = old[8];
    await writeFile(join(workspace.path, "lines.ts"), `${old.join("\n")}\n`);
    const content = `${now.join("\n")}\n`;
    const write = { name: "write_file", arguments: { path: "lines.ts", content } };
    const all = { name: "write_file", arguments: { path: "lines.ts", content: content.replace(/^/gm, "// ") } };
    fake.script([{ tools: [write] }, { text: "Done." }, { tools: [all] }, { text: "I see." }]);
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: workspace.path });
    const { page, errors } = await openPage(t, browser, host, `#/s/${session_id}`);
    await client.call("prompt.submit", { session_id, text: "Name the seventh line." });
    await page.getByTestId("diff").waitFor();
    const marked = (mark: string) => page.locator(`[data-testid="diff"] [data-mark="${mark}"]`).allTextContents();
    assert.deepEqual(await marked("-"), ["-removed: export const line7 = 7;", "-removed: export const line200 = 200;"]);
    assert.deepEqual(await marked("+"), ["+added: export const s\\u{435}ven = \\u{202e}7;"]);
    await picture(page, "approval-diff", 300);
    const shown = await page.getByTestId("approval-text").textContent();
    assert.match(shown ?? "", /1 line added, 2 removed/);
    await page.getByText("1 of another alphabet in a Latin word, shown marked").waitFor();
    assert.ok(
      !(await page.getByTestId("diff").textContent())?.includes(secret),
      "what was in the file is no reason to keep it",
    );
    await page.getByText("the whole new text").click();
    await page.getByTestId("approval-text").evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.getByTestId("approve-once").click();
    await page.getByTestId("message-assistant").filter({ hasText: "Done." }).waitFor();
    assert.equal(await readFile(join(workspace.path, "lines.ts"), "utf8"), content);
    // What was done stays to be seen, the same after a reload; all of it for whoever opens it.
    for (const again of [false, true]) {
      if (again) await page.reload();
      const change = page.getByTestId("tool-card").getByTestId("tool-change");
      await change.filter({ hasText: "line7 = 7;" }).waitFor();
      assert.match((await change.textContent()) ?? "", /\d more lines$/);
      assert.ok(!(await change.textContent())?.includes(secret));
      await page.getByTestId("tool-card").getByRole("button", { expanded: false }).click();
      await change.filter({ hasText: "line200 = 200;" }).waitFor();
      await picture(page, "tool-change", 300);
    }

    // More than anybody reads as a diff: then the whole text has to be gone through.
    await page.setViewportSize({ width: 390, height: 844 });
    await client.call("prompt.submit", { session_id, text: "Comment it out." });
    await page.getByTestId("approval-text").filter({ hasText: "more lines of this diff are not shown" }).waitFor();
    assert.ok(await page.getByTestId("approve-once").isDisabled());
    await picture(page, "approval-diff-phone", 300);
    await page.getByTestId("approval-text").evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.locator('[data-testid="approve-once"]:enabled').waitFor();
    await page.getByTestId("approve-deny").click();
    await page.getByTestId("message-assistant").filter({ hasText: "I see." }).waitFor();
    assert.equal(await readFile(join(workspace.path, "lines.ts"), "utf8"), content);
    assert.deepEqual(errors, []);
  });
});
