import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { within } from "./patience.ts";

describe("waiting for no longer than so long", () => {
  it("P5: answers what comes in time, or fails as it does; nothing for what does not, and no failure that comes late", async () => {
    assert.equal(await within(60_000, Promise.resolve(7)), 7);
    await assert.rejects(within(60_000, Promise.reject(new Error("it"))), /it/);
    const late = Promise.withResolvers<number>();
    assert.equal(await within(1, late.promise), undefined);
    late.reject(new Error("nobody's"));
    await assert.rejects(late.promise, /nobody's/);
  });
});
