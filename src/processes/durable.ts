// Facts that must be recorded although the disk has no room just now.
import { setTimeout as delay } from "node:timers/promises";
import { HostError } from "../protocol/errors.ts";

const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/**
 * Repeats `append` while the storage is full, until it succeeds or `signal` aborts; `onFull` hears of each time it was.
 * Other failures are thrown.
 */
export async function untilDurable(
  append: () => Promise<void>,
  signal: AbortSignal,
  onFull: () => void = () => undefined,
): Promise<void> {
  for (let pause = FIRST_MS; ; pause = Math.min(LONGEST_MS, pause * 2)) {
    try {
      await append();
      return;
    } catch (error) {
      if (!(error instanceof HostError && error.reason === "storage_full") || signal.aborted) throw error;
      onFull();
      await delay(pause, undefined, { signal, ref: false });
    }
  }
}
