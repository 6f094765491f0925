// Opens the embedded log of a home.
import { join } from "node:path";
import type { EventLog } from "./event-log.ts";
import { checkHome, prepareFile } from "./home.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { WriterThread } from "./writer-thread.ts";

export interface OpenLog {
  /** A directory of the user's own, 0700; created if it is not there. The log is `hearth.db` in it. */
  home: string;
  /** Told, in words for a person, of damage that was found and worked around. */
  onWarning?: (text: string) => void;
}

/**
 * Opens the log, creating it the first time. One at a time per home: the database stays locked until disposed.
 * Throws HomeRefused (unsafe or unsuitable place) or StorageFailed (damaged, newer, in use, full: says which and what to do).
 */
export async function openLog({ home, onWarning = ignore }: OpenLog): Promise<EventLog> {
  await checkHome(home);
  const file = join(home, "hearth.db");
  for (const name of [file, `${file}-wal`, `${file}-journal`]) await prepareFile(name, name === file);
  return new SqliteLog(await WriterThread.start(file, onWarning), file, onWarning);
}

function ignore(): undefined {
  return undefined;
}
