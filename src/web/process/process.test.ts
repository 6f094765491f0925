import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ProcessRow } from "../../protocol/rows.ts";
import type { ProcessItem } from "../hub.ts";
import { arrange, everything, limitsOf, oneLine, portsOf } from "./arrange.ts";
import { bytes, percent, sparkline, topOf } from "./sparkline.ts";
import { type History, KEPT, remember, type Sample } from "./usage.ts";

const row = (id: string, more: Partial<ProcessItem> = {}): ProcessItem => ({
  ...ProcessRow.parse({
    ...{ process_id: id, session_id: "ses_1", task_id: null, name: null, command: `run ${id}`, argv: null },
    ...{ cwd: "/work", notes: [], mode: "pipe", environment: "local", owner: "person", status: "running", pid: 1 },
    ...{ start_tick: "1", started_at: 0, ended_at: null, exit_code: null, signal: null, completion_reason: null },
    ...{ termination_source: null, reason: null, bytes_at_exit: null, closed: false, watch_patterns: [] },
    ...{ watch_hits: 0, notify_on_complete: false, recovered: false },
  }),
  ...{ uptime_s: 0, tail: "", session_scoped: false },
  ...more,
});
const sample = (process_id: string, cpu: number | null, more: Partial<Sample> = {}): Sample => ({
  ...{ process_id, reason: null, cpu, memory_bytes: 1000, processes: 1, threads: 1, listening: [] },
  ...more,
});
const answer = (...samples: Sample[]) => ({ available: true, reason: null, samples, taken_at: 0, interval_ms: 1000 });

describe("which processes the board shows", () => {
  const rows = [
    row("a", { started_at: 1, name: "web" }),
    row("b", { started_at: 2, status: "exited", session_id: "ses_2" }),
    row("c", { started_at: 3, session_id: null, command: "sleep 9" }),
  ];
  const titles = new Map([["ses_2", "Fix the build"]]);
  const histories = remember(
    new Map(),
    answer(sample("a", 0.1, { listening: [{ address: "::", port: 5173 }] }), sample("c", 2)),
  );
  const ids = (choice: Partial<typeof everything>) =>
    arrange(rows, { ...everything, ...choice }, histories, titles).map((one) => one.process_id);

  it("P16: all sessions, or one; running, ended, or both", () => {
    assert.deepEqual(ids({}), ["c", "b", "a"]);
    assert.deepEqual(ids({ which: "running" }), ["c", "a"]);
    assert.deepEqual(ids({ which: "ended" }), ["b"]);
    assert.deepEqual(ids({ session: "ses_1" }), ["a"]);
  });

  it("P16: by words in anything that is shown", () => {
    assert.deepEqual(ids({ text: "fix BUILD" }), ["b"]);
    assert.deepEqual(ids({ text: ":5173" }), ["a"]);
    assert.deepEqual(ids({ text: "sleep nothing" }), []);
  });

  it("P16: in any order, and back", () => {
    assert.deepEqual(ids({ sort: "cpu" }), ["c", "a", "b"]);
    assert.deepEqual(ids({ sort: "cpu", reversed: true }), ["b", "a", "c"]);
    assert.deepEqual(ids({ sort: "status" }), ["c", "a", "b"]);
    assert.deepEqual(ids({ sort: "name" }), ["b", "c", "a"]);
  });

  it("A46: a command is one line, and shows what hides in it", () => {
    assert.equal(oneLine("a\nb\u001b[31m\u202e"), "a⏎ b\\e[31m\\u{202e}");
  });

  it("T16: links only to what this machine's own addresses lead to", () => {
    assert.deepEqual(
      portsOf([
        { address: "::", port: 80 },
        { address: "0.0.0.0", port: 80 },
        { address: "::1", port: 81 },
        { address: "10.0.0.7", port: 82 },
        { address: "127.0.0.53", port: 53 },
      ]),
      [
        { label: ":80", href: "http://127.0.0.1:80" },
        { label: ":81", href: "http://[::1]:81" },
        { label: "10.0.0.7:82", href: null },
        { label: "127.0.0.53:53", href: "http://127.0.0.53:53" },
      ],
    );
  });

  it("P6: says limits, and whether they hold", () => {
    const limits = { memory_bytes: 512 * 1_048_576, cpus: 1, pids: null, enforced: false };
    assert.match(limitsOf({ limits }), /^512 MiB memory, 1 processor \(not held/);
    assert.equal(limitsOf({ limits: null }), "");
  });
});

describe("what a process has used lately", () => {
  it("T16: remembers so many samples, and forgets who is not sampled any more", () => {
    let histories: ReadonlyMap<string, History> = new Map();
    for (let at = 0; at < KEPT + 20; at++) histories = remember(histories, answer(sample("a", at), sample("b", null)));
    assert.equal(histories.get("a")?.cpu.length, KEPT);
    assert.equal(histories.get("a")?.cpu.at(-1), KEPT + 19);
    assert.deepEqual([...remember(histories, answer(sample("b", 1))).keys()], ["b"]);
  });

  it("T16: draws a line whose newest point is at the right edge, with gaps", () => {
    const box = { width: 60, height: 10, steps: 4, top: 1 };
    assert.equal(sparkline([0, 1], box).line, "M40 10L60 0");
    assert.equal(sparkline([0, 1], box).area, "M40 10L60 0L60 10L40 10Z");
    assert.equal(sparkline([1, null, 0.5, 5], box).line, "M0 0h0.1M40 5L60 0");
    assert.equal(sparkline([], box).line, "");
    const values = fc.array(fc.option(fc.double({ noNaN: false })), { maxLength: 200 });
    fc.assert(
      fc.property(values, (some) => {
        const { line, area } = sparkline(some, { ...box, top: topOf(some, 0.01) });
        assert.doesNotMatch(line + area, /NaN|Infinity|--/);
        assert.ok(line.length < 200);
      }),
    );
  });

  it("T16: says amounts shortly", () => {
    assert.deepEqual([0, 0.004, 0.0512, 0.35, 2.12].map(percent), ["0 %", "0.4 %", "5.1 %", "35 %", "212 %"]);
    assert.deepEqual([0, 612_000, 84_400_000, 1_300_000_000].map(bytes), ["0 B", "612 kB", "84 MB", "1.3 GB"]);
  });
});
