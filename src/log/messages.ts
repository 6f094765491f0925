// What the main thread and the writer thread say to each other: flat arrays of texts, because cloning objects is dear.

/**
 * Appends of one batch, one after the other: stream, expected head or -1, number of events, number of views, then for
 * each event id, type, payload as JSON, and for each view its name, key, value as JSON or null.
 */
export type Batch = (string | number | null)[];

/** Events one after the other: seq, time, id, type, payload as JSON. */
export type Rows = (string | number)[];
export const ROW_WIDTH = 5;

/**
 * What became of one append. A number: all events are new and the first has this seq (or there were none). Otherwise the
 * seq of each event, and the rows of those that had been recorded before; or the head that was not the expected one.
 */
export type Outcome = number | { seqs: number[]; known: Rows } | { head: number };

export type Ask =
  | { n: number; ask: "append"; batch: Batch }
  | { n: number; ask: "read"; stream: string; after: number; limit: number; bytes: number }
  | { n: number; ask: "head"; stream: string }
  | { n: number; ask: "view"; view: string; key: string }
  | { n: number; ask: "views"; view: string }
  | { n: number; ask: "remove"; stream: string }
  | { n: number; ask: "close" };

export interface Answers {
  append: { time: number; outcomes: Outcome[] };
  /** `head` is there only if there are no rows. */
  read: { rows: Rows; head?: number };
  head: number;
  view: string | null;
  /** Key, value, key, value … */
  views: string[];
  remove: null;
  close: null;
}

/** `full`: no room, nothing written. `failed`: the log takes no appends any more. `unreadable`: this one request failed. */
export interface Fault {
  kind: "full" | "failed" | "unreadable";
  message: string;
}

export type Said =
  | { said: "ready"; logId: string }
  | { said: "unusable"; message: string }
  | { said: "warning"; text: string }
  | { said: "failed"; message: string }
  | { said: "answer"; n: number; value: Answers[keyof Answers] }
  | { said: "fault"; n: number; fault: Fault };

export interface WriterData {
  file: string;
}
