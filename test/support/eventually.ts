// Waits in tests for what nothing announces, and names what never came.
import { setTimeout as delay } from "node:timers/promises";

const patienceMs = 60_000;

/** Looks until `check` says yes. Throws with `what` in words if it never does. */
export async function eventually(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  for (const limit = performance.now() + patienceMs; performance.now() < limit; await delay(10))
    if (await check()) return;
  throw new Error(`It never came true: ${what}`);
}
