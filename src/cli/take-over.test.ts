import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CliError } from "./failure.ts";
import { startTickOf } from "./host-file.ts";
import { waitOrTakeOver } from "./take-over.ts";

const linux = { skip: process.platform === "linux" ? false : "needs /proc" };

describe("a home whose holder is silent", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "hearth-take-over-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const write = (file: object): void =>
    writeFileSync(join(home, "host.json"), JSON.stringify({ address: "http://127.0.0.1:1", ...file }));

  it("is taken over once the holder, proven to be it, is gone", linux, async () => {
    const holder = spawn(process.execPath, [
      "-e",
      "process.on('SIGTERM', () => {}); process.stdout.write('up'); setInterval(() => {}, 1000)",
    ]);
    const gone = once(holder, "exit");
    await once(holder.stdout, "data");
    const pid = holder.pid ?? 0;
    write({ pid, home, start_tick: await startTickOf(pid) });
    const said: string[] = [];
    assert.equal(await waitOrTakeOver(home, pid, (text) => said.push(text)), "free");
    assert.deepEqual(await gone, [null, "SIGKILL"]);
    assert.match(said.join(), new RegExp(`process ${pid} `));
  });

  it("is left alone where the pid is another's, the home is another, or another holds the lock", linux, async () => {
    const tick = await startTickOf(process.pid);
    const wrong = [
      [{ pid: process.pid, home, start_tick: `${tick}1` }, process.pid],
      [{ pid: process.pid, home: "/elsewhere", start_tick: tick }, process.pid],
      [{ pid: process.pid, home, start_tick: tick }, process.pid + 1],
      [{ pid: process.pid, home }, undefined],
    ] as const;
    await Promise.all(
      wrong.map(async ([file, holder], at) => {
        const own = mkdtempSync(join(tmpdir(), `hearth-take-over-${at}-`));
        try {
          writeFileSync(
            join(own, "host.json"),
            JSON.stringify({ address: "x", ...file, home: file.home === home ? own : "/elsewhere" }),
          );
          await assert.rejects(
            waitOrTakeOver(own, holder, () => undefined),
            CliError,
          );
        } finally {
          rmSync(own, { recursive: true, force: true });
        }
      }),
    );
  });

  it("is left alone as soon as it answers", async () => {
    await using server = createServer((_request, response) => response.writeHead(503).end());
    server.listen(join(home, "host.sock"));
    await once(server, "listening");
    assert.equal(await waitOrTakeOver(home, undefined, assert.fail), "serves");
  });
});
