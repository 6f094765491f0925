// How one reader goes through a stream: from disk while behind, from the shared tail once it has caught up.
import type { Page, Tail } from "./tails.ts";

export interface Source {
  tail: Tail;
  /** One page from disk, shared by all who ask for the same place at the same time. Throws CursorGone. */
  page(after: number): Promise<Page>;
  /** True once the log closes. Throws StorageFailed if it can give nothing any more. */
  closed(): boolean;
  /** Counts the times this stream was removed. */
  removals(): number;
}

/**
 * Pages after `after`, each only when the one before was taken; ends with `signal`, or when the log closes. Throws CursorGone and
 * StorageFailed, as `source` does.
 */
export async function* follow(source: Source, after: number, signal: AbortSignal): AsyncGenerator<Page> {
  const { tail } = source;
  let wake: (() => void) | undefined;
  const onAbort = () => wake?.();
  signal.addEventListener("abort", onAbort);
  let cursor = after;
  let caughtUp = false;
  let removals = source.removals();
  try {
    while (!signal.aborted && !source.closed()) {
      if (removals !== source.removals()) {
        removals = source.removals();
        caughtUp = false;
      }
      const page = tail.after(cursor) ?? (caughtUp && tail.last <= cursor ? undefined : await source.page(cursor));
      if (signal.aborted || source.closed()) return;
      if (page === undefined) {
        await tail.next((wakeMe) => {
          wake = wakeMe;
        });
      } else if (page.length === 0) {
        caughtUp = true;
      } else {
        cursor = page.at(-1)?.seq ?? cursor;
        yield page;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
