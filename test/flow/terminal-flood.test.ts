// A terminal on the page that is printed into faster than anything can be drawn, with poison, and with questions.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { terminalHome } from "../support/terminal-home.ts";
import { live, openTerminals, screenText, type, until } from "../support/terminal-page.ts";

describe("a terminal on the page under a flood", () => {
  const shells = terminalHome({ shell: "/bin/bash" });

  it("T7: ends on the right screen, and Ctrl-C is not lost in it", { timeout: 180_000 }, async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const errors: string[] = [];
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin(), errors });
    await type(page, "seq 1 4000000; echo finished-$((1+1))");
    await until(page, /\n3999999\n4000000\nfinished-2\n/);
    await type(page, "yes");
    await until(page, /^(y\n)+y$/);
    await page.keyboard.press("Control+C");
    await until(page, /\^C\n[\s\S]*[$#] ?$/);
    await type(page, "echo there-$((1+1))");
    await until(page, /\nthere-2\n/);
    assert.deepEqual(errors, []);
  });

  it("T14: counts of two thousand million stop nothing", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    const poison = [..."LMST@PXbI"].map((final) => `a\x1b[2147483647${final}`).join("");
    await writeFile(join(shells.home, "poison"), `${poison.repeat(20)}\x1b[H\x1b[2J`);
    await type(page, "cat poison; echo there-$((1+1))");
    await until(page, /there-2\n/);
  });

  it("F51: answers none of the questions that were asked before it came", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const page = await openTerminals(t, browser, shells.host, { session: await shells.begin() });
    const questions = ["[c", "[>c", "[5n", "[6n", "[?6n", "[?2004$p", "[18t", "]11;?\x1b\\", "P$qm\x1b\\"];
    await writeFile(
      join(shells.home, "questions"),
      questions
        .map((question) => `\x1b${question}`)
        .join("")
        .repeat(200),
    );
    // What the terminal answers while it is asked is read and forgotten, also what comes as late as a page still answers; what
    // comes after that would be shown.
    await type(
      page,
      "stty -echo; cat questions; while read -r -s -t 3 -n 1000 -d ''; do :; done; clear; echo asked; cat -v",
    );
    await until(page, /^asked$/);
    for (let n = 0; n < 8; n += 1) {
      await page.reload();
      await live(page);
      await until(page, /^asked/);
    }
    await page.locator('[data-testid="terminal"] textarea').focus();
    await page.keyboard.type("mine\n");
    await until(page, /mine/);
    assert.equal(await screenText(page), "asked\nmine", "nothing was typed that no person typed");
  });
});
