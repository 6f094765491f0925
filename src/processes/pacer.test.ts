import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Announcement, MOST, type OpenPause, PAUSE_MS, Pacer, WINDOW_MS } from "./pacer.ts";
import { HeldClock } from "./testing/held-clock.ts";

function pacing(o: { clock?: HeldClock; open?: OpenPause[] } = {}) {
  const clock = o.clock ?? new HeldClock();
  const announced: Announcement[] = [];
  const pacer = new Pacer({ clock, announce: (one) => announced.push(one), ...(o.open && { open: o.open }) });
  const admit = (process = 1, session = 1, count = 1) =>
    pacer.admit({ process_id: `proc_${process}`, session_id: `ses_${session}`, count: () => count });
  return { clock, announced, admit, states: () => announced.map(({ state, session_id }) => `${state} ${session_id}`) };
}

describe("the pace of all notices of matches together", () => {
  it("P27: is 15 in 10 s; then a pause of 30 s, announced once and once more at its end with the number held back", () => {
    const { clock, admit, announced, states } = pacing();
    for (let n = 0; n < MOST; n++) assert.equal(admit(n), 0);
    assert.equal(admit(20, 1, 3), PAUSE_MS);
    clock.pass(5_000);
    assert.equal(admit(21, 1, 4), PAUSE_MS - 5_000);
    assert.equal(admit(20, 1, 9), PAUSE_MS - 5_000);
    assert.deepEqual(states(), ["tripped ses_1"]);
    clock.pass(PAUSE_MS);
    assert.deepEqual(states(), ["tripped ses_1", "released ses_1"]);
    const released = announced[1];
    assert.ok(released?.state === "released");
    assert.deepEqual(released.held, [
      { process_id: "proc_20", count: 9 },
      { process_id: "proc_21", count: 4 },
    ]);
    assert.equal(released.count, 13);
    assert.equal(admit(20), 0);
  });
  it("P27: is announced to each session that something is held back from", () => {
    const { clock, admit, states } = pacing();
    for (let n = 0; n < MOST; n++) admit(n);
    admit(1, 2);
    admit(2, 3);
    admit(3, 2);
    clock.pass(PAUSE_MS);
    assert.deepEqual(states(), ["tripped ses_2", "tripped ses_3", "released ses_2", "released ses_3"]);
  });
  it("P27: never exceeds 15 in any 10 s, tells of every pause's begin and end in turns, and lets everybody on in the end", () => {
    // In bursts, or there would never be a pause.
    const wait = fc.oneof({ weight: 4, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(12_000) });
    const step = fc.record({ wait, process: fc.nat(60), session: fc.nat(3) });
    let pauses = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const { clock, admit, announced } = pacing();
        const told: number[] = [];
        for (const { wait, process, session } of steps) {
          clock.pass(wait);
          if (admit(process, session) === 0) told.push(clock.time);
        }
        for (const [index, time] of told.entries())
          assert.ok(time - (told[index - MOST] ?? Number.NEGATIVE_INFINITY) >= WINDOW_MS);
        clock.pass(PAUSE_MS);
        assert.equal(admit(), 0);
        for (let session = 0; session <= 3; session++) {
          const states = announced.filter((one) => one.session_id === `ses_${session}`).map(({ state }) => state);
          assert.deepEqual(
            states,
            states.map((_, index) => (index % 2 === 0 ? "tripped" : "released")),
          );
          assert.equal(states.length % 2, 0);
        }
        pauses += announced.length / 2;
        const ids = announced.map(({ session_id, id, state }) => `${session_id} ${id} ${state}`);
        assert.equal(new Set(ids).size, ids.length);
      }),
      { seed: 27 },
    );
    assert.ok(pauses > 100, `${pauses} pauses were seen`);
  });
  it("P27: a pause outlives the host that began it: its end is announced once, by the next one", () => {
    const first = pacing();
    for (let n = 0; n <= MOST; n++) first.admit(n);
    const [tripped] = first.announced;
    assert.ok(tripped?.state === "tripped");
    first.clock.pass(10_000);
    const second = pacing({ clock: first.clock, open: [tripped] });
    assert.equal(second.admit(15, 1, 7), 20_000);
    first.clock.pass(20_000);
    assert.deepEqual(second.states(), ["released ses_1"]);
    assert.equal(second.announced[0]?.id, tripped.id);
  });
  it("F46: no setting of the system's clock makes a pause longer or shorter", () => {
    for (const jump of [-86_400_000, -3_600_000, 3_600_000, 86_400_000]) {
      const { clock, admit } = pacing();
      for (let n = 0; n <= MOST; n++) admit(n);
      clock.set += jump;
      clock.pass(PAUSE_MS - 1);
      assert.equal(admit(), 1);
      clock.pass(1);
      assert.equal(admit(), 0);
    }
  });
  it("F46: nor does one while the host was down make it longer", () => {
    const clock = new HeldClock();
    const open = [{ session_id: "ses_1", id: "1", process_id: "proc_1", until: clock.wall() + 86_400_000 }];
    const { admit } = pacing({ clock, open });
    assert.equal(admit(), PAUSE_MS);
  });
});
