import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mute } from "./replay.ts";

describe("a terminal after a reload", () => {
  it("T9: is mute until the replay is drawn, not merely received", () => {
    const mute = new Mute();
    const done = [mute.drawing(), mute.drawing()];
    assert.equal(mute.active, true);
    done[0]?.();
    done[0]?.();
    assert.equal(mute.active, true, "the second piece is still being drawn");
    done[1]?.();
    assert.equal(mute.active, false);
  });
});
