// The folders that conversations work in, to be chosen again. Which one was chosen last the host itself remembers.
import type { SessionRow } from "../protocol/rows.ts";

const MOST = 6;

/** The one used last first, each once; not the one where one is already. */
export function recentFolders(sessions: readonly SessionRow[], now: string | null): string[] {
  const latest = sessions.toSorted((a, b) => b.updated_at - a.updated_at);
  const folders = new Set(latest.map((row) => row.workspace).filter((folder) => folder !== now && folder !== ""));
  return [...folders].slice(0, MOST);
}
