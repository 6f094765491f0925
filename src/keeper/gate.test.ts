import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Gate } from "./gate.ts";

describe("a gate", () => {
  it("P5: lets so many in at a time, the others in order, also behind one that fails", async () => {
    const gate = new Gate(2);
    const began: number[] = [];
    const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const passing = ends.map(({ promise }, n) =>
      gate.pass(async () => {
        began.push(n);
        await promise;
        return n;
      }),
    );
    assert.deepEqual(began, [0, 1]);
    ends[1]?.reject(new Error("it fails"));
    await assert.rejects(passing[1] ?? Promise.resolve(), /it fails/);
    await Promise.resolve();
    assert.deepEqual(began, [0, 1, 2]);
    for (const { resolve } of ends) resolve();
    assert.deepEqual(
      (await Promise.allSettled(passing)).map(({ status }) => status).filter((is) => is !== "fulfilled"),
      ["rejected"],
    );
    assert.deepEqual(began, [0, 1, 2, 3, 4]);
    assert.equal(await gate.pass(async () => "and again"), "and again");
  });
});
