import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HeldClock } from "./testing/held-clock.ts";
import { MemorySpool } from "./testing/memory-spool.ts";
import { freshWatch, type Match, SUMMARY_MS, Watcher, type WatchState } from "./watcher.ts";

/** Lets everything that can happen without time passing happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

function watching(patterns: string[], o: { spool?: MemorySpool; state?: WatchState; clock?: HeldClock } = {}) {
  const spool = o.spool ?? new MemorySpool();
  const clock = o.clock ?? new HeldClock();
  const told: Match[] = [];
  const states: WatchState[] = [];
  const watcher = new Watcher({
    spool,
    patterns,
    state: o.state ?? freshWatch,
    clock,
    tell: async (match, state) => {
      told.push(match);
      states.push(state);
    },
    onError: (error) => assert.fail(String(error)),
  });
  return { spool, clock, told, states, watcher };
}

describe("a watch on a process's output", () => {
  it("P25: tells the first match at once, with pattern and line", async () => {
    const { spool, told, watcher } = watching(["passed"]);
    spool.add("building\n\x1b[32mall passed\x1b[0m\n");
    await settle();
    assert.deepEqual(told, [
      { offset: 18, pattern: "passed", lines: ["all passed"], suppressed: 0, hits: 1, promoted: false, quiet: false },
    ]);
    await watcher.stop();
  });

  it("P26: after the first gives at most one summary in 15 s, with the count of what it does not show", async () => {
    const { spool, clock, told, watcher } = watching(["x"]);
    spool.add("x 1\n");
    await settle();
    for (let n = 2; n <= 31; n++) spool.add(`x ${n}\n`);
    await settle();
    clock.pass(SUMMARY_MS - 1);
    await settle();
    assert.equal(told.length, 1);
    clock.pass(1);
    await settle();
    assert.equal(told.length, 2);
    assert.equal(told[1]?.lines.length, 20);
    assert.equal(told[1]?.suppressed, 10);
    assert.equal(told[1]?.hits, 31);
    spool.add("x 32\n");
    await settle();
    assert.equal(told.length, 2);
    await watcher.stop();
  });

  it("P25: bounds what it tells to 2,000 characters", async () => {
    const { spool, told, watcher } = watching(["x"]);
    spool.add(`${"x".repeat(1500)}\n`.repeat(5));
    await settle();
    const characters = told[0]?.lines.join("").length ?? 0;
    assert.ok(characters > 0 && characters <= 2000, `${characters}`);
    assert.equal((told[0]?.lines.length ?? 0) + (told[0]?.suppressed ?? 0), 1);
    await watcher.finish(spool.length);
    assert.equal(told.at(-1)?.hits, 5);
  });

  it("P28: no match is told for bytes past the exit, and what was not told is told before the end", async () => {
    const { spool, told, watcher } = watching(["x"]);
    spool.add("x 1\n");
    await settle();
    spool.add("x 2\nx 3\nx late\n");
    await watcher.finish(12);
    assert.deepEqual(
      told.map(({ lines }) => lines),
      [["x 1"], ["x 2", "x 3"]],
    );
  });

  it("P33: a later watch goes on where the last one has told, so that each match is told once", async () => {
    const first = watching(["x"]);
    first.spool.add("x 1\nnone\n");
    await settle();
    first.spool.add("x 2\nx"); // seen, but within the 15 s: not told when the host dies
    await settle();
    await first.watcher.stop();
    const state = first.states.at(-1);
    assert.ok(state !== undefined);
    const second = watching(["x"], { spool: first.spool, state, clock: first.clock });
    first.spool.add(" 3\n");
    await settle();
    first.clock.pass(SUMMARY_MS);
    await settle();
    assert.deepEqual(
      first.told.flatMap(({ lines }) => lines),
      ["x 1"],
    );
    assert.deepEqual(
      second.told.flatMap(({ lines }) => lines),
      ["x 2", "x 3"],
    );
    assert.equal(second.told[0]?.hits, 3);
    await second.watcher.stop();
  });

  it("P25: goes on at the first kept byte when the spool has dropped some", async () => {
    const spool = new MemorySpool();
    spool.add("x gone\nx kept\n");
    spool.drop(7);
    const { told, watcher } = watching(["x"], { spool });
    await settle();
    assert.deepEqual(told[0]?.lines, ["x kept"]);
    await watcher.stop();
  });
});
