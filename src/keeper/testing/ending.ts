// How a child ends, and how it is ended: exactly, wholly, and with nobody left.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { it } from "node:test";
import { eventually } from "../../../test/support/eventually.ts";
import { type End, StillRunning } from "../keepers.ts";
import { alive, allText, type Bed, holderOf, isAlive, pidOf, processes, until } from "./bed.ts";

export function ending(bed: () => Bed): void {
  it("F16: tells every exit code exactly", async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const ends: End[] = [];
    for (let first = 0; first < codes.length; first += 32) {
      const some = codes
        .slice(first, first + 32)
        .map(async (code) => (await bed().sh(`code-${code}`, `exit ${code}`)).exited);
      ends.push(...(await Promise.all(some)));
    }
    assert.deepEqual(
      ends.map((end) => end.kind === "exited" && [end.code, end.signal, end.core]),
      codes.map((code) => [code, null, false]),
    );
  });

  it("F16: tells every deadly signal exactly", async () => {
    const deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31];
    const children = await Promise.all(deadly.map((n) => bed().sh(`signal-${n}`, `kill -${n} $$; sleep 60`)));
    const ends = await Promise.all(children.map((child) => child.exited));
    assert.deepEqual(
      ends.map((end) => end.kind === "exited" && [end.code, end.signal]),
      deadly.map((n) => [null, n]),
    );
  });

  it("P20: ends the whole tree, escapees included, and leaves nobody", async () => {
    const tag = `301.${process.pid}`;
    const script = [
      `setsid sleep ${tag}1 &`,
      `( ( sleep ${tag}2 & ) & )`,
      `env -i setsid sleep ${tag}3 &`,
      `env -i setsid sh -c 'sleep ${tag}4 & exit' <&- >&- 2>&- &`,
      `(trap '' TERM HUP; sleep ${tag}5; sleep ${tag}6) &`,
      "echo ready; wait; sleep 60",
    ].join("\n");
    const child = await bed().sh("p20", script);
    await until(child, "ready");
    await eventually("five sleepers", async () => (await alive(`sleep ${tag}`)).length >= 5);
    await child.kill({ graceMs: 300 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.signal, 15);
    await child.closed;
  });

  it("P20: TERM first: a program that catches it ends by itself, with its own code", async () => {
    const child = await bed().sh("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    await child.kill({ graceMs: 10_000 });
    const end = await child.exited;
    assert.deepEqual(end.kind === "exited" && [end.code, end.signal], [0, null]);
    assert.match(await allText(child), /bye/);
  });

  it("F15: a child that ignores TERM, or is stopped, is killed after the grace", async () => {
    const deaf = await bed().sh("deaf", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    await until(deaf, "ready");
    await deaf.kill({ graceMs: 50 });
    const end = await deaf.exited;
    assert.equal(end.kind === "exited" && end.signal, 9);
    const stopped = await bed().sh(
      "stopped",
      "trap 'exit 6' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done",
    );
    await until(stopped, "ready");
    const pid = pidOf(stopped);
    await eventually("it is stopped", async () => (await readFile(`/proc/${pid}/stat`, "utf8")).includes(") T "));
    await stopped.kill({ graceMs: 10_000 });
    const woken = await stopped.exited;
    assert.equal(woken.kind === "exited" && woken.code, 6);
  });

  it("P20: a grace of 0 sends the signal and does not insist", async () => {
    const child = await bed().sh("grace0", "trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done");
    await until(child, "ready");
    await child.kill({ graceMs: 0 });
    await until(child, "asked");
    assert.equal(child.end, undefined);
    await Promise.all([child.kill({ graceMs: 50 }), child.kill({ graceMs: 20 }), child.kill({ graceMs: 5_000 })]);
    assert.equal((await child.exited).kind, "exited");
  });

  it("T10: a terminal is told by SIGHUP first", async () => {
    const child = await bed().sh("hup", "trap 'echo hung up; exit 1' HUP; echo ready; while :; do sleep 0.05; done", {
      mode: "pty",
    });
    await until(child, "ready");
    await child.kill({ graceMs: 10_000, firstSignal: constants.signals.SIGHUP });
    assert.match(await allText(child), /hung up/);
  });

  it("P20: killing a child that has ended ends its stragglers", async () => {
    const tag = `302.${process.pid}`;
    const child = await bed().sh("stragglers", `setsid sleep ${tag} >/dev/null 2>&1 </dev/null & exit 0`);
    assert.equal((await child.closed).stragglers, 1);
    await assert.rejects(bed().keepers.forget("stragglers"), StillRunning);
    await eventually("it sleeps", async () => (await alive(`sleep ${tag}`)).length === 1);
    await child.kill({ graceMs: 100 });
    assert.deepEqual(await alive(`sleep ${tag}`), []);
    await bed().keepers.forget("stragglers");
  });

  it("F13: leaves no zombie, neither of its own nor of those it inherits", async () => {
    const script = "i=0; while [ $i -lt 300 ]; do (true &); i=$((i+1)); done; echo done; read x";
    const child = await bed().sh("zombies", script);
    await until(child, "done");
    const holder = holderOf(child);
    await eventually("no zombie", async () => {
      const ours = (await processes()).filter((one) => one.parent === holder);
      return ours.length === 1 && ours.every((one) => one.state !== "Z");
    });
    await child.eof();
    await child.closed;
    await eventually("the keeper has left", async () => !(await isAlive(child.live?.keeperPid ?? 0)));
    assert.equal(await isAlive(holder), false);
  });
}
