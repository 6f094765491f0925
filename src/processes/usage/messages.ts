// What the host and the thread that looks at the system's processes say to each other.

/** Whose use is wanted: one child with all that descends from its keeper. */
export interface Subject {
  id: string;
  keeperPid: number;
  pid: number;
  /** With `pid` it names one process; null: not known. */
  startTick: string | null;
}

/** A socket that waits for connections. */
export interface Listening {
  /** As text: `127.0.0.1`, `0.0.0.0`, `::1`. */
  address: string;
  port: number;
}

/** What one child and its descendants use. */
export interface Used {
  id: string;
  /** Processors' worth of time since the sample before; null in the first. */
  cpu: number | null;
  /** Resident memory of each, added up: what they share counts for each of them. */
  memory_bytes: number;
  processes: number;
  threads: number;
  listening: Listening[];
}

/** One process of a tree. */
export interface Member {
  pid: number;
  parent: number;
  /** The program's name, as it calls itself. Arguments are left out: they may hold secrets. */
  name: string;
  /** The kernel's letter: R, S, D, T, Z, … */
  state: string;
  cpu: number | null;
  memory_bytes: number;
  threads: number;
}

export interface Sample {
  used: Used[];
  /** Milliseconds since the epoch. */
  taken_at: number;
  /** Since the sample before; null in the first. */
  interval_ms: number | null;
}

export type ToThread = { n: number; subjects: Subject[]; tree?: string };
export type FromThread = { n: number; sample: Sample; tree: Member[] | null } | { n: number; failed: string };
