import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Notices } from "./notices.ts";

/** What it says next. */
function listening() {
  let heard = Promise.withResolvers<unknown>();
  const notices = new Notices((notice) => heard.resolve(notice));
  const next = async () => {
    const notice = await heard.promise;
    heard = Promise.withResolvers();
    return notice;
  };
  return { notices, next };
}

describe("what is told of a screen besides its bytes", () => {
  it("T13: a title that came after a snapshot is told, though it was printed before its viewer came", async () => {
    const { notices, next } = listening();
    notices.passed({ title: "first", rings: 1 });
    notices.shown("first");
    notices.passed({ title: "second", rings: 2 });
    notices.look({ title: "second", rings: 2 });
    assert.deepEqual(await next(), { title: "second", rang: false });
  });

  it("T13: one that nobody was shown is old", async () => {
    const { notices, next } = listening();
    notices.passed({ title: "first", rings: 1 });
    notices.look({ title: "first", rings: 1 });
    notices.look({ title: "first", rings: 2 });
    assert.deepEqual(await next(), { title: null, rang: true });
  });

  it("T13: a snapshot for somebody who comes does not keep others from a title that is due", async () => {
    const { notices, next } = listening();
    notices.look({ title: "due", rings: 0 });
    notices.shown("due");
    assert.deepEqual(await next(), { title: "due", rang: false });
  });

  it("T13: back at the title that was told last, there is nothing to tell", async () => {
    const { notices, next } = listening();
    notices.look({ title: "there", rings: 0 });
    await next();
    notices.look({ title: "elsewhere", rings: 0 });
    notices.look({ title: "there", rings: 0 });
    notices.look({ title: "there", rings: 1 });
    assert.deepEqual(await next(), { title: null, rang: true });
  });

  it("T13: what is due when the last one leaves is not told to the next", async () => {
    const { notices, next } = listening();
    notices.look({ title: "due", rings: 1 });
    notices.stop();
    notices.passed({ title: "due", rings: 1 });
    notices.look({ title: "new", rings: 1 });
    assert.deepEqual(await next(), { title: "new", rang: false });
  });
});
