import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OneAtATime } from "./one-at-a-time.ts";

describe("what is done one at a time", () => {
  it("gives the same to all who ask while it is under way, and begins again after it, also after a failure", async () => {
    const made = new OneAtATime<number>();
    let begun = 0;
    const asked = Promise.withResolvers<number>();
    const work = () => {
      begun += 1;
      return asked.promise;
    };
    const [one, other] = [made.begin(work), made.begin(work)];
    assert.equal(made.underWay, one);
    asked.resolve(7);
    assert.deepEqual([await one, await other, begun, made.underWay], [7, 7, 1, null]);
    await assert.rejects(
      made.begin(() => Promise.reject(new Error("no room"))),
      /no room/,
    );
    assert.equal(await made.begin(async () => 8), 8);
  });
});
