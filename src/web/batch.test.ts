import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batch } from "./batch.ts";

function harness() {
  const taken: number[][] = [];
  const frames: Array<() => void> = [];
  const made = batch<number>(
    (items) => taken.push(items),
    (then) => frames.push(then),
  );
  return { made, taken, frame: () => frames.shift()?.(), pending: () => frames.length };
}

describe("deltas between two frames", () => {
  it("arrive together, in order, with one frame asked for", () => {
    const { made, taken, frame, pending } = harness();
    for (let i = 0; i < 1000; i += 1) made.add(i);
    assert.equal(pending(), 1);
    assert.deepEqual(taken, []);
    frame();
    assert.deepEqual(taken, [Array.from({ length: 1000 }, (_, i) => i)]);
  });

  it("are never handed over twice when flushed early", () => {
    const { made, taken, frame } = harness();
    made.add(1);
    made.flush();
    frame();
    made.add(2);
    frame();
    assert.deepEqual(taken, [[1], [2]]);
  });

  it("added while the last ones are handed over wait for the next frame", () => {
    const taken: number[][] = [];
    const frames: Array<() => void> = [];
    const made = batch<number>(
      (items) => {
        taken.push(items);
        if (items[0] === 1) made.add(2);
      },
      (then) => frames.push(then),
    );
    made.add(1);
    frames.shift()?.();
    assert.deepEqual(taken, [[1]]);
    frames.shift()?.();
    assert.deepEqual(taken, [[1], [2]]);
  });

  it("go nowhere once stopped: the session they belong to is no longer shown", () => {
    const { made, taken, frame } = harness();
    made.add(1);
    made.stop();
    frame();
    made.add(2);
    made.flush();
    assert.deepEqual(taken, []);
  });
});
