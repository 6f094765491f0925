// When a failed request is worth another try, and how long to wait before it. The only place that tries again.
import { setTimeout as delay } from "node:timers/promises";
import { ProviderFailure } from "./failure.ts";
import type { ModelPart } from "./model.ts";

const MOST_RETRIES = 2;
const LONGEST_WAIT_MS = 60_000;

/**
 * Asks again, at most twice, for failures that pass by themselves, and only as long as nothing has been shown: a reader
 * must never see the beginning of an answer twice. Throws the last failure, or the signal's reason.
 * @param firstDelayMs the wait before the first retry where the provider names none; doubles, with jitter
 */
export async function* withRetries(
  attempt: () => AsyncGenerator<ModelPart>,
  signal: AbortSignal,
  firstDelayMs: number,
): AsyncGenerator<ModelPart> {
  for (let retries = 0; ; retries += 1) {
    let shown = false;
    try {
      for await (const part of attempt()) {
        shown = true;
        yield part;
      }
      return;
    } catch (thrown) {
      const wait = shown || retries >= MOST_RETRIES ? undefined : waitBefore(thrown, firstDelayMs * 2 ** retries);
      if (wait === undefined) throw thrown;
      try {
        await delay(wait, undefined, { signal });
      } catch {
        throw signal.reason;
      }
    }
  }
}

function waitBefore(thrown: unknown, backoffMs: number): number | undefined {
  if (!(thrown instanceof ProviderFailure) || !thrown.again) return undefined;
  const wait = thrown.retryAfterMs ?? backoffMs * (0.75 + Math.random() / 2);
  return wait <= LONGEST_WAIT_MS ? wait : undefined;
}
