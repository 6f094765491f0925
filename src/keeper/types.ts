// What a child of Hearth is to those who use it: the names every other part builds on.

/**
 * The way into a sandbox: a command line on this machine that runs `keeper inside` there, connected to its standard input
 * and output. `env` is its whole environment; `argv[0]` is searched in its PATH. What it writes to standard error is no
 * output of the child: it is kept in `transport.log` (64 KiB), and its last words explain a failure.
 */
export interface Transport {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** What to run. `env` is the whole environment (a mark is added); `argv[0]` is searched in its PATH. */
export interface ChildSpec {
  id: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  mode: "pipe" | "pty";
  /** Terminal size; default 30 × 120. */
  rows?: number;
  cols?: number;
  /** How much output is kept on disk, in bytes; default 64 MiB. */
  quotaBytes?: number;
  /** Where no terminal can be had, use a pipe instead of failing; `live.mode` says which it became. */
  ptyFallback?: boolean;
  /** Control groups it is put into before it runs: absolute directories, at most 4. */
  groups?: readonly string[];
  /** Where it cannot be put into them, it does not start; else `live.unlimited` says why. */
  groupsRequired?: boolean;
  /** Where it runs; `argv`, `env`, `cwd`, `mode` and size are then those of the command inside. Default: here. */
  transport?: Transport;
  /** How long the start may take; default the keepers' own. */
  startDeadlineMs?: number;
  /** Kept with the child and handed back by `adopt`; means nothing here. */
  facts?: Readonly<Record<string, string>>;
}

/** What the keeper recorded before the child ran its first instruction. */
export interface Live {
  keeperPid: number;
  /** In a sandbox: of the way in, which is the process on this machine. */
  pid: number;
  /** The command's own pid in its sandbox; null where there is none, or where it is not known yet. */
  pidInside: number | null;
  startTick: string;
  bootId: string;
  mode: "pipe" | "pty";
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** This system has no sub-reaper: descendants that leave the child's group may outlive a kill. */
  bestEffort: boolean;
  /** Why it is not in (all of) its control groups, by the system's name for it; null if it is. */
  unlimited: string | null;
}

/** How it ended. A lost child has no exit code: nothing is guessed. */
export type End =
  | {
      kind: "exited";
      code: number | null;
      signal: number | null;
      core: boolean;
      endedAt: number;
      bytesAtExit: number;
      /**
       * What of a kill had reached it while it lived: nothing, the first signal, or KILL after the grace. Absent in the
       * records of older keepers.
       */
      endedBy?: "itself" | "signal" | "kill";
    }
  | {
      kind: "lost";
      reason: "keeper_gone" | "reboot" | "status_untrusted" | "transport_gone";
      /** The last that the way into its sandbox said. */
      words?: string;
    };

/** The end of output, which may come long after the end of the child: descendants can hold its pipe. */
export interface Closed {
  bytes: number;
  /** Descendants that were alive at the end of output. */
  stragglers: number;
}

/** The output of a child as one run of bytes on disk, for any number of readers. */
export interface Spool {
  /** Bytes written so far, as last heard from the keeper. */
  readonly length: number;
  /** The first offset still on disk; what was before was dropped for the quota. */
  readonly firstKept: number;
  /** No byte will ever come again. */
  readonly ended: boolean;
  /**
   * Up to `max` bytes from offset `from`; empty at the end. `into`: they may be put there, for readers of much that make no
   * garbage. Throws `OffsetGone` where the bytes are no longer kept.
   */
  read(from: number, max: number, into?: Buffer): Promise<{ offset: number; bytes: Buffer }>;
  /**
   * The same for what was written just now, at once: how many of these bytes were put `into`; 0 where it takes a disk, or
   * where nothing is there.
   */
  readNow?(from: number, into: Buffer): number;
  /** Resolves when there is more than `after`, when the output has ended, or when `signal` aborts. Never rejects. */
  grown(after: number, signal: AbortSignal): Promise<void>;
}

/** A child that was started or found again. It belongs to its keeper: letting go of this object ends nothing. */
export interface Child {
  readonly id: string;
  readonly dir: string;
  readonly spec: ChildSpec;
  readonly live: Live | undefined;
  readonly end: End | undefined;
  readonly spool: Spool;
  /** Resolves once, with the truth; every byte before the exit can then be read. Never rejects. */
  readonly exited: Promise<End>;
  /** Resolves once the output has ended, after `exited`. Never rejects. */
  readonly closed: Promise<Closed>;
  /**
   * Answers how many bytes were taken, which may be fewer: at most 1 MiB waits for a child that does not read, and a
   * terminal in line mode takes 4,095 bytes of one line. Throws `NotRunning` after the end.
   */
  write(bytes: Uint8Array): Promise<number>;
  /** End of standard input (Ctrl-D in a terminal). Throws `NotRunning`. */
  eof(): Promise<void>;
  /** The new size of its terminal; does nothing for a pipe. Throws `NotRunning`. */
  resize(rows: number, cols: number): Promise<void>;
  /** A signal by number, to the child's process group. Throws `NotRunning`. */
  signal(n: number): Promise<void>;
  /**
   * Ends the child and every descendant, children before parents: `firstSignal` (default 15), `graceMs`, then KILL.
   * Resolves when none is left. With `graceMs` 0 there is no escalation, and it resolves when the signal was sent.
   * After the child's own end it ends the stragglers.
   */
  kill(options: { graceMs: number; firstSignal?: number }): Promise<void>;
  /** Drops the connection; the child lives on. What had not come by now (`exited`, `closed`) does not come any more. */
  detach(): void;
}

/** What was found in a child's directory. */
export type Adopted =
  | { state: "running" | "ended"; child: Child }
  | { state: "failed_start"; id: string; errno?: string; step?: string; words?: string; spec?: ChildSpec }
  | { state: "torn"; id: string; warning: string };
