// What every engine of the log must do, as tests: an engine is one if it passes these. Test code only.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { HostError } from "../protocol/errors.ts";
import type { NewEvent, Recorded } from "../protocol/events.ts";
import { CursorGone, type EventLog, HeadMoved } from "./event-log.ts";

/** A log of its own, empty; `reopen` closes it and opens it again with what it holds. */
export interface Fresh {
  log: EventLog;
  reopen(): Promise<EventLog>;
  dispose(): Promise<void>;
}

export const event = (id: string, text = id): NewEvent => ({
  id,
  type: "message.delta",
  payload: { turn_id: "turn_1", message_id: "msg_1", text },
});
const ids = (records: readonly Recorded[]): string[] => records.map(({ id }) => id);
const seqs = (records: readonly Recorded[]): number[] => records.map(({ seq }) => seq);
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const reason = (wanted: string) => (error: unknown) => error instanceof HostError && error.reason === wanted;

/** Follows until `enough` events have come. */
async function collect(log: EventLog, stream: string, after: number, enough: number): Promise<Recorded[]> {
  const got: Recorded[] = [];
  const abort = new AbortController();
  for await (const page of log.follow(stream, after, abort.signal)) {
    assert.ok(page.length > 0, "a page is never empty");
    got.push(...page);
    if (got.length >= enough) abort.abort();
  }
  return got;
}

