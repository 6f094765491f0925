import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StillRunning } from "../keeper/keepers.ts";
import type { EventLog } from "../log/event-log.ts";
import { Forgetting } from "./forgetting.ts";
import type { Known } from "./known.ts";
import type { Recorder } from "./record.ts";
import type { Supervised } from "./supervised.ts";

/**
 * Processes that have ended, as far as forgetting asks about them; `open` holds each removal of files back. The `living` have
 * left something behind that still runs.
 */
function bed(open: Promise<void>, living: readonly string[] = []) {
  const steps: string[] = [];
  const ids: string[] = [];
  const forgotten: string[] = [];
  const known = {
    values: () => ids.map((id, n) => ({ id, running: false, endedFor: n, bytesKept: 0, row: { closed: true } })),
    has: (id: string) => ids.includes(id),
    delete: (id: string) => ids.splice(ids.indexOf(id), 1),
    add: ({ id }: Supervised) => ids.push(id),
  };
  const forgetting = new Forgetting({
    known: known as unknown as Known,
    log: { views: async () => new Map() } as unknown as EventLog,
    recorder: { forget: async (gone: string[]) => steps.push(`row ${gone.join()}`) } as unknown as Recorder,
    keepers: {
      async forget(id) {
        steps.push(`files ${id}`);
        await open;
        if (living.includes(id)) throw new StillRunning(id);
      },
    },
    keep: () => ({ ended: 0, ms: 60_000 }),
    onForgotten: (id) => forgotten.push(id),
    onWarning: (text) => steps.push(text),
  });
  return { steps, ids, forgotten, forgetting };
}

describe("forgetting", () => {
  it("P24: a process that ends while others are being forgotten is looked at a moment later", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    const { promise, resolve } = Promise.withResolvers<void>();
    const { steps, ids, forgetting } = bed(promise);
    ids.push("proc_a");
    const sweeping = forgetting.sweep();
    while (steps.length === 0) await new Promise(setImmediate);
    ids.push("proc_late");
    forgetting.ended();
    t.mock.timers.tick(1_000); // so long does it take
    resolve();
    await sweeping;
    t.mock.timers.tick(1_000);
    await forgetting.close();
    assert.deepEqual(steps, ["files proc_a", "row proc_a", "files proc_late", "row proc_late"]);
  });

  it("P24: files go before rows, so that a crash in between leaves no process that the next host takes over", async () => {
    const { steps, ids, forgetting } = bed(Promise.resolve());
    ids.push("proc_a");
    await forgetting.sweep();
    await forgetting.close();
    assert.deepEqual(steps, ["files proc_a", "row proc_a"]);
  });

  it("P24: the files of eight go at a time, so that forgetting keeps up with many clients' short processes", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { steps, ids, forgetting } = bed(promise);
    const twenty = Array.from({ length: 20 }, (_, n) => `proc_${n}`);
    ids.push(...twenty);
    const sweeping = forgetting.sweep();
    while (steps.length < 8) await new Promise(setImmediate);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    assert.deepEqual(
      steps,
      twenty.slice(0, 8).map((id) => `files ${id}`),
    );
    resolve();
    await sweeping;
    await forgetting.close();
    assert.deepEqual(steps, [...twenty.map((id) => `files ${id}`), `row ${twenty.join()}`]);
  });

  it("P24: of a conversation that is deleted what has ended goes at once, and what others keep of it", async () => {
    const { steps, ids, forgotten, forgetting } = bed(Promise.resolve());
    ids.push("proc_a", "proc_b", "proc_c", "proc_d");
    const [a, b, c] = [
      { id: "proc_a", running: false, row: { closed: true } },
      { id: "proc_b", running: false, row: { closed: false } },
      { id: "proc_c", running: true, row: { closed: false } },
    ];
    await forgetting.withSession([a, b, c] as unknown as Supervised[]);
    assert.deepEqual(steps, ["files proc_a", "row proc_a"]);
    assert.deepEqual([forgotten, ids], [["proc_a"], ["proc_b", "proc_c", "proc_d"]]);
    await forgetting.close();
  });

  it("P24: of a conversation that is deleted a process stays whose daemon still runs: who is to end it needs its id", async () => {
    const { steps, ids, forgetting } = bed(Promise.resolve(), ["proc_a"]);
    ids.push("proc_a", "proc_b");
    const ended = ids.map((id) => ({ id, running: false, row: { closed: true } }));
    await forgetting.withSession(ended as unknown as Supervised[]);
    assert.deepEqual(steps, ["files proc_a", "files proc_b", "row proc_b"]);
    assert.deepEqual(ids, ["proc_a"]);
    await forgetting.close();
  });
});
