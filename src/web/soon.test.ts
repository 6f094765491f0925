import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { refresher } from "./soon.ts";

describe("a list that is read again when it changes", () => {
  it("is read once for a burst, and once more for what changed while it was read", async (t) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    t.after(() => mock.timers.reset());
    let reads = 0;
    let finish: () => void = () => undefined;
    const list = refresher(() => {
      reads += 1;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    }, 50);
    for (let i = 0; i < 100; i += 1) list.changed();
    mock.timers.tick(50);
    assert.equal(reads, 1);
    list.changed();
    list.changed();
    mock.timers.tick(500);
    assert.equal(reads, 1, "never two readings at once");
    finish();
    await Promise.resolve();
    await Promise.resolve();
    mock.timers.tick(50);
    assert.equal(reads, 2);
    finish();
    list.stop();
    list.changed();
    mock.timers.tick(500);
    assert.equal(reads, 2);
  });
});
