// What a page's emulator says by itself, and to whom: each question of a program is answered once, and none of the past.
import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost } from "../support/running-host.ts";
import { live, openTerminals, pane, type, until } from "../support/terminal-page.ts";

/** Everything a program can ask a terminal, and everything that makes one speak by itself. */
const QUESTIONS = [
  ...["[c", "[>c", "[=c", "[>q", "[5n", "[6n", "[?5n", "[?6n", "[?996n", "[?15n", "[?25n", "[x", "[1x"],
  ...["[14t", "[16t", "[18t", "[19t", "[20t", "[21t", "[13t", "[?2026$p", "[?1004$p", "[4$p", "[?u", "[?4m"],
  ...["]10;?\x07", "]11;?\x07", "]12;?\x1b\\", "]4;1;?\x07", "]52;c;?\x07", "]50;?\x07", "]702;?\x07"],
  ...['P$q"p\x1b\\', "P$qm\x1b\\", "P$qr\x1b\\", "P$q q\x1b\\", "P+q544e\x1b\\", "Z", "[?2031h"],
].map((rest) => `\x1b${rest}`);
const MODES = ["\x1b[?1004h", "\x1b[?1003h", "\x1b[?1006h", "\x1b[?2004h", "\x1b[?1h"].join("");

describe("what a page's terminal says by itself", () => {
  let host: RunningHost;
  let home: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
    await writeFile(join(home, "questions"), QUESTIONS.join(""));
    await writeFile(join(home, "modes"), MODES);
    // Says that it is ready, and writes down what is typed, until Ctrl-C.
    const listen =
      "trap : INT; stty raw isig -echo; printf 'listening\\r\\n'; cat >> typed; stty sane; echo; echo over";
    await writeFile(join(home, "listen"), listen);
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/sh" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  const begin = async () => (await (await host.client()).call("session.create", { workspace: home })).session_id;
  let read = 0;
  /** What was typed since it was asked last. */
  const typed = async () => {
    const text = await readFile(join(home, "typed"), "latin1").catch(() => "");
    const fresh = text.slice(read);
    read = text.length;
    return fresh;
  };
  const stop = async (page: Page) => {
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.press("Control+C");
    await until(page, /\nover\n/);
  };

  it("F51: questions on a screen, and modes that make it speak, are not answered by who comes later", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const stays = await openTerminals(t, browser, host, { session });
    await type(
      stays,
      "cat questions modes > both; stty -echo; cat both; sleep 1; stty sane; clear; cat questions modes; sh listen",
    );
    await until(stays, /listening/);
    // The answers to those that were asked just now come first, once: before what a person types when it shows the last of them.
    let first = "";
    await stays.keyboard.type("#");
    await eventually("what it says by itself is there", async () => {
      first += await typed();
      return first.endsWith("#");
    });
    assert.ok(first.includes("2 q\x1b\\"), "they are answered");
    for (let round = 0; round < 3; round++) {
      const comes = await openTerminals(t, browser, host, { session });
      await until(comes, /listening/);
      await comes.reload();
      await live(comes);
      await until(comes, /listening/);
      // No press: it only passes by, and another viewer decides.
      await comes.mouse.move(300, 200 + round);
      await comes.mouse.move(340, 260 + round);
      await comes.context().close();
    }
    assert.equal(await typed(), "", "nothing was typed by coming and going");
    assert.ok(first.split("\x1b[?1;2c").length <= 3, "asked once as [c and perhaps once as Z");
    await stop(stays);
  });

  it("F51: of two who watch one answers", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const one = await openTerminals(t, browser, host, { session });
    const two = await openTerminals(t, browser, host, { session });
    await pane(two).locator('[data-mine="false"]').waitFor({ state: "attached" });
    await typed();
    // Asked while both are watching.
    await type(one, "(sleep 0.5; printf '\\033[c\\033[5n') & sh listen");
    await until(one, /listening$/);
    await until(two, /listening$/);
    let answers = "";
    while (!answers.includes("\x1b[0n")) {
      await one.waitForTimeout(50);
      answers += await typed();
    }
    await one.waitForTimeout(200);
    answers += await typed();
    assert.equal(answers, "\x1b[?1;2c\x1b[0n");
    await stop(one);
  });
});
