// Output that matches without end, in many processes at once: counted to the last line, told at a bearable pace, and the host
// goes on answering as if nothing was.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Payload } from "../../src/protocol/events.ts";
import type { Params } from "../../src/protocol/methods.ts";
import { eventually } from "../support/eventually.ts";
import { roundsOf } from "../support/rounds.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

/** Asks the host for its status again and again: how long the longest and the usual answers took, in ms. */
class Pulse {
  readonly #took: number[] = [];
  #beating = true;
  readonly #done: Promise<void>;

  constructor(host: RunningHost) {
    this.#done = this.#beat(host);
  }
  async #beat(host: RunningHost): Promise<void> {
    while (this.#beating) {
      const from = performance.now();
      await rpc(host, "host.status", {});
      this.#took.push(performance.now() - from);
    }
  }
  async end(): Promise<{ p50: number; p99: number; most: number; beats: number }> {
    this.#beating = false;
    await this.#done;
    const sorted = this.#took.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN);
    return { p50: at(0.5), p99: at(0.99), most: at(1), beats: sorted.length };
  }
}

/** Prints so many lines a second for some seconds, by the clock, each with its number, then ends with 7. */
const flood = (perSecond: number, seconds: number): string =>
  `const [per, most] = [${perSecond}, ${perSecond * seconds}]; let n = 0; const from = performance.now();
  const more = () => {
    const due = Math.min(most, Math.floor((performance.now() - from) * per / 1000));
    let text = ""; while (n < due) text += "hit " + n++ + "\\n";
    process.stdout.write(text, () => n < most ? setTimeout(more, 20) : process.exit(7));
  }; more();`;

describe("a flood of matches", () => {
  for (const [kind, pattern] of [
    ["texts", "hit"],
    ["expressions", { regex: "^hit \\d+$" }],
  ] as const)
    it(`F41, P26, P27: of ${kind} is counted to the last, told in a few notices, and delays neither the host nor the ends`, async (t) => {
      const many = roundsOf(1) > 1;
      const [processes, perSecond, seconds] = many ? [50, 2_000, 20] : [12, 1_000, 3];
      await using host = await RunningHost.start();
      const client = await host.client();
      const { session_id } = await client.call("session.create", { workspace: host.home });
      using watched = new Watched(client, session_id);
      const params: Params<"process.start"> = {
        argv: [process.execPath, "-e", flood(perSecond, seconds)],
        ...{ session_id, watch_patterns: [pattern], notify_on_complete: true },
      };
      const notices = (kind: Payload<"notice">["kind"]) =>
        watched.of("notice").filter(({ payload }) => (payload as Payload<"notice">).kind === kind);
      const pulse = new Pulse(host);
      const began = performance.now();
      const rows = await Promise.all(Array.from({ length: processes }, () => rpc(host, "process.start", params)));
      await watched.seen("process.ended", processes);
      // What is told is bounded by time, and a busy machine takes longer to print.
      const lasted = (performance.now() - began) / 1000;
      const { p50, p99, most, beats } = await pulse.end();
      await eventually("all ends are told", () => notices("ended").length === processes);

      const matched = watched.of("process.matched").map(({ payload }) => payload as Payload<"process.matched">);
      for (const { process_id } of rows) {
        const mine = matched.filter((one) => one.process_id === process_id);
        const counted = mine.reduce((sum, { lines, suppressed }) => sum + lines.length + suppressed, 0);
        assert.equal(counted, perSecond * seconds, "counted = sent");
        assert.equal(mine.at(-1)?.hits, counted);
        assert.ok(mine.length <= 2 + lasted / 15, `${mine.length} tellings of one process`);
        const ends = watched
          .of("process.ended")
          .map(({ payload }) => (payload as Payload<"process.ended">).process)
          .filter((row) => row.process_id === process_id);
        assert.deepEqual(
          ends.map((row) => row.exit_code),
          [7],
        );
      }
      const told = notices("matched");
      const least = 15 * (1 + Math.ceil((lasted + 5) / 40));
      assert.ok(told.length <= least, `${told.length} notices of matches`);
      t.diagnostic(
        `rounds 1 · ${perSecond * processes} lines/s, ${beats} answers meanwhile p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`,
      );
    });
});

describe("a hostile expression", () => {
  it("A25, F42: that hangs other engines delays nobody", async (t) => {
    await using host = await RunningHost.start();
    const evil = `process.stdout.write(("a".repeat(${60_000}) + "!\\n").repeat(40)); process.stdout.write("done\\n")`;
    const pulse = new Pulse(host);
    const { process_id } = await rpc(host, "process.start", {
      argv: [process.execPath, "-e", evil],
      watch_patterns: [{ regex: "(a+)+$" }, { regex: "^(a|aa)*b" }, { regex: "d.ne" }],
    });
    // Not by waiting for it: it ends before the last line is looked at, and its end waits for that.
    await rpc(host, "process.wait", { process_id, timeout: 100 });
    const { p50, p99, most, beats } = await pulse.end();
    t.diagnostic(
      `rounds 1 · 2.4 MB looked through, ${beats} answers meanwhile p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`,
    );
    assert.equal((await rpc(host, "process.poll", { process_id })).watch_hits, 1);
  });
  it("A25: that cannot be run in linear time is refused with 422, in words that say what to do", async () => {
    await using host = await RunningHost.start();
    for (const regex of ["(a)\\1", "(?=a)a", "a{1,1000}"]) {
      const { data, message } = await refused(host, "process.start", { argv: ["true"], watch_patterns: [{ regex }] });
      assert.deepEqual([data.status, data.reason], [422, "regex_refused"]);
      assert.match(message, /give a literal text/);
    }
    assert.deepEqual((await rpc(host, "process.list", {})).processes, [], "nothing was started");
  });
});
