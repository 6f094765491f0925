// Whether what this command prints goes to a service manager's journal: what is kept and read by others may hold no ticket.
import { fstatSync } from "node:fs";
import type { Environment } from "../config/environment.ts";

/** systemd names the device and inode of the stream it gave; one that was redirected since then is another. */
export function printsToJournal(env: Environment, descriptor = 1): boolean {
  if (env.JOURNAL_STREAM === undefined) return false;
  const { dev, ino } = fstatSync(descriptor);
  return env.JOURNAL_STREAM === `${dev}:${ino}`;
}