/** Registers the suite under `name`; `openFresh` is called before each test. */
export function conformance(name: string, openFresh: () => Promise<Fresh>): void {
  describe(`${name}, as a log`, () => {
    let fresh: Fresh;
    let log: EventLog;
    beforeEach(async () => {
      fresh = await openFresh();
      log = fresh.log;
    });
    afterEach(() => fresh.dispose());

    describe("appending", () => {
      it("I2: numbers densely from 1 within each stream", async () => {
        assert.deepEqual(seqs(await log.append("a", [event("1"), event("2")])), [1, 2]);
        assert.deepEqual(seqs(await log.append("b", [event("1")])), [1]);
        assert.deepEqual(seqs(await log.append("a", [event("3")])), [3]);
        assert.deepEqual([await log.head("a"), await log.head("b"), await log.head("c")], [3, 1, 0]);
      });

      it("gives back what was appended, with its number and time", async () => {
        const before = Date.now();
        const [record] = await log.append("a", [event("x", 'ü🙂 "\\ \u0000 \u2028')]);
        assert.ok(record && record.time >= before && record.time <= Date.now());
        assert.deepEqual(record, { ...event("x", 'ü🙂 "\\ \u0000 \u2028'), seq: 1, time: record.time });
        assert.deepEqual(await log.read("a", 0, 9), [record]);
      });

      it("records an event id once per stream, and gives back the first record", async () => {
        const [first] = await log.append("a", [event("x", "first")]);
        const again = await log.append("a", [event("y"), event("x", "second"), event("y")]);
        assert.deepEqual(seqs(again), [2, 1, 2]);
        assert.deepEqual(again[1], first);
        assert.deepEqual(seqs(await log.append("b", [event("x")])), [1]);
        assert.equal(await log.head("a"), 2);
      });

      it("refuses an append that expects another head, whole, and leaves others of the same moment alone", async () => {
        await log.append("a", [event("1")]);
        const [good, bad, other] = await Promise.allSettled([
          log.append("a", [event("2")], { expect: 1 }),
          log.append("a", [event("3"), event("4")], { expect: 1, views: [{ view: "v", key: "k", value: 1 }] }),
          log.append("b", [event("1")], { expect: 0 }),
        ]);
        assert.equal(good.status, "fulfilled");
        assert.equal(other.status, "fulfilled");
        assert.ok(bad.status === "rejected" && bad.reason instanceof HeadMoved);
        assert.deepEqual(bad.reason.data, { expected: 1, actual: 2 });
        assert.deepEqual(ids(await log.read("a", 0, 9)), ["1", "2"]);
        assert.equal(await log.view("v", "k"), undefined);
      });

      it("recognises the retry of an append whose answer was lost, although the head has moved by it", async () => {
        const first = await log.append("a", [event("1"), event("2")], { expect: 0 });
        assert.deepEqual(await log.append("a", [event("1"), event("2")], { expect: 0 }), first);
      });

      it("keeps what it has recorded apart from what the caller does with its objects", async () => {
        const payload = { turn_id: "t", message_id: "m", text: "before" };
        const [record] = await log.append("a", [{ id: "x", type: "message.delta", payload }]);
        payload.text = "after";
        assert.deepEqual(record?.payload, { turn_id: "t", message_id: "m", text: "before" });
      });

      it("refuses what is too large, and takes the next", async () => {
        await assert.rejects(log.append("a", [event("x", "x".repeat(40_000_000))]), reason("too_large"));
        assert.deepEqual(seqs(await log.append("a", [event("y")])), [1]);
      });

      it("refuses what comes once it closes, and keeps what came before", async () => {
        const before = log.append("a", [event("x")]);
        const closing = log[Symbol.asyncDispose]();
        await assert.rejects(log.append("a", [event("y")]), reason("stopping"));
        await Promise.all([before, closing]);
        log = await fresh.reopen();
        assert.deepEqual(ids(await log.read("a", 0, 9)), ["x"]);
      });
    });

    describe("reading", () => {
      it("gives what comes after a number, at most as many as asked for", async () => {
        await log.append(
          "a",
          count(10).map((n) => event(`${n}`)),
        );
        assert.deepEqual(seqs(await log.read("a", 3, 4)), [4, 5, 6, 7]);
        assert.deepEqual(seqs(await log.read("a", 8, 4)), [9, 10]);
        assert.deepEqual(await log.read("a", 10, 4), []);
        assert.deepEqual(await log.read("none", 0, 4), []);
      });

      it("gives all that was asked for, however much that is", async () => {
        await log.append(
          "a",
          count(3000).map((n) => event(`${n}`, "x".repeat(500))),
        );
        assert.deepEqual(seqs(await log.read("a", 0, 5000)), count(3000));
      });

      it("answers a cursor past the head with gone", async () => {
        await log.append("a", [event("1")]);
        await assert.rejects(log.read("a", 2, 1), CursorGone);
        await assert.rejects(log.read("none", 1, 1), CursorGone);
        await assert.rejects(log.follow("a", 2, new AbortController().signal).next(), CursorGone);
        await assert.rejects(log.read("a", -1, 1), reason("invalid_params"));
        await assert.rejects(log.follow("a", 0.5, new AbortController().signal).next(), reason("invalid_params"));
      });

      it("keeps everything, and its name, when opened again", async () => {
        const written = await log.append("a", [event("1"), event("2")], {
          views: [{ view: "v", key: "k", value: [1] }],
        });
        const { logId } = log;
        log = await fresh.reopen();
        assert.equal(log.logId, logId);
        assert.deepEqual(await log.read("a", 0, 9), written);
        assert.deepEqual(await log.view("v", "k"), [1]);
        assert.deepEqual(seqs(await log.append("a", [event("2"), event("3")])), [2, 3]);
      });

      it("has a name of its own", async () => {
        const other = await openFresh();
        assert.notEqual(other.log.logId, log.logId);
        await other.dispose();
      });
    });

    describe("following", () => {
      it("gives every event once and in order, from any cursor, while many append", async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 60, size: "max" }),
            fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 24, size: "max" }),
            fc.nat({ max: 60 }),
            async (sizes, starts, head) => {
              const stream = crypto.randomUUID();
              await log.append(
                stream,
                count(head).map((n) => event(`before ${n}`)),
              );
              const total = head + sizes.reduce((a, b) => a + b, 0);
              const cursors = starts.map((start) => Math.min(start, head, total - 1));
              const followers = cursors.map((after) => collect(log, stream, after, total - after));
              await Promise.all(
                sizes.map((size, i) =>
                  log.append(
                    stream,
                    count(size).map((n) => event(`${i}.${n}`)),
                  ),
                ),
              );
              const all = await log.read(stream, 0, total + 1);
              assert.deepEqual(seqs(all), count(total));
              for (const [i, got] of (await Promise.all(followers)).entries()) {
                assert.deepEqual(got, all.slice(cursors[i]));
              }
            },
          ),
          { numRuns: 30, seed: 30 },
        );
      });

      it("lets a follower fall far behind without loss", async () => {
        const abort = new AbortController();
        const slow = log.follow("a", 0, abort.signal);
        await log.append("a", [event("0")]);
        const got = [...((await slow.next()).value ?? [])];
        for (let i = 0; i < 10; i++) {
          await log.append(
            "a",
            count(500).map((n) => event(`${i}.${n}`)),
          );
        }
        while (got.length < 5001) got.push(...((await slow.next()).value ?? []));
        assert.deepEqual(seqs(got), count(5001));
        await slow.return(undefined);
      });

      it("shares records among all who follow", async () => {
        const followers = count(40).map(() => collect(log, "a", 0, 3));
        await log.append("a", [event("1"), event("2")]);
        await log.append("a", [event("3")]);
        const [first, ...others] = await Promise.all(followers);
        for (const other of others) assert.ok(other.every((record, i) => record === first?.[i]));
      });

      it("ends when aborted, also while it waits, and when the log closes", async () => {
        const abort = new AbortController();
        const waiting = log.follow("a", 0, abort.signal).next();
        const left = log.follow("a", 0, new AbortController().signal).next();
        await log.head("a");
        abort.abort();
        assert.equal((await waiting).done, true);
        assert.equal((await log.follow("a", 0, abort.signal).next()).done, true);
        await log[Symbol.asyncDispose]();
        assert.equal((await left).done, true);
      });

      it("tells a follower that its stream was removed", async () => {
        await log.append("a", [event("1")]);
        const follower = log.follow("a", 0, new AbortController().signal);
        assert.equal((await follower.next()).value?.length, 1);
        const next = follower.next();
        const gone = assert.rejects(next, CursorGone);
        await log.remove("a");
        await gone;
      });
    });

    it("calls listeners with durable events only, in order, until they are disposed of", async () => {
      const heard: string[] = [];
      const tap = log.tap((stream, records) => {
        for (const { seq, id } of records) heard.push(`${stream} ${seq} ${id}`);
      });
      await Promise.all(count(50).map((n) => log.append(n % 2 ? "odd" : "even", [event(`${n}`)])));
      await log.append("odd", [event("1"), event("51")]);
      await log
        .append("odd", [event("52")], { expect: 3 })
        .catch((error: unknown) => assert.ok(error instanceof HeadMoved));
      tap[Symbol.dispose]();
      await log.append("odd", [event("53")]);
      for (const stream of ["odd", "even"]) {
        const mine = heard.filter((line) => line.startsWith(`${stream} `));
        const there = (await log.read(stream, 0, 99)).filter(({ id }) => id !== "53");
        assert.deepEqual(
          mine,
          there.map(({ seq, id }) => `${stream} ${seq} ${id}`),
        );
      }
    });

    describe("views", () => {
      it("are written with the events, replaced, removed and listed", async () => {
        const put = (key: string, value: unknown) => ({ view: "v", key, value });
        await log.append("a", [event("1")], { views: [put("x", { n: 1 }), put("y", "two"), put("z", false)] });
        await log.append("a", [], { views: [put("x", { n: 2 }), put("y", null)] });
        assert.deepEqual(
          await log.views("v"),
          new Map<string, unknown>([
            ["x", { n: 2 }],
            ["z", false],
          ]),
        );
        assert.deepEqual(
          [await log.view("v", "x"), await log.view("v", "y"), await log.view("w", "x")],
          [{ n: 2 }, undefined, undefined],
        );
      });

      it("are not set back by the retry of an append that has been recorded", async () => {
        await log.append("a", [event("1")], { views: [{ view: "v", key: "k", value: "old" }] });
        await log.append("a", [event("2")], { views: [{ view: "v", key: "k", value: "new" }] });
        await log.append("a", [event("1")], { views: [{ view: "v", key: "k", value: "old" }] });
        assert.equal(await log.view("v", "k"), "new");
      });
    });

    it("removes a stream with all its events, and nothing else", async () => {
      await log.append("a", [event("1"), event("2")]);
      await log.append("b", [event("1")]);
      await log.remove("a");
      await log.remove("never there");
      assert.deepEqual([await log.head("a"), await log.head("b")], [0, 1]);
      assert.deepEqual(await log.read("a", 0, 9), []);
      assert.deepEqual(seqs(await log.append("a", [event("1")])), [1]);
    });
  });
}
