// Which terminals somebody has closed since the page looked last: there is nothing to show of them any more.
import type { FoldedTerminal } from "../../client/fold.ts";

type Known = ReadonlyMap<string, Pick<FoldedTerminal, "terminal_id" | "name" | "closed">>;

/** Names whose newest terminal was closed between the two looks; a closed one with a successor says nothing of its name. */
export function namesPutAway(before: Known, now: Known): string[] {
  // In the order in which they were opened, so that the last of a name is the newest.
  const newest = new Map([...now.values()].map((row) => [row.name, row]));
  return [...newest.values()]
    .filter((row) => row.closed === true && before.has(row.terminal_id))
    .filter((row) => before.get(row.terminal_id)?.closed !== true)
    .map((row) => row.name);
}
