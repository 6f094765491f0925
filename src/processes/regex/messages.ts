// What the host and its regex thread say to each other.
import type { Regex } from "./engine.ts";
import type { LineHits } from "./scan.ts";

/** Of the bytes of one line: what is before them is not its beginning, what is behind them not its end. */
export interface Cut {
  continued: boolean;
  open: boolean;
}
export type Ask =
  | { ask: "open"; set: number; patterns: readonly Regex[] }
  | { ask: "scan"; n: number; set: number; bytes: Uint8Array<ArrayBuffer>; cut: Cut }
  | { ask: "close"; set: number };
export interface Said {
  n: number;
  hits: LineHits;
}
