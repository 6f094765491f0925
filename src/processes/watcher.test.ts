import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { NotWatched, type OpenMatching, RegexThread } from "./regex/matcher.ts";
import { HeldClock } from "./testing/held-clock.ts";
import { MemorySpool } from "./testing/memory-spool.ts";
import {
  freshWatch,
  LAST_LOOK_MS,
  type Match,
  SUMMARY_MS,
  type Unwatched,
  Watcher,
  type WatchState,
} from "./watcher.ts";

/** Lets everything that can happen without time passing happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

function watching(
  patterns: WatchPattern[],
  o: {
    spool?: MemorySpool;
    state?: WatchState;
    clock?: HeldClock;
    admit?: (count: () => number) => number;
    open?: OpenMatching;
    onError?: (error: unknown) => void;
  } = {},
) {
  const spool = o.spool ?? new MemorySpool();
  const clock = o.clock ?? new HeldClock();
  const told: Match[] = [];
  const states: WatchState[] = [];
  const lost: Unwatched[] = [];
  const watcher = new Watcher({
    spool,
    patterns,
    state: o.state ?? freshWatch,
    clock,
    ...(o.admit && { admit: o.admit }),
    tell: async (match, state) => {
      told.push(match);
      states.push(state);
    },
    ...(o.open && { open: o.open }),
    unwatched: async (unwatched) => {
      lost.push(unwatched);
    },
    onError: o.onError ?? ((error) => assert.fail(String(error))),
  });
  return { spool, clock, told, states, lost, watcher };
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

  it("F21: waits for bytes that a full disk does not have yet, without asking for them on and on", async () => {
    let reads = 0;
    class Behind extends MemorySpool {
      missing = 5;
      override get length(): number {
        return super.length + this.missing;
      }
      override read(from: number, max: number): Promise<{ offset: number; bytes: Buffer }> {
        reads++;
        return super.read(from, max);
      }
    }
    const spool = new Behind();
    const { clock, told, watcher } = watching(["late"], { spool });
    spool.add("early\n");
    await settle();
    const finishing = watcher.finish(spool.length);
    await settle();
    assert.ok(reads < 5, `${reads} reads`);
    spool.missing = 0;
    spool.add("late\n");
    clock.pass(1_000);
    await finishing;
    assert.deepEqual(
      told.map(({ lines }) => lines),
      [["late"]],
    );
  });

  it("F21: an output that has ended with less than was told of holds up no end", async () => {
    class Short extends MemorySpool {
      override get length(): number {
        return super.length + 5;
      }
    }
    const spool = new Short();
    const { clock, lost, watcher } = watching(["x"], { spool });
    spool.add("all there is\n");
    await settle();
    spool.end();
    const finishing = watcher.finish(spool.length);
    clock.pass(1_000);
    await finishing;
    assert.match(lost[0]?.why ?? "", /from byte 13 on is missing/);
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

  it("P25, A47: goes on at the first kept byte when the spool has dropped some, whose line may be the end of a secret", async () => {
    const spool = new MemorySpool();
    spool.add("x gone x kept\nx whole\n");
    spool.drop(7);
    const { told, watcher } = watching(["kept", "whole"], { spool });
    await settle();
    assert.deepEqual(
      told.flatMap(({ pattern, lines }) => [pattern, ...lines]),
      ["kept", "[the rest of a line]", "x whole"],
    );
    await watcher.stop();
  });

  /** One window with more matches than can be told, and its summary. */
  async function fullWindow({ spool, clock }: { spool: MemorySpool; clock: HeldClock }) {
    for (let n = 0; n < 30; n++) spool.add("x\n");
    await settle();
    clock.pass(SUMMARY_MS);
    await settle();
  }

  it("P26: three windows in a row with more than could be told: that the end will be told too is said once", async () => {
    const watch = watching(["x"]);
    for (let window = 0; window < 6; window++) await fullWindow(watch);
    const promoted = watch.told.map((match) => match.promoted);
    assert.deepEqual([promoted.indexOf(true), promoted.lastIndexOf(true)], [2, 2], "with the third");
    assert.equal(watch.told.at(-1)?.hits, 180, "it goes on counting");
    await watch.watcher.stop();
  });
  it("P26: a quiet window ends the row", async () => {
    const watch = watching(["x"]);
    for (let window = 0; window < 6; window++) {
      watch.spool.add("x\n".repeat(30));
      await settle();
      watch.clock.pass(2 * SUMMARY_MS);
      await settle();
    }
    assert.ok(watch.told.every((match) => !match.promoted));
    await watch.watcher.stop();
  });
  it("P26: a later host neither forgets the row nor says it again", async () => {
    let watch = watching(["x"]);
    let promotions = 0;
    for (let window = 0; window < 8; window++) {
      await fullWindow(watch);
      await watch.watcher.stop();
      promotions += watch.told.filter((match) => match.promoted).length;
      const state = watch.states.at(-1);
      assert.ok(state !== undefined);
      watch = watching(["x"], { spool: watch.spool, clock: watch.clock, state });
    }
    assert.equal(promotions, 1);
    await watch.watcher.stop();
  });

  it("P27: what is held back joins the next summary; nothing is lost", async () => {
    let pause = 0;
    const watch = watching(["x"], { admit: () => pause });
    watch.spool.add("x\n");
    await settle();
    pause = 30_000;
    for (let window = 0; window < 3; window++) await fullWindow(watch);
    assert.equal(watch.told.length, 1);
    pause = 0;
    watch.clock.pass(30_000);
    await settle();
    assert.equal(watch.told.length, 2);
    const [, summary] = watch.told;
    assert.equal((summary?.lines.length ?? 0) + (summary?.suppressed ?? 0), 90);
    assert.equal(summary?.quiet, false);
    await watch.watcher.stop();
  });
  it("P27: what is held back at the end is recorded, and told by nobody but the pause's own end", async () => {
    let counted = 0;
    const watch = watching(["x"], {
      admit: (count) => {
        counted = count();
        return 30_000;
      },
    });
    watch.spool.add("x\nx\n");
    await watch.watcher.finish(4);
    assert.deepEqual([watch.told.length, watch.told[0]?.quiet, watch.told[0]?.hits, counted], [1, true, 2, 2]);
  });

  it("F46: no setting of the system's clock delays or hastens a summary, also over a restart", async () => {
    for (const jump of [-86_400_000, 86_400_000]) {
      const watch = watching(["x"]);
      watch.spool.add("x 1\n");
      await settle();
      watch.clock.set += jump;
      watch.spool.add("x 2\n");
      await settle();
      watch.clock.pass(SUMMARY_MS - 1);
      await settle();
      assert.equal(watch.told.length, 1);
      watch.clock.pass(1);
      await settle();
      assert.equal(watch.told.length, 2);
      await watch.watcher.stop();
      const state = watch.states.at(-1);
      assert.ok(state !== undefined);
      watch.clock.set -= jump;
      const later = watching(["x"], { spool: watch.spool, clock: watch.clock, state });
      later.spool.add("x 3\n");
      await settle();
      later.clock.pass(SUMMARY_MS);
      await settle();
      assert.equal(later.told.length, 1);
      await later.watcher.stop();
    }
  });

  it("P25: a match of an expression names it as people write it", async () => {
    const { spool, told, watcher } = watching([{ regex: "port (\\d+)$", ignore_case: true }]);
    spool.add("Listening on PORT 80");
    await settle();
    assert.equal(told.length, 0);
    await watcher.finish(spool.length);
    assert.deepEqual([told[0]?.pattern, told[0]?.lines], ["/port (\\d+)$/i", ["Listening on PORT 80"]]);
  });

  it("P25: tells a coloured line as a person sees it", async () => {
    const { spool, told, watcher } = watching(["green ok", { regex: "^ready in \\d+ ms$" }]);
    spool.add("x\n\x1b[32mgreen\x1b[0m ok\n\x1b[1mready\x1b[22m in \x1b[33m30\x1b[39m ms\r\n");
    await watcher.finish(spool.length);
    assert.deepEqual(
      told.flatMap(({ lines }) => lines),
      ["green ok", "ready in 30 ms"],
    );
    assert.equal(told[0]?.offset, 7);
  });

  it("P30: an expression that the thread dies of is named once; the others are watched for to the last match", async () => {
    const threads = new RegexThread(new URL("./regex/testing/dying-thread.ts", import.meta.url));
    const watch = watching([{ regex: "deadly" }, { regex: "^fine$" }, "text"], {
      open: (patterns, onDropped) => threads.open(patterns, onDropped),
    });
    watch.spool.add("fine\npoison\ntext\nfine\n");
    await watch.watcher.finish(watch.spool.length);
    assert.equal(watch.told.at(-1)?.hits, 3);
    assert.deepEqual(
      watch.lost.map(({ patterns }) => patterns),
      [[0]],
    );
    assert.match(watch.lost[0]?.why ?? "", /time after time/);
  });

  /** A thread that never answers. */
  const silent: OpenMatching = () => {
    let reject: (error: Error) => void = () => undefined;
    return {
      scan: () =>
        new Promise((_, no) => {
          reject = no;
        }),
      [Symbol.dispose]: () => reject(new NotWatched()),
    };
  };
  it("F41: an end is not held up by expressions that do not come to an end; that is told, and texts are found in all of it", async () => {
    const watch = watching(["text", { regex: "slow" }], { open: silent });
    watch.spool.add(`text\n${"x\n".repeat(2_000)}text\n`);
    await settle();
    const finished = watch.watcher.finish(watch.spool.length);
    await settle();
    assert.equal(watch.told.length, 0);
    watch.clock.pass(LAST_LOOK_MS);
    await finished;
    assert.equal(watch.told.at(-1)?.hits, 2);
    assert.deepEqual(watch.lost[0]?.patterns, [1]);
    assert.match(watch.lost[0]?.why ?? "", /from byte 0 on/);
  });
  it("P33: a host that leaves waits for no expression", async () => {
    const watch = watching([{ regex: "slow" }], { open: silent });
    watch.spool.add("x\n");
    await settle();
    await watch.watcher.stop();
    assert.deepEqual([watch.told, watch.lost], [[], []]);
  });
  it("P30: an output that cannot be read is watched no more, and that is told", async () => {
    class Broken extends MemorySpool {
      override read(): Promise<never> {
        return Promise.reject(new Error("EIO"));
      }
    }
    const errors: unknown[] = [];
    const watch = watching(["x"], { spool: new Broken(), onError: (error) => errors.push(error) });
    watch.spool.add("x\n");
    await watch.watcher.finish(2);
    assert.equal(errors.length, 1);
    assert.match(watch.lost[0]?.why ?? "", /cannot be looked at \(EIO\)/);
  });
  it("P25: a match far into its line is shown with what stands around it", async () => {
    const { spool, told, watcher } = watching(["needle"]);
    spool.add(`${"hay ".repeat(5_000)}a needle, found\n`);
    await watcher.finish(spool.length);
    assert.match(told[0]?.lines[0] ?? "", /^….*hay a needle, found$/);
  });
});
