import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DetachKeys } from "./detach-keys.ts";
import { CliError } from "./failure.ts";

const take = (keys: DetachKeys, text: string) => {
  const { pass, detach } = keys.take(Buffer.from(text, "latin1"));
  return [pass.toString("latin1"), detach];
};

describe("the keys to detach with", () => {
  it("T15: are found alone, among other keys, and one read after the other, and never reach the program", () => {
    assert.deepEqual(take(new DetachKeys("ctrl-p ctrl-q"), "\x10\x11"), ["", true]);
    assert.deepEqual(take(new DetachKeys("ctrl-p,ctrl-q"), "ls\r\x10\x11rm -rf"), ["ls\r", true]);
    const keys = new DetachKeys("Ctrl-P Ctrl-Q");
    assert.equal(keys.label, "Ctrl-P Ctrl-Q");
    assert.deepEqual(take(keys, "a\x10"), ["a", false]);
    assert.equal(keys.holding, true);
    assert.deepEqual(take(keys, "\x11"), ["", true]);
  });

  it("T15: pass on a first key that another follows, or none", () => {
    const keys = new DetachKeys("ctrl-p ctrl-q");
    assert.deepEqual(take(keys, "\x10"), ["", false]);
    assert.deepEqual(take(keys, "x"), ["\x10x", false]);
    assert.deepEqual(take(keys, "\x10\x10"), ["\x10", false]);
    assert.deepEqual([keys.release().toString("latin1"), keys.holding], ["\x10", false]);
  });

  it("T15: are found in the form that editors ask for, with Num Lock too", () => {
    assert.deepEqual(take(new DetachKeys("ctrl-p ctrl-q"), "\x1b[112;5u\x1b[113;133u"), ["", true]);
    assert.deepEqual(take(new DetachKeys("ctrl-p ctrl-q"), "\x1b[27;5;112~\x11"), ["", true]);
  });

  it("keep no other bytes back, whatever they are", () => {
    const keys = new DetachKeys("ctrl-p ctrl-q");
    const all = Buffer.from(Array.from({ length: 256 }, (_, at) => 255 - at));
    assert.deepEqual(keys.take(all).pass, all);
    assert.deepEqual(take(keys, "\x1b"), ["\x1b", false]);
    assert.equal(keys.holding, false);
  });

  it("are refused with what to write instead, where there is no such key", () => {
    for (const text of ["ctrl-", "ctrl-pq", "", " , ", "hello"])
      assert.throws(
        () => new DetachKeys(text),
        (error) => error instanceof CliError && error.exitCode === 2,
      );
    assert.deepEqual(take(new DetachKeys("ctrl-]"), "\x1d"), ["", true]);
    assert.deepEqual(take(new DetachKeys("q"), "q"), ["", true]);
  });
});
