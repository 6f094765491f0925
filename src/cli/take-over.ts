// A host that holds its home but does not answer: ended, if it is proven to be what it says, so that a new one can serve.
import { setTimeout as delay } from "node:timers/promises";
import { writeCrashLog } from "./crash-log.ts";
import { CliError } from "./failure.ts";
import { answers, isAlive, readHostFile } from "./host-file.ts";

const SILENT_MS = 5_000;
const PROBE_MS = 500;
const TERM_MS = 2_000;
const KILL_MS = 5_000;

/**
 * @param holderPid who holds the lock, where the kernel tells
 * Called when the home is locked by another process. Resolves with "serves" as soon as it answers, or with "free" when it was
 * silent for 5 s and has been ended. Throws CliError if the holder cannot be proven to be the host of this home.
 */
export async function waitOrTakeOver(
  home: string,
  holderPid: number | undefined,
  warn: (text: string) => void,
): Promise<"serves" | "free"> {
  for (const end = performance.now() + SILENT_MS; performance.now() < end; await delay(PROBE_MS)) {
    if (await answers(home, PROBE_MS)) return "serves";
  }
  const holder = await readHostFile(home);
  if (
    holder === undefined ||
    holder.pid !== (holderPid ?? holder.pid) ||
    holder.home !== home ||
    !(await isAlive(holder))
  ) {
    throw new CliError(
      `Another process holds ${home} and does not answer, and what it is cannot be proven: end it yourself, or set HEARTH_HOME to another directory.`,
    );
  }
  warn(
    `The host with process ${holder.pid} holds ${home} and has not answered for ${SILENT_MS / 1000} s: it is ended.`,
  );
  writeCrashLog(home, `process ${holder.pid} held this home and was silent for ${SILENT_MS} ms: ending it`);
  // Its children have keepers of their own and live on. TERM first: stopped by a debugger it cannot, but busy it can.
  for (const [signal, patience] of [
    ["SIGTERM", TERM_MS],
    ["SIGKILL", KILL_MS],
  ] as const) {
    if (!(await isAlive(holder))) break;
    process.kill(holder.pid, signal);
    for (const end = performance.now() + patience; performance.now() < end && (await isAlive(holder)); )
      await delay(20);
  }
  if (await isAlive(holder))
    throw new CliError(
      `Process ${holder.pid} cannot be ended: it hangs in the kernel; see \`ps -o stat,wchan ${holder.pid}\`.`,
    );
  return "free";
}
