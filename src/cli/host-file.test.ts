import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, startTickOf } from "./host-file.ts";

describe("a process known by pid and start tick", () => {
  it("is alive, and another one of its number is not it", async () => {
    const start_tick = await startTickOf(process.pid);
    const file = { pid: process.pid, address: "", ...(start_tick === undefined ? {} : { start_tick }) };
    assert.equal(await isAlive(file), true);
    assert.equal(await isAlive({ ...file, start_tick: "1" }), false);
  });

  it("is gone once it has ended, though whoever started it never asks how", async (t) => {
    const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 61"], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => parent.kill("SIGKILL"));
    const [line] = (await once(parent.stdout.setEncoding("utf8"), "data")) as [string];
    const pid = Number(line);
    const start_tick = await startTickOf(pid);
    assert.ok(start_tick !== undefined);
    process.kill(pid, "SIGKILL");
    const file = { pid, address: "", start_tick };
    for (const end = Date.now() + 10_000; (await isAlive(file)) && Date.now() < end; ) await delay(10);
    assert.equal(await isAlive(file), false);
    assert.match(await readFile(`/proc/${pid}/stat`, "utf8"), /\) Z /, "its parent has not asked");
  });
});
