// `crash.log` in the home: why a host ended, one entry each, so that the question can be answered afterwards (G10, G11).
import { closeSync, constants, openSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

const LARGEST = 1024 * 1024;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Not through a link that someone has put there, and never waiting for whoever reads a FIFO (A15). */
const FLAG = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** Writes one entry, now: the process may be gone a moment later. A log that cannot be written never blocks the end. */
export function writeCrashLog(home: string, what: string, details = ""): void {
  const file = join(home, "crash.log");
  const stack = details === "" ? "" : `\n${details.replace(/^/gm, "  ")}`;
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LARGEST) renameSync(file, `${file}.1`);
    const log = openSync(file, FLAG, 0o600);
    try {
      writeSync(log, `${new Date().toISOString()} pid ${process.pid}: ${what}${stack}\n`);
    } finally {
      closeSync(log);
    }
  } catch (error) {
    process.stderr.write(`${file} cannot be written: ${(error as Error).message}\n`);
  }
}
