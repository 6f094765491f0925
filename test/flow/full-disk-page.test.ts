// The page while the disk that keeps the conversation is full: it says so, and when there is room again it says no more.
import assert from "node:assert/strict";
import { statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { openPage, session } from "../support/process-page.ts";
import { isRoot, mayRun, SmallDisk } from "../support/root.ts";
import { RunningHost } from "../support/running-host.ts";

describe("the page on a full disk", () => {
  it("S15: says that the turn waits for room, and that it goes on once there is some", async (t) => {
    const disk = isRoot ? await SmallDisk.mount(8 * 2 ** 20) : undefined;
    if (!mayRun(t, "root, to mount a small disk", disk !== undefined) || disk === undefined) return;
    await using _ = disk;
    await using host = await RunningHost.start({}, [], join(disk.path, "home"));
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const client = await host.client();
    const session_id = await session(client, "a full disk", tmpdir());
    const { page, errors } = await openPage(t, browser, host, `#/s/${session_id}`);
    await client.call("prompt.submit", { session_id, text: "wait 600" });
    const stop = page.getByRole("button", { name: "Stop", exact: true });
    await stop.waitFor();
    const { bavail, bsize } = await statfs(disk.path);
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
    });
    for (let n = 0, refused = false; n < 5_000 && !refused; n++)
      refused = await client.call("session.title", { session_id, title: `${n} ${"x".repeat(150)}` }).then(
        () => false,
        () => true,
      );
    assert.equal(await page.getByTestId("stalled").count(), 0);
    // The turn is to end now, and its end cannot be written.
    await stop.click();
    await page.getByTestId("stalled").filter({ hasText: "the turn waits" }).waitFor();
    await truncate(ballast, 0);
    await page.getByTestId("stalled").waitFor({ state: "detached" });
    assert.deepEqual(errors, []);
  });
});
