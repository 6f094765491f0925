import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProcessRow } from "../protocol/rows.ts";
import { checkText, endedText, matchedText, overflowText, unwatchedText } from "./notices.ts";

function row(o: Partial<ProcessRow>): ProcessRow {
  return {
    process_id: "proc_0123456789ab",
    session_id: "ses_1",
    task_id: null,
    name: null,
    command: "npm run check",
    argv: null,
    cwd: "/",
    notes: [],
    mode: "pipe",
    environment: "local",
    environment_kind: "local",
    pid_inside: null,
    best_effort: false,
    drain_overdue: false,
    foreign: false,
    origin: null,
    routing: null,
    check_every_s: null,
    limits: null,
    limit_hit: null,
    owner: "agent",
    status: "exited",
    pid: 1,
    start_tick: "1",
    started_at: 1,
    ended_at: 2,
    exit_code: 0,
    signal: null,
    completion_reason: "exited",
    termination_source: null,
    reason: null,
    bytes_at_exit: 0,
    closed: true,
    watch_patterns: [],
    watch_hits: 0,
    notify_on_complete: true,
    recovered: false,
    ...o,
  };
}
const first = (o: Partial<ProcessRow>) => endedText(row(o), "").split("\n")[0];

describe("a notice", () => {
  const cases: [string, Partial<ProcessRow>, string][] = [
    ["a normal end", {}, "ended normally (exit code 0)"],
    ["an end with a code", { exit_code: 3 }, "ended (exit code 3)"],
    ["an end by TERM inside", { exit_code: 143 }, "ended (exit code 143, SIGTERM)"],
    [
      "a kill",
      { exit_code: -15, signal: "SIGTERM", completion_reason: "killed", termination_source: "process.kill" },
      "was ended by process.kill (exit code -15, SIGTERM)",
    ],
    [
      "a loss",
      { exit_code: null, completion_reason: "lost", reason: "its keeper was killed" },
      "was lost: its keeper was killed (exit code unknown)",
    ],
    [
      "a failed start",
      { exit_code: null, completion_reason: "failed_start", reason: "no such file" },
      "failed to start: no such file",
    ],
  ];
  for (const [what, o, text] of cases)
    it(`P30: says of ${what} that it ${text}`, () =>
      assert.equal(first(o), `Background process proc_0123456789ab ${text}.`));
  it("P29: carries the command and the last output", () => {
    assert.equal(
      endedText(row({}), "passed\n"),
      "Background process proc_0123456789ab ended normally (exit code 0).\nCommand: npm run check\nIts last output:\npassed",
    );
  });
  it("P30: says of a match what, where and how many more", () => {
    const match = { pattern: "error", lines: ["error: 1", "error: 2"], suppressed: 3, promoted: false };
    const text = matchedText(row({}), match);
    assert.match(text, /printed "error"[\s\S]*error: 1\nerror: 2\n\(3 more matching lines not shown\.\)$/);
  });
  it("P26, P30: says once that the end will be told too, because it matches too much", () => {
    const text = matchedText(row({}), { pattern: "x", lines: ["x"], suppressed: 1, promoted: true });
    assert.match(text, /you will also be told when it has ended. Matches are counted as before\.$/);
  });
  it("P38, P30: says at a periodic check how long it runs and what it printed last", () => {
    const text = checkText(row({ status: "running", started_at: 0, check_every_s: 600 }), "step 4\n", 5_400_000);
    assert.match(text, /proc_0123456789ab still runs, for 1 h 30 min\. You are told this every 600 s/);
    assert.match(text, /Its last output:\nstep 4$/);
  });
  it("P27, P30: says when matches are held back, and when no longer, of which processes and how many", () => {
    const about = { session_id: "ses_1", id: "1", process_id: "proc_1" };
    assert.match(overflowText({ ...about, state: "tripped", until: 0 }), /for 30 s no match .* All are counted/);
    const held = [{ process_id: "proc_1", count: 7 }];
    assert.match(
      overflowText({ ...about, state: "released", held, more: 2, count: 9 }),
      /told again\. 9 matches were held back, of proc_1 \(7\) and of 2 other processes/,
    );
    assert.match(overflowText({ ...about, state: "released", held: [], more: 0, count: 0 }), /No match was held back/);
  });

  it("P30: says what is looked for no more, and that the rest is", () => {
    const watched = row({ watch_patterns: ["ready", { regex: "slow" }], notify_on_complete: false });
    const some = unwatchedText(watched, ["/slow/"], "it took too long");
    assert.match(
      some,
      /^Background process proc_\w+ is no longer watched for "\/slow\/": it took too long\. What else /,
    );
    assert.match(some, /if you have asked for that; process\.log/);
    assert.doesNotMatch(unwatchedText(watched, ["ready", "/slow/"], "gone"), /What else/);
  });
});
