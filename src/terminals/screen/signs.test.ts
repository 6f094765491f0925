import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Signs } from "./signs.ts";

/** What it says next. */
function listening() {
  let heard = Promise.withResolvers<unknown>();
  const signs = new Signs((sign) => heard.resolve(sign));
  const next = async () => {
    const sign = await heard.promise;
    heard = Promise.withResolvers();
    return sign;
  };
  return { signs, next };
}

describe("what is told of a screen besides its bytes", () => {
  it("T13: a title that came after a snapshot is told, though it was printed before its viewer came", async () => {
    const { signs, next } = listening();
    signs.passed({ title: "first", rings: 1 });
    signs.shown("first");
    signs.passed({ title: "second", rings: 2 });
    signs.look({ title: "second", rings: 2 });
    assert.deepEqual(await next(), { title: "second", rang: false });
  });

  it("T13: one that nobody was shown is old", async () => {
    const { signs, next } = listening();
    signs.passed({ title: "first", rings: 1 });
    signs.look({ title: "first", rings: 1 });
    signs.look({ title: "first", rings: 2 });
    assert.deepEqual(await next(), { title: null, rang: true });
  });

  it("T13: a snapshot for somebody who comes does not keep others from a title that is due", async () => {
    const { signs, next } = listening();
    signs.look({ title: "due", rings: 0 });
    signs.shown("due");
    assert.deepEqual(await next(), { title: "due", rang: false });
  });

  it("T13: back at the title that was told last, there is nothing to tell", async () => {
    const { signs, next } = listening();
    signs.look({ title: "there", rings: 0 });
    await next();
    signs.look({ title: "elsewhere", rings: 0 });
    signs.look({ title: "there", rings: 0 });
    signs.look({ title: "there", rings: 1 });
    assert.deepEqual(await next(), { title: null, rang: true });
  });

  it("T13: what is due when the last one leaves is not told to the next", async () => {
    const { signs, next } = listening();
    signs.look({ title: "due", rings: 1 });
    signs.stop();
    signs.passed({ title: "due", rings: 1 });
    signs.look({ title: "new", rings: 1 });
    assert.deepEqual(await next(), { title: "new", rang: false });
  });
});
