// The words in which an agent is told what a process did. Each stands alone: the agent may have forgotten the process.
import type { ProcessRow } from "../protocol/rows.ts";
import { firstCharacters } from "./plain-text.ts";

/** Deterministic notice ids, so a tool result can consume a completion that is just being recorded. */
export const endedNotice = (processId: string) => `notice_${processId}_ended`;

const COMMAND_CHARACTERS = 500;

function how(row: ProcessRow): string {
  const code = row.exit_code === null ? "exit code unknown" : `exit code ${row.exit_code}`;
  // 143 is how a shell passes on that its last command died of SIGTERM.
  const signal = row.signal ?? (row.exit_code === 143 ? "SIGTERM" : null);
  const facts = signal === null ? code : `${code}, ${signal}`;
  const why = row.reason === null ? "" : `: ${row.reason}`;
  switch (row.completion_reason) {
    case "killed":
      return `was ended by ${row.termination_source ?? "Hearth"} (${facts})`;
    case "lost":
      return `was lost${why} (${facts})`;
    case "failed_start":
      return `failed to start${why}`;
    default:
      return row.exit_code === 0 ? `ended normally (${facts})` : `ended (${facts})`;
  }
}

/** The notice of an end; `tail` is the last output, already bounded and plain (P29, P30). */
export function endedText(row: ProcessRow, tail: string): string {
  const output = tail.trim() === "" ? "It printed nothing." : `Its last output:\n${tail.trimEnd()}`;
  const name = row.name === null ? "" : ` "${row.name}"`;
  return `Background process ${row.process_id}${name} ${how(row)}.\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}\n${output}`;
}

/** The notice of a watch match (P25, P30). */
export function matchedText(row: ProcessRow, pattern: string, lines: readonly string[], suppressed: number): string {
  const more =
    suppressed === 0 ? "" : `\n(${suppressed} more matching ${suppressed === 1 ? "line" : "lines"} not shown.)`;
  return `Background process ${row.process_id} printed "${pattern}", which you watch for.\nCommand: ${firstCharacters(row.command, COMMAND_CHARACTERS)}\nMatching output:\n${lines.join("\n")}${more}`;
}
