// The words in which an agent is told what a process did. Each stands alone: the agent may have forgotten the process.
import type { ProcessRow } from "../protocol/rows.ts";
import type { Announcement } from "./pacer.ts";
import { firstCharacters } from "./plain-text.ts";

/** Deterministic notice ids, so a tool result can consume a completion that is just being recorded. */
export const endedNotice = (processId: string) => `notice_${processId}_ended`;

export const checkNotice = (processId: string, number: number) => `notice_${processId}_check_${number}`;

const COMMAND_CHARACTERS = 500;
const PATTERN_CHARACTERS = 100;

function how(row: ProcessRow): string {
  const code = row.exit_code === null ? "exit code unknown" : `exit code ${row.exit_code}`;
  // 143 is how a shell passes on that its last command died of SIGTERM.
  const signal = row.signal ?? (row.exit_code === 143 ? "SIGTERM" : null);
  const facts = signal === null ? code : `${code}, ${signal}`;
  const why = row.reason === null ? "" : `: ${row.reason}`;
  switch (row.completion_reason) {
    case "killed":
      return `was ended by ${row.termination_source ?? "Hearth"} (${facts})${why}`;
    case "lost":
      return `was lost${why} (${facts})`;
    case "failed_start":
      return `failed to start${why}`;
    default:
      return row.exit_code === 0 ? `ended normally (${facts})${why}` : `ended (${facts})${why}`;
  }
}

/** The notice of an end; `tail` is the last output, already bounded and plain (P29, P30). */
export function endedText(row: ProcessRow, tail: string): string {
  const output = tail.trim() === "" ? "It printed nothing." : `Its last output:\n${tail.trimEnd()}`;
  const name = row.name === null ? "" : ` "${row.name}"`;
  return `Background process ${row.process_id}${name} ${how(row)}.\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}\n${output}`;
}

/** The notice of a watch match (P25, P26, P30). */
export function matchedText(
  row: ProcessRow,
  match: { pattern: string; lines: readonly string[]; suppressed: number; promoted: boolean },
): string {
  const { pattern, lines, suppressed, promoted } = match;
  const more = suppressed === 0 ? "" : `\n(${counted(suppressed, "more matching line")} not shown.)`;
  const end = promoted
    ? "\nIt matches more than can be told: you will also be told when it has ended. Matches are counted as before."
    : "";
  return `Background process ${row.process_id} printed "${pattern}", which you watch for.\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}\nMatching output:\n${lines.join("\n")}${more}${end}`;
}

/** The notice that some of what is watched for, or all of it, is looked for no more (P30). `patterns` in words. */
export function unwatchedText(row: ProcessRow, patterns: readonly string[], why: string): string {
  const what = patterns.map((pattern) => `"${firstCharacters(pattern, PATTERN_CHARACTERS)}"`).join(", ");
  const rest =
    patterns.length < row.watch_patterns.length ? " What else it is watched for is looked for as before." : "";
  return `Background process ${row.process_id} is no longer watched for ${what}: ${why}.${rest} You are told of its end as before${row.notify_on_complete ? "" : ", if you have asked for that"}; process.log shows its output.\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}`;
}

/** The notice of a periodic check (P38). */
export function checkText(row: ProcessRow, tail: string, now: number): string {
  const output = tail.trim() === "" ? "It has printed nothing." : `Its last output:\n${tail.trimEnd()}`;
  const name = row.name === null ? "" : ` "${row.name}"`;
  const next = `You are told this every ${row.check_every_s} s while it runs.`;
  return `Background process ${row.process_id}${name} still runs, for ${duration(now - row.started_at)}. ${next}\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}\n${output}`;
}

/** The notices of a pause in which matches of too many processes are held back (P27, P30). */
export function overflowText(announcement: Announcement): string {
  if (announcement.state === "tripped")
    return "Processes print more of what is watched for than can be told: for 30 s no match and no periodic check is told. All are counted, and what is held back is told afterwards. The end of a process is told as always.";
  const { held, more, count } = announcement;
  const others = more === 0 ? "" : ` and of ${counted(more, "other process", "other processes")}`;
  const whose = held.map((one) => `${one.process_id} (${one.count})`).join(", ");
  const what =
    count === 0
      ? "No match was held back."
      : `${counted(count, "match was", "matches were")} held back, of ${whose}${others}: summaries follow; of what has ended meanwhile the output is in its log.`;
  return `Matches are told again. ${what}`;
}

function counted(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
