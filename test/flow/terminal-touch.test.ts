// A phone's finger on a terminal: what has scrolled away is within its reach.
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { RunningHost } from "../support/running-host.ts";
import { openTerminals, type, until } from "../support/terminal-page.ts";

describe("a terminal under a finger", () => {
  let host: RunningHost;
  let home: string;
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "hearth-home-")));
    await writeFile(join(home, ".bashrc"), "PS1='ready> '\n");
    host = await RunningHost.start({ HOME: home, SHELL: "/bin/bash" });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  it("T9: scrolls back and forth, and turns the pages of a program that draws", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const { session_id: session } = await (await host.client()).call("session.create", { workspace: home });
    const context = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const phone = await openTerminals(t, browser, host, { session, context });
    const touch = await phone.context().newCDPSession(phone);
    const box = await phone.getByTestId("terminal").boundingBox();
    assert.ok(box !== null);
    const drag = async (from: number, to: number) => {
      const at = (y: number) => ({ touchPoints: [{ x: box.x + 120, y: box.y + y }] });
      await touch.send("Input.dispatchTouchEvent", { type: "touchStart", ...at(from) });
      for (let step = 1; step <= 10; step++)
        await touch.send("Input.dispatchTouchEvent", { type: "touchMove", ...at(from + ((to - from) * step) / 10) });
      await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    };
    await type(phone, "clear; seq 1 300");
    await until(phone, /300\nready> ?$/);
    await drag(60, 360);
    await until(phone, (now) => !/300/.test(now) && /2\d\d\n/.test(now));
    await drag(360, 60);
    await until(phone, /300\nready> ?$/);
    await type(phone, "seq 1 300 | less");
    await until(phone, /^1\n2\n3\n/);
    await drag(360, 60);
    await until(phone, (now) => Number(now.split("\n")[0]) > 5);
    await drag(60, 360);
    await until(phone, /^1\n2\n3\n/);
  });
});
