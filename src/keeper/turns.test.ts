import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns } from "./turns.ts";

describe("turns of the event loop", () => {
  it("P5: each who waits gets one of its own, in order, and others come in between", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const mine = ["one", "two", "three"].map((name) => turns.next().then(() => seen.push(name)));
    let others = 0;
    const other = () => {
      seen.push("other");
      if (++others < 3) setImmediate(other);
    };
    setImmediate(other);
    await Promise.all(mine);
    assert.deepEqual(
      seen.filter((name) => name !== "other"),
      ["one", "two", "three"],
    );
    assert.ok(seen.slice(seen.indexOf("one"), seen.indexOf("three")).includes("other"), seen.join(" "));
  });
});
