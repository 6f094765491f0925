import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atDraft, step } from "./recall.ts";

describe("the composer's history", () => {
  const prompts = ["first", "second"];
  it("walks back, stops at the oldest, and returns to the draft", () => {
    const one = step(atDraft, "older", prompts, "half a thou");
    assert.equal(one?.text, "second");
    const two = step(one?.recall ?? atDraft, "older", prompts, "second");
    assert.equal(two?.text, "first");
    assert.equal(step(two?.recall ?? atDraft, "older", prompts, "first"), null);
    const back = step(two?.recall ?? atDraft, "newer", prompts, "first");
    assert.equal(step(back?.recall ?? atDraft, "newer", prompts, "second")?.text, "half a thou");
  });
  it("leaves the key alone where there is nothing", () => {
    assert.equal(step(atDraft, "older", [], "x"), null);
    assert.equal(step(atDraft, "newer", prompts, "x"), null);
  });
});
