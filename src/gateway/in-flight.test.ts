import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { WebSocket } from "ws";
import { InFlight } from "./in-flight.ts";

/** A socket that notes the questions, and a clock in the test's hand. */
function line() {
  const questions: Buffer[] = [];
  const ws = Object.assign(new EventEmitter(), {
    readyState: 1,
    OPEN: 1,
    ping: (mark: Buffer) => questions.push(mark),
  });
  let now = 0;
  const inFlight = new InFlight(ws as unknown as WebSocket, () => now);
  return {
    ws,
    inFlight,
    questions,
    after: (ms: number) => {
      now += ms;
    },
    answer: (count = questions.length) => {
      for (const mark of questions.splice(0, count)) ws.emit("pong", mark);
    },
  };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), new Promise<boolean>((r) => setImmediate(() => r(false)))]);
}

describe("what is on its way to one viewer", () => {
  const never = new AbortController().signal;

  it("T7: is bounded by what it reads, whatever the system's buffers would take", async () => {
    const { inFlight, after, answer, ws } = line();
    answer();
    let sent = 0;
    while (await settled(inFlight.room(never))) {
      inFlight.wrote(64 * 1024);
      sent += 64 * 1024;
      assert.ok(sent < 8 * 1024 * 1024, "it ends");
    }
    const waiting = inFlight.room(never);
    after(500);
    answer();
    assert.equal(await settled(waiting), true);
    for (let n = 0; n < 40; n++) {
      inFlight.wrote(inFlight.allowed);
      after(3_000);
      answer();
    }
    assert.equal(inFlight.allowed, 64 * 1024, "a slow line is sent little at a time");
    for (let n = 0; n < 40; n++) {
      inFlight.wrote(inFlight.allowed);
      after(1);
      answer();
    }
    assert.equal(inFlight.allowed, 4 * 1024 * 1024, "a quick one much, up to a bound");
    // A question, much after it, and then answers that allow less than that much: a last one is asked for it.
    for (let n = 0; n < 8; n++) inFlight.wrote(1024 * 1024 - 1);
    const late = inFlight.room(never);
    after(5_000);
    answer(1);
    after(5_000);
    answer();
    await settled(late);
    answer();
    assert.equal(await settled(late), true);
    inFlight.wrote(64 * 1024 * 1024);
    const left = inFlight.room(never);
    assert.equal(await settled(left), false);
    Object.assign(ws, { readyState: 3 });
    ws.emit("close");
    assert.equal(await settled(left), true, "nobody waits for who has gone");
  });

  it("T7: does not grow by what is printed now and then: only a line that is in use says what it can take", () => {
    const { inFlight, after, answer } = line();
    answer();
    for (let n = 0; n < 4_000; n++) {
      inFlight.wrote(1_000);
      after(200);
      answer();
    }
    assert.equal(inFlight.allowed, 64 * 1024);
    let at = 4_000_000;
    while (!inFlight.full) {
      const end = inFlight.endOfPiece(at);
      inFlight.wrote(end - at);
      at = end;
    }
    assert.ok(at - 4_000_000 <= 128 * 1024, `${at - 4_000_000} bytes, in pieces that keep to it`);
  });

  it("T7: is asked for again where a question was left out: of several, the last alone may be answered", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { inFlight, answer, questions, after } = line();
    answer();
    for (let n = 0; n < 4; n++) {
      inFlight.wrote(inFlight.allowed);
      answer();
    }
    inFlight.wrote(8 * 1024 * 1024);
    const waiting = inFlight.room(never);
    assert.equal(questions.splice(0).length, 1);
    after(3_000);
    t.mock.timers.tick(3_000);
    assert.equal(await settled(waiting), false);
    assert.equal(questions.length, 1);
    const before = inFlight.allowed;
    answer();
    assert.equal(await settled(waiting), true);
    assert.ok(inFlight.allowed < before, "it counts from when it was asked first");
  });

  it("T7: is not bounded for who answers no question at all, after a while", async () => {
    const { inFlight, after } = line();
    inFlight.wrote(1024 * 1024);
    after(2_999);
    const waiting = inFlight.room(never);
    assert.equal(await settled(waiting), false);
    after(1);
    await waiting;
    inFlight.wrote(1024 * 1024);
    assert.equal(await settled(inFlight.room(never)), true);
  });
});
