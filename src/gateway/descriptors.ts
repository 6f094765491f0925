// Keeps some file descriptors free for work: a host whose table of open files is full accepts connections and drops them
// without a word, and can neither start a process nor read an output.
import type { Socket } from "node:net";

/** What stays free for starts, outputs and the event log whoever connects; and of that, for the command line's own way in. */
const RESERVE = 32;
const LOCAL_RESERVE = 16;
const FEW = 256;

/**
 * Tells whether a socket that was just accepted takes one of the last descriptors. The kernel gives out the lowest number
 * that is free: a high one means that all below it are in use.
 */
export function leavesRoom(socket: Socket, limit: number | undefined, local: boolean): boolean {
  if (limit === undefined) return true;
  // The number is not in Node's types, and without one there is nothing to go by.
  const { fd } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {};
  if (fd === undefined || fd < 0) return true;
  const reserve = limit < FEW ? Math.min(RESERVE, Math.floor(limit / 3)) : RESERVE * 2;
  return fd < limit - (local ? Math.min(LOCAL_RESERVE, reserve) : reserve);
}
