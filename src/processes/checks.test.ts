import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Check, PeriodicCheck } from "./checks.ts";
import { HeldClock } from "./testing/held-clock.ts";

function checking(o: { clock?: HeldClock; last?: Check; unheard?: () => boolean; admit?: () => boolean } = {}) {
  const clock = o.clock ?? new HeldClock();
  const told: Check[] = [];
  const check = new PeriodicCheck({
    everyMs: 60_000,
    last: o.last ?? { number: 0, at: clock.wall() },
    tell: async (one) => void told.push(one),
    unheard: async () => o.unheard?.() ?? false,
    admit: o.admit ?? (() => true),
    onError: (error) => assert.fail(String(error)),
    clock,
  });
  const pass = async (ms: number) => {
    clock.pass(ms);
    for (let i = 0; i < 10; i++) await turn();
  };
  return { check, clock, told, pass, numbers: () => told.map(({ number }) => number) };
}

describe("a periodic check", () => {
  it("P38: is told every so often, from the start on", async () => {
    const { pass, numbers, check } = checking();
    await pass(59_999);
    assert.deepEqual(numbers(), []);
    await pass(1);
    await pass(60_000);
    assert.deepEqual(numbers(), [1, 2]);
    await check.stop();
    await pass(600_000);
    assert.deepEqual(numbers(), [1, 2]);
  });
  it("P38: is not told while the one before was not heard", async () => {
    let unheard = true;
    const { pass, numbers } = checking({ unheard: () => unheard });
    for (let minute = 0; minute < 10; minute++) await pass(60_000);
    assert.deepEqual(numbers(), [1]);
    unheard = false;
    await pass(60_000);
    assert.deepEqual(numbers(), [1, 2]);
  });
  it("P27, P38: counts among the notices of all: in a pause it is left out", async () => {
    const { pass, numbers } = checking({ admit: () => false });
    await pass(60_000);
    assert.deepEqual(numbers(), []);
  });
  it("P38: is armed again by the next host, for what is left of its time", async () => {
    const clock = new HeldClock();
    const { pass, numbers } = checking({ clock, last: { number: 4, at: clock.wall() - 50_000 } });
    await pass(9_999);
    assert.deepEqual(numbers(), []);
    await pass(1);
    assert.deepEqual(numbers(), [5]);
  });
  it("F46: no setting of the system's clock moves it", async () => {
    for (const jump of [-86_400_000, 86_400_000]) {
      const { clock, pass, numbers } = checking();
      clock.set += jump;
      await pass(59_999);
      assert.deepEqual(numbers(), []);
      await pass(1);
      assert.deepEqual(numbers(), [1]);
    }
  });
});
