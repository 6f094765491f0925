import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Dropped, type Matching, NotWatched, RegexThread } from "./matcher.ts";

const real = new URL("./thread.ts", import.meta.url);
const dying = new URL("./testing/dying-thread.ts", import.meta.url);
const scan = (matching: Matching, text: string) =>
  matching.scan(new Uint8Array(Buffer.from(text)), { continued: false, open: false });
const none = () => assert.fail("none is dropped");

describe("the thread that matches regular expressions", () => {
  it("P25: is started again where it dies, and what it was asked is answered", async () => {
    const threads = new RegexThread(real);
    using one = threads.open([{ regex: "a" }], none);
    using two = threads.open([{ regex: "b" }], none);
    for (let round = 0; round < 3; round++) {
      const answers = [scan(one, "x\na\n"), scan(two, "b\n")];
      threads.current.end();
      assert.deepEqual(await Promise.all(answers), [
        [0, 2],
        [0, 0],
      ]);
    }
  });
  it("P25: is without an expression that it dies of time after time, which is named; all others go on", async () => {
    const threads = new RegexThread(dying);
    const dropped: Dropped[] = [];
    const deadly = { regex: "deadly|x" };
    using mixed = threads.open([{ regex: "^a" }, deadly, { regex: "b" }], (one) => dropped.push(one));
    using other = threads.open([{ regex: "poison" }], none);
    assert.deepEqual(await scan(mixed, "x\na\n"), [1, 0, 0, 2]);
    const [hits, others] = await Promise.all([scan(mixed, "poison\nab\nx\nb\n"), scan(other, "poison\n")]);
    assert.deepEqual(
      [hits, others],
      [
        [0, 7, 2, 12],
        [0, 0],
      ],
    );
    assert.deepEqual(
      dropped.map(({ pattern }) => pattern),
      [deadly],
    );
    assert.deepEqual(await scan(mixed, "poison x\nb\n"), [2, 9]);
    assert.equal(dropped.length, 1);
  });
  it("P25: with nothing left to match answers that nothing does", async () => {
    const threads = new RegexThread(dying);
    let dropped = 0;
    using only = threads.open([{ regex: "deadly" }], () => dropped++);
    assert.deepEqual(await scan(only, "poison deadly\n"), []);
    assert.deepEqual(await scan(only, "deadly\n"), []);
    assert.equal(dropped, 1);
  });
  it("P33: whoever lets go waits for no answer", async () => {
    const threads = new RegexThread(dying);
    const matching = threads.open([{ regex: "deadly" }], none);
    const asked = scan(matching, "poison\n");
    matching[Symbol.dispose]();
    await assert.rejects(asked, NotWatched);
    await assert.rejects(scan(matching, "x"), NotWatched);
  });
});
