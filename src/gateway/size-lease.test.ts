import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SizeLease, type SizeViewer } from "./size-lease.ts";

function viewer(): SizeViewer & { told: boolean[]; errors: unknown[] } {
  const [told, errors]: [boolean[], unknown[]] = [[], []];
  return { told, errors, decides: (yours) => told.push(yours), refused: (error) => errors.push(error) };
}

describe("the size of a terminal that several watch", () => {
  it("F50: a storm of sizes from five viewers: only the holder's newest counts, and few reach the program", async () => {
    const set: [unknown, unknown][] = [];
    const lease = new SizeLease(async (rows, cols) => set.push([rows, cols]));
    const viewers = Array.from({ length: 5 }, viewer);
    for (let at = 0; at < 1000; at++)
      for (const [index, one] of viewers.entries()) lease.wants(one, 10 + index, 100 + at);
    const [first, second] = viewers;
    assert.ok(first && second);
    await lease.take(second);
    assert.deepEqual(set.at(-1), [11, 1099]);
    assert.ok(set.length <= 3, `${set.length} sizes were set`);
    assert.ok(set.every(([rows]) => rows === 10 || rows === 11));
    assert.deepEqual([first.told, second.told, viewers[2]?.told], [[true, false], [true], []]);
  });

  it("T8: who leaves no longer decides; the size stays until another is wanted", async () => {
    const set: unknown[] = [];
    const lease = new SizeLease(async (rows) => set.push(rows));
    const [one, two] = [viewer(), viewer()];
    lease.wants(one, 10, 80);
    lease.wants(two, 20, 80);
    lease.leave(one);
    assert.equal(lease.isHeldFrom(two), false);
    assert.deepEqual(set, [10]);
    lease.wants(two, 21, 80);
    assert.ok(lease.isHeldBy(two));
    await lease.take(two);
    // One that has never said which size fits it takes nothing.
    await lease.take(one);
    assert.ok(lease.isHeldBy(two));
  });

  it("T8: whose size cannot be set is told, and the next one can be", async () => {
    let broken = true;
    const set: unknown[] = [];
    const lease = new SizeLease(async (rows, cols) => {
      if (broken) throw new Error("it has ended");
      set.push([rows, cols]);
    });
    const [one, two] = [viewer(), viewer()];
    lease.wants(one, 10, 80);
    lease.wants(two, 20, 90);
    broken = false;
    await lease.take(two);
    assert.deepEqual([one.errors.length, two.errors.length], [1, 0]);
    assert.ok(lease.isHeldBy(two));
    assert.deepEqual(set, [[20, 90]]);
  });
});
