// The shells of terminals among the processes: "what is running here" has one answer (T16).
import type { Result } from "../protocol/methods.ts";
import type { ProcessRow, TerminalRow } from "../protocol/rows.ts";

/** A terminal's shell as a process of the person who opened it; its id is the terminal's. */
function asProcess(row: TerminalRow): ProcessRow {
  const { terminal_id, session_id, name, title, shell, workspace, status, pid, exit_code, signal, recovered } = row;
  return {
    process_id: terminal_id,
    session_id,
    task_id: null,
    name: title ?? name,
    command: shell,
    argv: null,
    cwd: workspace,
    notes: [],
    mode: "pty",
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
    owner: "person",
    status,
    pid,
    start_tick: null,
    started_at: row.started_at,
    ended_at: row.ended_at,
    exit_code,
    signal,
    completion_reason: status === "running" ? null : status,
    termination_source: null,
    reason: null,
    bytes_at_exit: null,
    closed: status !== "running",
    watch_patterns: [],
    watch_hits: 0,
    notify_on_complete: false,
    recovered,
  };
}

/** As `process.list` shows it; a screen has no tail. */
export function asListed(row: TerminalRow): Result<"process.list">["processes"][number] {
  const uptime_s = ((row.ended_at ?? Date.now()) - row.started_at) / 1000;
  return { ...asProcess(row), uptime_s, tail: "", session_scoped: false };
}

/** The answer to a kill of a terminal that was as `row` says, and is closed now. */
export function killedShell(row: TerminalRow): Result<"process.kill"> {
  const process = asProcess(row);
  if (row.status !== "running") return { process_id: row.terminal_id, status: "already_exited", process };
  const ended = { ended_at: Date.now(), closed: true, termination_source: "process.kill" };
  return {
    process_id: row.terminal_id,
    status: "killed",
    process: { ...process, ...ended, status: "killed", completion_reason: "killed" },
  };
}
