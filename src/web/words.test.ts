import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ago, duration, ending, shortPath } from "./words.ts";

describe("times and ends in words", () => {
  it("says durations without a unit too many, and never 60 s", () => {
    const said = [0, 80, 4200, 9960, 59_600, 60_000, 65_000, 3_600_000, 7_380_000, 90_000_000].map(duration);
    assert.deepEqual(said, [
      "0 ms",
      "80 ms",
      "4.2 s",
      "10 s",
      "1 min",
      "1 min",
      "1 min 5 s",
      "1 h",
      "2 h 3 min",
      "1 d 1 h",
    ]);
  });
  it("does not say a negative time when the clocks of host and page differ", () => {
    assert.equal(ago(2000, 1000), "now");
    assert.equal(ago(0, 3_700_000), "1 h");
  });
  it("tells a code from a signal, and a lost process from both", () => {
    assert.equal(ending({ status: "exited", exit_code: 3, signal: null }), "exit 3");
    assert.equal(ending({ status: "killed", exit_code: -15, signal: "SIGTERM" }), "stopped, SIGTERM");
    assert.equal(ending({ status: "lost", exit_code: null, signal: null }), "lost");
  });
  it("cuts a path in its middle and keeps its end", () => {
    assert.equal(shortPath("/home/ada/code"), "/home/ada/code");
    assert.equal(shortPath("/home/ada/code/very/long/way/to/the/project", 20), "…/way/to/the/project");
    assert.ok(shortPath(`/${"x".repeat(100)}`, 20).length <= 23);
    assert.equal(shortPath("/a\u202e/b\nc"), "/a\\u{202e}/b⏎c");
  });
});
