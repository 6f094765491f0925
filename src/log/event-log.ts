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
  /** Resolves with the reason once nothing can be appended any more, though nobody closed it: the host has to end. */
  readonly broken: Promise<string>;
  /**
   * Appends and resolves once durable. An event whose id the stream already has is not appended again: the recorded one
   * is returned in its place. Also takes no events at all, for views only.
   * A retry is recognised by its ids: if all of them are recorded, `expect` is not looked at and `views` are not written
   * (they were, together with the events). Ids that ascend within a stream are the cheapest to keep.
   * Errors: HeadMoved, StorageFull (nothing was written; try again when there is room), StorageFailed (read-only now),
   * LogBehind (too much waits already).
   */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<readonly Recorded[]>;
  /** Number of the last event; 0 for a stream that has none. */
  head(stream: string): Promise<number>;
  /**
   * Events after `after`, in order: `limit` of them, or all there are if those are fewer. An event that the disk has
   * damaged comes as `event.damaged` under its number. Throws CursorGone if `after` is past the head.
   */
  read(stream: string, after: number, limit: number): Promise<readonly Recorded[]>;
  /**
   * Pages of events after `after`: what is there, then what comes, until aborted. A slow reader costs its own lag only.
   * The same record objects, and while they keep up the same page arrays, are shared by all followers: a WeakMap keyed
   * by page serialises once for all. Do not change them. Throws CursorGone as `read` does, also if the stream is removed;
   * ends when aborted or when the log closes.
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
/** The disk has no room: nothing was written. The same append works once there is room again. */
export class StorageFull extends HostError {
  constructor(file: string, options?: ErrorOptions) {
    super("storage_full", `The disk that holds ${file} is full: free some space, then try again`, options);
  }
}
/** The log can no longer be written (or read, if it says so): the host has to be started again. */
export class StorageFailed extends HostError {
  constructor(message: string, options?: ErrorOptions) {
    super("storage_failed", message, options);
  }
}
/** More waits to be written than the log keeps in memory. Nothing was written. */
export class LogBehind extends HostError {
  constructor(waiting: number) {
    super("too_many", `${waiting} appends wait for the disk already: try again in a moment`);
  }
}
