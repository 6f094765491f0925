// Terminals on the page, in a real browser, against a real host: what one sees, with whom, and after what.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost } from "../support/running-host.ts";
import { live, openTerminals, pane, screenText, type, until } from "../support/terminal-page.ts";
import { makeWorkspace } from "../support/workspace.ts";

/** Where pictures go if they are wanted (`HEARTH_SCREENSHOTS=docs/images npm test -- terminal-page`). */
const pictures = process.env.HEARTH_SCREENSHOTS;
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

const PROMPT = /\$ ?$|# ?$/;

describe("terminals on the page", () => {
  let host: RunningHost;
  let home: string;
  before(async () => {
    // A home without settings, so that shell and programs look alike everywhere.
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
    await writeFile(join(home, "words.txt"), Array.from({ length: 400 }, (_, n) => `word ${n} 漢字 é`).join("\n"));
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/bash" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  const begin = async () => {
    const { session_id } = await (await host.client()).call("session.create", { workspace: home });
    return session_id;
  };

  it("T9: a reload at any moment looks as if nothing had happened, full-screen programs included", {
    timeout: 180_000,
  }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const errors: string[] = [];
    const stays = await openTerminals(t, browser, host, { session, errors });
    await until(stays, PROMPT);
    const goes = await openTerminals(t, browser, host, { session, errors });
    // A program may draw between a look at the one and a look at the other.
    const alike = async (what: string) => {
      let [here, there] = ["", ""];
      const same = async () => {
        [here, there] = [await screenText(goes), await screenText(stays)];
        return here === there;
      };
      await eventually(what, same).catch(() => assert.equal(here, there, what));
    };
    const programs = [
      { file: "/usr/bin/vim", line: "vim -u NONE -N words.txt", shows: /word 0 [\s\S]*words\.txt/, quit: ":q!" },
      { file: "/usr/bin/less", line: "less words.txt", shows: /word 0 [\s\S]*words\.txt/, quit: "q" },
      // It draws anew every ten seconds, or when a key is pressed.
      { file: "/usr/bin/htop", line: "htop -d 100", shows: /PID[\s\S]*F10Quit/, quit: "q" },
    ];
    await type(goes, "seq 1 60; printf '\\e[1;38;2;10;200;30mcolour\\e[0m \\e[4munder\\e[0m\\n'");
    await until(goes, /60\ncolour under\n/);
    for (const { file, line, shows, quit } of programs) {
      if (!existsSync(file)) continue;
      await type(goes, line);
      // At a moment that nobody chose: while it starts, draws, or waits.
      const moment = Math.floor(Math.random() * 300);
      await goes.waitForTimeout(moment);
      await goes.reload();
      await live(goes);
      await until(stays, shows);
      await until(goes, shows);
      await alike(`${line}, reloaded after ${moment} ms`);
      await goes.locator('[data-testid="terminal"] textarea').focus();
      await goes.keyboard.type(quit === "q" ? quit : `${quit}\n`);
      await until(goes, PROMPT);
      await until(stays, PROMPT);
      await alike(`after ${line}`);
    }
    assert.deepEqual(errors, []);
  });

  it("T8: another viewer sees the whole screen in its own room, and one click makes the size its own", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const large = await openTerminals(t, browser, host, { session });
    await type(large, "echo the-$((40+2))");
    await until(large, /the-42/);
    const small = await openTerminals(t, browser, host, {
      session,
      context: { viewport: { width: 640, height: 480 } },
    });
    await until(small, /the-42/);
    const size = (page: typeof large) => pane(page).getByTestId("terminal-status").getAttribute("data-size");
    const before = await size(large);
    await pane(small).locator('[data-mine="false"]').waitFor({ state: "attached" });
    assert.equal(await size(small), before, "the size is one for all");
    const fits = await small.getByTestId("terminal").evaluate((place) => {
      const screen = place.querySelector(".xterm-screen");
      return screen !== null && screen.clientWidth <= place.clientWidth && screen.clientHeight <= place.clientHeight;
    });
    assert.equal(fits, true, "nothing of it is out of sight");

    await small.getByTestId("take-over").click();
    await pane(small).locator('[data-mine="true"]').waitFor({ state: "attached" });
    await pane(large).locator('[data-mine="false"]').waitFor({ state: "attached" });
    await until(small, /the-42/);
    // Whose size counts is known a moment before the screen has it.
    await eventually("it has a size of its own", async () => (await size(small)) !== before);
    const taken = await size(small);
    await type(small, "stty size");
    await until(small, new RegExp(`\\n${taken?.replace("x", " ")}\\n`));
    await eventually("it is the size of both", async () => (await size(large)) === taken);

    // Who types takes over as well.
    await type(large, "stty size");
    await pane(large).locator('[data-mine="true"]').waitFor({ state: "attached" });
    await pane(small).locator('[data-mine="false"]').waitFor({ state: "attached" });
  });

  it("tabs and splits: opened, moved among and named by keyboard, found again after a reload, closed when confirmed", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const page = await openTerminals(t, browser, host, { session });
    await type(page, "echo first");
    await page.keyboard.press("Control+Shift+E");
    await live(page, "2");
    await until(page, PROMPT, "2");
    await page.keyboard.type("echo second\n");
    await until(page, /\nsecond\n/, "2");
    await page.keyboard.press("Control+Shift+ArrowLeft");
    await page.keyboard.type("echo again\n");
    await until(page, /\nagain\n/, "main");
    await page.keyboard.press("Control+Shift+Enter");
    await live(page, "3");
    assert.equal(await page.getByTestId("terminal-tab").count(), 2);

    await page.getByTestId("terminal-menu").click();
    await page.locator('[data-deed="rename"]').click();
    await page.getByTestId("rename-input").fill("build");
    await page.keyboard.press("Enter");
    await page.getByTestId("terminal-tab").filter({ hasText: "build" }).waitFor();
    const { terminals } = await (await host.client()).call("terminal.list", { session_id: session });
    assert.equal(terminals.find((row) => row.name === "3")?.title, "build", "for everybody, not in this browser only");
    await page.reload();
    await live(page, "3");
    await page.getByTestId("terminal-tab").filter({ hasText: "build" }).waitFor();
    assert.equal(await page.getByTestId("terminal-tab").count(), 2);
    await page.getByTestId("terminal-tab").first().click();
    await until(page, /\nsecond\n/, "2");
    await until(page, /\nagain\n/, "main");

    // What another client begins appears; what it ends goes.
    const client = await host.client();
    const theirs = await client.call("terminal.open", { session_id: session, name: "theirs" });
    await page.getByTestId("terminal-tab").filter({ hasText: "theirs" }).click();
    await live(page, "theirs");
    await client.call("terminal.close", { terminal_id: theirs.terminal_id });
    await page.getByTestId("terminal-tab").filter({ hasText: "theirs" }).waitFor({ state: "detached" });

    // What runs in it is shown before it is ended.
    await page.getByTestId("terminal-tab").filter({ hasText: "build" }).click();
    await type(page, "sleep 1005", "3");
    const inside = async () => {
      const id = terminals.find((row) => row.name === "3")?.terminal_id ?? "";
      return (await client.call("terminal.inside", { terminal_id: id })).processes.map((one) => one.command);
    };
    while (!(await inside()).includes("sleep 1005")) await page.waitForTimeout(20);
    await page.getByRole("button", { name: "End terminal build" }).click();
    await page.getByTestId("running-inside").filter({ hasText: "sleep 1005" }).waitFor();
    await page.getByTestId("dialog-cancel").click();
    assert.equal(await page.getByTestId("terminal-tab").count(), 2, "not without being sure");
    await page.getByRole("button", { name: "End terminal build" }).click();
    await page.getByTestId("dialog-act").click();
    await page.getByTestId("terminal-tab").filter({ hasText: "build" }).waitFor({ state: "detached" });
    const running = async () => {
      const { terminals } = await client.call("terminal.list", { session_id: session });
      return terminals.filter((row) => row.status === "running").map((row) => row.name);
    };
    while ((await running()).length > 2) await page.waitForTimeout(30);
    assert.deepEqual((await running()).sort(), ["2", "main"]);

    // A shell that only waits is ended without a question.
    await page.locator('[data-name="2"] textarea').focus();
    await page.getByRole("button", { name: "End terminal 2" }).click();
    await page.locator('[data-name="2"]').waitFor({ state: "detached" });
    assert.equal(await page.getByTestId("dialog").count(), 0);
  });

  it("T1: says how a shell ended, and Enter begins a new one", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await type(page, "echo kept; exit 3");
    await page.getByTestId("terminal-ended").filter({ hasText: "exit code 3" }).waitFor();
    await until(page, /\nkept\n/);
    await page.reload();
    await page.getByTestId("terminal-ended").filter({ hasText: "exit code 3" }).waitFor();
    await until(page, /\nkept\n/);
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.press("Enter");
    await live(page);
    await until(page, (text) => !text.includes("kept") && PROMPT.test(text));
    await type(page, "echo new-$((1+1))");
    await until(page, /\nnew-2\n/);
  });

  it("T11: comes back without a click after kill -9 of the host, and the shell never noticed", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await type(page, 'kept=here; echo "shell $$"');
    const [, pid = ""] = /\nshell (\d+)\n/.exec(await until(page, /\nshell \d+\n/)) ?? [];
    await host.kill9();
    await page.locator('[data-testid="terminal-status"][data-phase="away"]').waitFor({ state: "attached" });
    // What nobody takes is not kept for later, and its person is told.
    await type(page, "echo lost");
    await page.getByTestId("terminal-notice").filter({ hasText: "was not sent" }).waitFor();
    await host.restart();
    await live(page);
    await type(page, 'echo "$kept $$"');
    assert.doesNotMatch(await until(page, new RegExp(`\\nhere ${pid}\\n`)), /lost/);
  });

  it("T13: a tab goes when somebody else closes its terminal, also one that was never looked at", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const page = await openTerminals(t, browser, host, { session });
    const client = await host.client();
    const { terminal_id } = await client.call("terminal.open", { session_id: session, name: "theirs" });
    const tab = page.getByRole("tab").filter({ hasText: "theirs" });
    await tab.waitFor();
    await client.call("terminal.close", { terminal_id });
    await tab.waitFor({ state: "detached" });
    const { terminals } = await client.call("terminal.list", { session_id: session });
    assert.deepEqual(
      terminals.map(({ name }) => name),
      ["main"],
    );
  });

  it("A21: a file dropped on a terminal goes to where its shell is, and replaces another only when that is wanted", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    const drop = (text: string) =>
      page.getByTestId("terminal").evaluate((place, content) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([content], "dropped file.txt"));
        for (const kind of ["dragover", "drop"])
          place.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
      }, text);
    // By a prompt that was not there before.
    await type(page, "mkdir -p in/here; cd in/here; PS1='moved> '; clear");
    await until(page, /^moved> ?$/);
    const place = join(home, "in/here");
    const there = () => readFile(join(place, "dropped file.txt"), "utf8");
    const arrived = () =>
      page
        .getByTestId("terminal-notice")
        .filter({ hasText: `In ${place} now: dropped file.txt` })
        .waitFor();
    await drop("one");
    await arrived();
    assert.equal(await there(), "one");
    await drop("two");
    await page.getByTestId("dialog").filter({ hasText: "Replace the file?" }).waitFor();
    assert.equal(await there(), "one");
    await page.getByTestId("dialog-act").click();
    await arrived();
    assert.equal(await there(), "two");
    // The path is typed if that is wanted, and Enter is the person's.
    await page.keyboard.type("cat ");
    await page.getByRole("button", { name: "Type the path" }).click();
    await until(page, (text) => text.replaceAll("\n", "").includes(`cat '${place}/dropped file.txt'`));
    assert.doesNotMatch(await screenText(page), /two/);
    await page.keyboard.press("Enter");
    await until(page, /\ntwo/);
    await type(page, "cd /; PS1='left> '; clear");
    await until(page, /^left> ?$/);
    await drop("three");
    await page.getByTestId("terminal-notice").filter({ hasText: `outside of the workspace, so it went` }).waitFor();
    assert.equal(await readFile(join(home, "dropped file.txt"), "utf8"), "three");
  });

  it("a shell, an editor and a monitor side by side, and all three on a phone", { timeout: 180_000 }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    if (!existsSync("/usr/bin/vim") || !existsSync("/usr/bin/htop")) {
      t.skip("there is no vim or no htop here");
      return;
    }
    await using workspace = await makeWorkspace({ seconds: 0.4, lines: 6 });
    const client = await host.client();
    const { session_id: session } = await client.call("session.create", {
      workspace: workspace.path,
      title: "Mend the check",
    });
    const viewport = { width: 1360, height: 850 };
    const page = await openTerminals(t, browser, host, { session, context: { viewport, colorScheme: "dark" } });
    const prompt = "PS1='\\[\\e[1;32m\\]project\\[\\e[0m\\] $ '; clear";
    await type(page, prompt);
    await until(page, /^project \$ ?$/);
    await page.keyboard.type("ls -l --color && npm run --silent check\n");
    await until(page, /all 6 checks done/);
    await page.keyboard.press("Control+Shift+E");
    await live(page, "2");
    await until(page, PROMPT, "2");
    await page.keyboard.type("for n in 1 2 3; do sleep 9$n & done; clear; htop -p $(jobs -p | paste -sd,),$$\n");
    await until(page, /F10Quit/, "2");
    await page.keyboard.press("Control+Shift+ArrowLeft");
    await page.keyboard.press("Control+Shift+O");
    await live(page, "3");
    await until(page, PROMPT, "3");
    await page.keyboard.type("vim -u NONE -N +'syntax on' +'set number' check.mjs\n");
    await until(page, /1 import[\s\S]*check\.mjs/, "3");
    await picture(page, "terminals");

    const phone = await openTerminals(t, browser, host, {
      session,
      context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    });
    await phone.getByTestId("terminal-tab").filter({ hasText: "main" }).tap();
    await until(phone, /all 6 checks done/);
    await phone.getByTestId("take-over").tap();
    await pane(phone).locator('[data-mine="true"]').waitFor({ state: "attached" });
    await until(phone, /all 6 checks done[\s\S]*project \$ ?$/);
    await picture(phone, "terminal-phone");
    for (const [name, shows, called] of [
      ["2", /PID[\s\S]*F1Help/, "terminal-phone-htop"],
      ["3", /1 import/, "terminal-phone-vim"],
    ] as const) {
      await phone.locator(`[data-testid="terminal-tab"][data-tab="${name}"]`).tap();
      await until(phone, shows, name);
      await pane(phone, name).getByTestId("take-over").tap();
      await pane(phone, name).locator('[data-mine="true"]').waitFor({ state: "attached" });
      // Whose size counts is known a moment before the screen has it.
      const status = await pane(phone, name).getByTestId("terminal-status").elementHandle();
      await phone.waitForFunction((one) => Number(one?.getAttribute("data-size")?.split("x")[1]) < 60, status);
      await until(phone, shows, name);
      await picture(phone, called);
    }
  });
});
