// What a log is: the interface every engine fulfils, so that a clustered one can take the embedded one's place.
import { HostError } from "../protocol/errors.ts";
import type { NewEvent, Recorded } from "../protocol/events.ts";

/** A row of a view: what a fold over events knows, kept for lists and look-ups. `value: null` removes it. */
export interface ViewPut {
  view: string;
  key: string;
  value: unknown;
}

export interface AppendOptions {
  /** The head the caller believes in; the append is refused with `HeadMoved` if the stream has another. */
  expect?: number;
  /** Written in the same transaction as the events. */
  views?: readonly ViewPut[];
}

/** One writer, many readers. Sequence numbers are dense and start at 1 within each stream. */
export interface EventLog extends AsyncDisposable {
  /** Names this log for ever; a cursor from another log means nothing here. */
  readonly logId: string;
  /**
   * Appends and resolves once durable. An event whose id the stream already has is not appended again: the recorded one
   * is returned in its place. Also takes no events at all, for views only.
   * Errors: HeadMoved, StorageFull (nothing was written; try again when there is room), StorageFailed (read-only now).
   */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<readonly Recorded[]>;
  /** Number of the last event; 0 for a stream that has none. */
  head(stream: string): Promise<number>;
  /** At most `limit` events after `after`, in order. Throws CursorGone if `after` is past the head. */
  read(stream: string, after: number, limit: number): Promise<readonly Recorded[]>;
  /**
   * Pages of events after `after`: what is there, then what comes, until aborted. A slow reader costs its own lag only.
   * The same record objects are shared by all followers. Throws CursorGone as `read` does.
   */
  follow(stream: string, after: number, signal: AbortSignal): AsyncGenerator<readonly Recorded[]>;
  /** Calls `listener` for each append of this process once it is durable, in stream order. It must not throw. */
  tap(listener: (stream: string, records: readonly Recorded[]) => void): Disposable;
  view(view: string, key: string): Promise<unknown>;
  views(view: string): Promise<Map<string, unknown>>;
  /** Removes a stream with all its events. */
  remove(stream: string): Promise<void>;
}

export class HeadMoved extends HostError {
  constructor(stream: string, expected: number, actual: number) {
    super("internal", `The stream "${stream}" is at ${actual}, not at ${expected}: read on and try again`, {
      data: { expected, actual },
    });
  }
}
export class CursorGone extends HostError {
  constructor(stream: string, after: number, head: number) {
    super("cursor_gone", `There is no event ${after} in "${stream}", it ends at ${head}: read again from 0`, {
      data: { after, head },
    });
  }
}
