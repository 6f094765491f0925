// How a process stands or ended, in words that a model acts on.
import type { ProcessRow } from "../protocol/rows.ts";

/** `exit code 2 after 3.2 s`, `ended by SIGKILL …`, `lost: …`, `running for …`. */
export function standing(row: ProcessRow): string {
  const after = seconds((row.ended_at ?? Date.now()) - row.started_at);
  switch (row.status) {
    case "running":
      return `running for ${after}${row.limit_hit === null ? "" : `; it ran into its limit of ${row.limit_hit === "pids" ? "processes" : "memory"}`}`;
    case "exited":
      return `${row.signal === null ? `exit code ${row.exit_code}` : `ended by ${row.signal}`} after ${after}${because(row)}`;
    case "killed":
      return `killed${row.termination_source === null ? "" : ` (${row.termination_source})`} after ${after}, ${codeOf(row)}`;
    case "lost":
      return `lost${row.reason === null ? "" : `: ${row.reason}`}; its exit code is unknown`;
    case "failed_start":
      return `could not start${row.reason === null ? "" : `: ${row.reason}`}`;
    default:
      return row.status satisfies never;
  }
}

/** A limit it ran into. */
const because = (row: ProcessRow): string => (row.reason === null ? "" : `: ${row.reason}`);

const codeOf = (row: ProcessRow): string => (row.signal === null ? `exit code ${row.exit_code}` : `by ${row.signal}`);

export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
