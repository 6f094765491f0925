import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startBrowser } from "../support/browser.ts";
import { RunningHost } from "../support/running-host.ts";

const hearth = fileURLToPath(new URL("../../bin/hearth", import.meta.url));

describe("a link that `hearth get --link` prints", () => {
  it("A07, A21: downloads the file in a browser that is logged in, when asked, and is nothing to one that is not", async (t) => {
    const browser = await startBrowser(t);
    if (browser === undefined) return;
    const workspace = await realpath(await mkdtemp(join(tmpdir(), "hearth-download-")));
    t.after(() => rm(workspace, { recursive: true, force: true }));
    const name = "a report, #2.bin";
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    await writeFile(join(workspace, name), bytes);
    await using host = await RunningHost.start();
    const client = await host.client();
    await client.call("session.create", { workspace });
    const { stdout } = await promisify(execFile)(hearth, ["get", "--link", name], {
      cwd: workspace,
      env: { ...process.env, HEARTH_HOME: host.home, HEARTH_CONFIG: join(host.home, "config.toml") },
    });
    const link = stdout.trim();

    const context = await browser.newContext({ acceptDownloads: true });
    const page = await context.newPage();
    await page.goto(link);
    await page.getByTestId("download").click();
    await page.getByRole("alert").waitFor();

    await page.goto(host.url);
    await page.locator('[data-testid="connection"][data-state="ready"]').waitFor({ state: "attached" });
    await page.goto(link);
    const downloading = page.waitForEvent("download");
    await page.getByTestId("download").click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), name);
    assert.deepEqual(await readFile(await download.path()), bytes);
  });
});
