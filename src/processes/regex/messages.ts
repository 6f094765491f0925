// What the host and its regex thread say to each other.
import type { Regex } from "../../regex/engine.ts";
import type { LineHits } from "./scan.ts";

/** A longer line is matched in parts, each of which repeats the end of the one before: bytes. */
export const PART_BYTES = 64 * 1024;
export const OVERLAP_BYTES = 4 * 1024;

/** Of the bytes of one line: what is before them is not its beginning, what is behind them not its end. */
export interface Cut {
  continued: boolean;
  open: boolean;
}
export const WHOLE: Cut = { continued: false, open: false };

export type Ask =
  | { ask: "open"; set: number; patterns: readonly Regex[] }
  | { ask: "scan"; n: number; set: number; bytes: Uint8Array<ArrayBuffer>; cut: Cut }
  | { ask: "close"; set: number };
export interface Said {
  n: number;
  hits: LineHits;
}
