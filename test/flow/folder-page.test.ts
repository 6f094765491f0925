// The folder that work begins in: named on the command line, shown before anything runs, remembered, and chosen again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { picture } from "../support/process-page.ts";
import { RunningHost } from "../support/running-host.ts";
import { live, until } from "../support/terminal-page.ts";

const START = fileURLToPath(new URL("../../src/cli/start.mjs", import.meta.url));
const ready = (page: Page) =>
  page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });

describe("the folder to work in", () => {
  it("T2: is the one that `hearth open DIR` names, for the first and for the next conversation, until another is chosen", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-folder-")));
    t.after(() => rm(home, { recursive: true, force: true }));
    const [project, other] = [join(home, "a project & more"), join(home, "other")];
    await mkdir(project);
    await mkdir(other);
    await using host = await RunningHost.start({ HOME: home });
    const client = await host.client();
    const open = async (dir: string) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", START, "open", dir, "--json"],
        { cwd: home, env: { PATH: process.env.PATH, HOME: home, HEARTH_HOME: host.home } },
      );
      return (JSON.parse(stdout) as { url: string }).url;
    };
    const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    const shows = (folder: string) => page.locator(`[data-testid="workspace"][title="Workspace: ${folder}"]`).waitFor();
    await page.goto(await open("a project & more"));
    await ready(page);
    await shows(project);
    await picture(page, "folder-first", 300);
    assert.deepEqual((await client.call("session.list", {})).sessions, [], "nothing was begun by looking");
    // What somebody else begins there meanwhile pulls nobody away.
    await page.getByText("None yet. Say something.").waitFor();
    const { session_id } = await client.call("session.create", { workspace: project });
    await page.getByTestId("session-row").waitFor();
    assert.match(new URL(page.url()).hash, /^#\/in\//);
    await client.call("session.delete", { session_id });
    await page.getByTestId("session-row").waitFor({ state: "detached" });
    // A terminal needs a conversation: one is begun for it, there, and it has the keyboard.
    await page.getByTestId("tab-terminal").click();
    await live(page);
    await page.waitForFunction(() => document.activeElement?.closest("[data-name]") !== null);
    await page.keyboard.type("pwd\n");
    await until(page, (text) => text.replaceAll("\n", "").includes(`pwd${project}`));
    const says = async (text: string) => {
      await page.getByTestId("composer").fill(text);
      await page.keyboard.press("Enter");
    };
    await says("run pwd");
    await page.getByTestId("tool-printed").filter({ hasText: project }).waitFor();
    await page.getByTestId("new-session").click();
    await page.getByTestId("welcome").waitFor();
    await shows(project);

    await page.getByTestId("workspace").click();
    await page.getByTestId("workspace-input").fill(other);
    await page.getByTestId("workspace-save").click();
    await shows(other);
    await says("run pwd");
    await page.getByTestId("tool-printed").filter({ hasText: other }).waitFor();
    await page.getByTestId("workspace").click();
    await page.getByTestId("recent-folder").filter({ hasText: "a project & more" }).waitFor();
    await picture(page, "folder-choose", 300);
    await page.keyboard.press("Escape");

    // A folder that has a conversation already is gone on with.
    const [, first] = (await client.call("session.list", {})).sessions;
    await page.goto(await open(project));
    await ready(page);
    await page.waitForURL((url) => url.hash === `#/s/${first?.session_id}`);
    // One that is gone stands in nobody's way: the one chosen before it counts.
    await rm(project, { recursive: true });
    await page.getByTestId("new-session").click();
    await page.getByTestId("welcome").waitFor();
    await shows(other);
    assert.deepEqual(errors, []);
  });
});
