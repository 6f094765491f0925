import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OpenFiles } from "./open-files.ts";

describe("the output files that are open", () => {
  it("F24: are no more than fit, the least recently used is closed first", () => {
    const files = new OpenFiles();
    files.fit(90);
    const closed: number[] = [];
    const holders = Array.from({ length: 20 }, (_, n) => ({
      release: async () => {
        closed.push(n);
        files.released(holder(n));
      },
    }));
    const holder = (n: number) => holders[n] as { release(): Promise<void> };
    for (let n = 0; n < 11; n++) files.used(holder(n));
    assert.deepEqual([files.size, closed], [11, []]);
    files.used(holder(0)); // read again: now the second is the oldest
    for (let n = 11; n < 14; n++) files.used(holder(n));
    assert.deepEqual([files.size, closed], [11, [1, 2, 3]]);
  });

  it("F24: are read a few at a time, in the order in which they were asked for", async () => {
    const files = new OpenFiles();
    const order: number[] = [];
    const waits = Array.from({ length: 12 }, (_, n) => files.entered()?.then(() => order.push(n)));
    assert.equal(waits.filter((wait) => wait === undefined).length, 8);
    for (let n = 0; n < 12; n++) files.left();
    await Promise.all(waits);
    assert.deepEqual(order, [8, 9, 10, 11]);
    assert.equal(files.entered(), undefined);
  });
});
