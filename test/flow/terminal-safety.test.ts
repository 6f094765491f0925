// What must not happen through a terminal on the page, whatever a program prints or a clipboard holds; and the phone's keys.
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { picture } from "../support/process-page.ts";
import { RunningHost } from "../support/running-host.ts";
import { live, openTerminals, pane, screenText, type, until } from "../support/terminal-page.ts";

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

describe("a terminal on the page and its person", () => {
  let host: RunningHost;
  let home: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
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

  it("asks before several lines are pasted into a plain program, and shows what cannot be seen", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await type(page, "cat");
    await until(page, /cat$/);
    await page.evaluate(() => navigator.clipboard.writeText("harmless\u202e\nrm -rf ~\u0007\n"));
    const paste = async () => {
      await page.getByTestId("terminal-menu").click();
      await page.locator('[data-deed="paste"]').click();
    };
    await paste();
    const shown = await page.getByTestId("exact").innerText();
    assert.match(shown, /harmless\\u\{202e\}⏎\nrm -rf ~⏎/);
    assert.equal(await page.getByTestId("left-out").innerText(), "1 control character is left out: \\x07");
    await picture(page, "terminal-paste", 300);
    await page.keyboard.press("Enter");
    await page.getByTestId("dialog").waitFor({ state: "detached" });
    assert.doesNotMatch(await screenText(page), /harmless/, "Enter alone does not paste it");
    await paste();
    await page.getByTestId("dialog-act").click();
    await until(page, /harmless[\s\S]*rm -rf ~\n[\s\S]*rm -rf ~/);
    await page.keyboard.press("Control+D");

    // The shell's own line takes a paste as text: nothing runs, and nobody is asked.
    await until(page, /[$#] ?$/);
    await page.evaluate(() => navigator.clipboard.writeText("echo one\necho two"));
    await paste();
    await until(page, /[$#] echo one\n(> )?echo two$/);
    assert.equal(await page.getByTestId("dialog").count(), 0);
  });

  it("A45, T14: a clipboard write is refused and told; a title is never typed into the shell", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await page.evaluate(() => navigator.clipboard.writeText("mine"));
    await type(page, "printf '\\e]52;c;ZXZpbA==\\a\\e]2;evil title\\a\\e[21t\\e]9;hello\\a'; sleep 0.2; echo done");
    await until(page, /\ndone\n/);
    await page.getByTestId("terminal-notice").filter({ hasText: "tried to write to the clipboard" }).waitFor();
    assert.equal(await copied(page), "mine");
    assert.doesNotMatch((await screenText(page)).split("done\n").at(-1) ?? "", /evil/, "no answer was typed");
    await page.getByRole("button", { name: "Look at it" }).click();
    assert.equal(await page.getByTestId("exact").innerText(), "evil");
    await page.getByTestId("dialog-cancel").click();
    assert.equal(await copied(page), "mine");

    // What was tried is not told again to who comes later.
    await page.reload();
    await live(page);
    await until(page, /\ndone\n/);
    assert.equal(await page.getByTestId("terminal-notice").count(), 0);
  });

  it("F42: a million marks on one character neither stop the page nor leave another screen than the host's", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await type(
      page,
      "clear; printf e; head -c 1000000 /dev/zero | sed 's/\\x00/\\xcc\\x81/g'; echo; echo over-$((1+1))",
    );
    const drawn = await until(page, /\nover-2\n/);
    assert.match(drawn, /^e\u0301{10,100}$/m);
    await page.reload();
    await live(page);
    assert.equal(await until(page, /\nover-2\n/), drawn);
  });

  it("A45: links are asked about, and only http and https are opened", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await page.evaluate(() => {
      window.open = (address) => {
        document.body.dataset.opened = String(address);
        return null;
      };
    });
    await writeFile(
      join(home, "links"),
      "\x1b[2J\x1b[H\x1b]8;;javascript:alert(1)\x07harmless\x1b]8;;\x07\n\x1b]8;;file:///etc/passwd\x07another\x1b]8;;\x07\nhttp://plain.example/x\n",
    );
    await type(page, "cat links");
    await until(page, /plain\.example/);
    const click = async (row: number) => {
      const line = page.locator('[data-name="main"] .xterm-rows > div').nth(row);
      const box = await line.boundingBox();
      await page.mouse.move((box?.x ?? 0) + 20, (box?.y ?? 0) + 8);
      await page.mouse.move((box?.x ?? 0) + 22, (box?.y ?? 0) + 8);
      await page.mouse.down();
      await page.mouse.up();
    };
    for (const [row, why] of [
      [0, "javascript: addresses are not opened"],
      [1, "file: addresses are not opened"],
    ] as const) {
      await click(row);
      await page.getByTestId("dialog").filter({ hasText: why }).waitFor();
      assert.equal(await page.getByTestId("dialog-act").count(), 0);
      await page.getByTestId("dialog-cancel").click();
    }
    await click(2);
    await page.getByTestId("dialog").filter({ hasText: "plain.example" }).waitFor();
    assert.equal(await page.evaluate(() => document.body.dataset.opened), undefined, "not before it is confirmed");
    await page.getByTestId("dialog-act").click();
    assert.equal(await page.evaluate(() => document.body.dataset.opened), "http://plain.example/x");
  });

  it("finds words far above, changes its font, and is left by keyboard", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, { session: await begin() });
    await type(page, "seq 1 3000");
    await until(page, /\n3000\n/);
    await page.keyboard.press("Control+Shift+F");
    await page.getByTestId("terminal-search").fill("1234");
    await until(page, /\n1234\n/);
    await page.getByTestId("terminal-search-count").filter({ hasText: "1 of 1" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("terminal-search").waitFor({ state: "detached" });
    const size = () => pane(page).getByTestId("terminal-status").getAttribute("data-size");
    const before = await size();
    await page.keyboard.press("Control++");
    await page.waitForFunction(
      (was) => document.querySelector('[data-testid="terminal-status"]')?.getAttribute("data-size") !== was,
      before,
    );
    await page.keyboard.press("Control+0");
    await page.waitForFunction(
      (was) => document.querySelector('[data-testid="terminal-status"]')?.getAttribute("data-size") === was,
      before,
    );
    await page.keyboard.press("Control+Shift+L");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "tab");
  });

  it("a phone has the keys its keyboard lacks, and nothing is cut off at 390 px", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, host, {
      session: await begin(),
      context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    });
    await type(page, "sleep 100");
    await until(page, /sleep 100$/);
    const key = (name: string) => page.getByTestId("key-bar").getByRole("button", { name, exact: true });
    await key("Ctrl").tap();
    assert.equal(await key("Ctrl").getAttribute("aria-pressed"), "true");
    await page.keyboard.type("c");
    await until(page, /\^C[\s\S]*[$#] ?$/);
    assert.equal(await key("Ctrl").getAttribute("aria-pressed"), "false", "for one key only");
    await key("Up").tap();
    await until(page, /[$#] sleep 100$/);
    await key("Ctrl").tap();
    await page.keyboard.type("u");
    await page.keyboard.type("echo ok ");
    await key("Pipe").tap();
    await page.keyboard.type(" cat\n");
    await until(page, /\nok\n/);
    const buttons = await page.getByTestId("key-bar").getByRole("button").all();
    for (const button of buttons) {
      const box = await button.boundingBox();
      assert.ok((box?.width ?? 0) >= 40 && (box?.height ?? 0) >= 40, "a finger finds it");
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false);
  });

  it("falls back to plain elements when WebGL is lost", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const session = await begin();
    const page = await openTerminals(t, browser, host, { session });
    await page.evaluate(() => localStorage.setItem("hearth.terminal.renderer", "webgl"));
    await page.reload();
    await live(page);
    const place = page.getByTestId("terminal");
    if ((await place.getAttribute("data-renderer")) !== "webgl") {
      t.skip("this browser has no WebGL");
      return;
    }
    await page.evaluate(() => {
      for (const canvas of document.querySelectorAll<HTMLCanvasElement>('[data-testid="terminal"] canvas'))
        canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
    });
    await page.locator('[data-testid="terminal"][data-renderer="dom"]').waitFor();
    await type(page, "echo still-$((1+1))");
    await until(page, /\nstill-2\n/);
  });
});
