// What a command has printed, as a model is told it: whole if it is short, its beginning and its end if it is not.

import { lastCharacters } from "../processes/plain-text.ts";
import type { Processes } from "../processes/processes.ts";
import { HostError } from "../protocol/errors.ts";

export const MAX_OUTPUT = 30_000;
const HEAD = 10_000;
const TAIL = 19_800;
/** Enough for HEAD characters that are not escape sequences, in all but strange outputs. */
const HEAD_BYTES = 128 * 1024;

/** At most MAX_OUTPUT characters, without escape sequences; where the middle is left out a line says so. */
export async function commandOutput(processes: Processes, id: string): Promise<string> {
  const all = await processes.tail(id, MAX_OUTPUT + 1, { stripAnsi: true });
  const { spool } = processes.attach(id);
  if (all.length <= MAX_OUTPUT) {
    return spool.firstKept === 0 ? all : `[The oldest ${spool.firstKept} bytes are no longer kept.]\n${all}`;
  }
  const head = wholeLines(await beginning(processes, id), "first");
  const tail = wholeLines(lastCharacters(all, TAIL), "last");
  return `${head}\n[The middle of ${spool.length} bytes of output is left out here: the process log shows any lines.]\n${tail}`;
}

async function beginning(processes: Processes, id: string): Promise<string> {
  const gone = "[The oldest output is no longer kept.]";
  try {
    const { text, whole } = await processes.head(id, HEAD, HEAD_BYTES);
    return whole ? text : gone;
  } catch (error) {
    // Dropped between the look and the read, by a command that prints faster than its quota lasts.
    if (error instanceof HostError && error.reason === "offset_gone") return gone;
    throw error;
  }
}

/** Without the line that the cut has broken, unless that would leave next to nothing. */
function wholeLines(text: string, which: "first" | "last"): string {
  const at = which === "first" ? text.lastIndexOf("\n") : text.indexOf("\n") + 1;
  const kept = at <= 0 ? text : which === "first" ? text.slice(0, at) : text.slice(at);
  return kept.length < text.length / 2 ? text.replace(/[\ud800-\udbff]$/, "") : kept;
}
