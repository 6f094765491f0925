// What the host and its regex thread say to each other.
import type { Regex } from "./engine.ts";
import type { LineHits } from "./scan.ts";

export type Ask =
  | { ask: "open"; set: number; patterns: readonly Regex[] }
  | { ask: "scan"; n: number; set: number; bytes: Uint8Array<ArrayBuffer> }
  | { ask: "close"; set: number };
export interface Said {
  n: number;
  hits: LineHits;
}
