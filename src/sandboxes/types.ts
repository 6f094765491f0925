// What a sandbox is to the rest of Hearth, and what is asked of whoever writes another kind of it.
import type { Child, Transport } from "../keeper/keepers.ts";

/** One process that is to run inside. */
export interface SandboxRequest {
  /** Of the process; fit for a name. */
  id: string;
  /** The folder asked for, absolute, as on this machine; it may not exist. */
  cwd: string;
  /** The folder that the process may write to: its session's, or where a person started it. */
  workspace: string;
  mode: "pipe" | "pty";
  session_id: string | null;
  limits: { memory_bytes: number | null; cpus: number | null; pids: number | null } | null;
}

/** What runs there: the words of a program, the variables it gets beside its surroundings' own, and its terminal's size. */
export interface Inside {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  rows?: number;
  cols?: number;
}

/** The way in. */
export interface Way {
  /**
   * A command line on this machine that runs `keeper inside` in there, connected to its standard input and output: then
   * everything is exact. Or, where the inside half cannot run, a program of this machine that stands for the one inside
   * and is given its mode: best effort; `wrap` makes the best of it.
   */
  transport: Transport | { proxy(inside: Inside): Promise<Transport> };
  /** Where it will run, in there; default the `cwd` of the request. */
  cwd?: string;
  /** What could not be had as asked for, one sentence each. */
  notes?: readonly string[];
}

export interface Sandbox {
  /** What it is, in one word: bubblewrap, container, ssh, command, or a module's own. */
  readonly kind: string;
  /** What it is, for a list: an image, a host, a program. */
  readonly about: string;
  /** True: the programs and folders of this machine are in there, so PATH, HOME and the person's shell mean the same. */
  readonly sameSystem: boolean;
  /** The words a command line is appended to. Not used where `sameSystem`: there it is the person's shell. */
  readonly shell: readonly string[];
  /**
   * Where limits hold: `here`, since what runs inside runs below the transport; `inside`, by what `enter` makes of those
   * of the request (run as `keeper limits inside`, the half in there says which one was hit); or `nowhere`.
   */
  readonly limited: "here" | "inside" | "nowhere";
  /** How long a start may take, in ms. */
  readonly startMs: number;
  /** Finds the way in, within two minutes or `startMs`. Throws HostError `failed_start`, in words that say what to do. */
  enter(request: SandboxRequest): Promise<Way>;
  /** A child as it is to be seen, one found again as well; needed where there is a proxy. `begun`: it was just started. */
  wrap?(child: Child, begun: boolean): Promise<Child>;
  /** Ends what may be left of a process whose way in is gone. Idempotent. */
  cleanUp?(id: string): Promise<void>;
  /** The host lets go of it, or it is configured otherwise now. `inUse`: processes still run in it. */
  close?(inUse: boolean): Promise<void>;
}

/** What a sandbox of any kind may use of its host. */
export interface SandboxContext {
  readonly name: string;
  /** The inside half for this machine: static, so that it runs in any Linux of the same processor. */
  readonly keeperBinary: string;
  /** The inside half for another machine, as Node names one (`linux`, `arm64`); undefined: there is none here. */
  keeperFor(platform: string, arch: string): Promise<string | undefined>;
  /** Hearth's own folder and settings: never visible inside. */
  readonly home: string;
  readonly configFile: string;
  /** The host's environment: no secret of Hearth's. What a backend's own program needs is taken from it by name. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a program of this machine to its end, without a shell. Never throws for its exit code. */
  run(argv: readonly string[], options?: ErrandOptions): Promise<Said>;
  warn(text: string): void;
}

export interface ErrandOptions {
  /** Names of variables of the host's environment that it needs beside PATH and HOME. */
  environment?: readonly string[];
  cwd?: string;
  input?: Uint8Array;
  /** After this it is ended; default 30 s. */
  limitMs?: number;
}

/** How a program ended, and what it wrote to output and error, at most 1 MiB; of one not in time that wrote nothing, that. */
export interface Said {
  /** null: it was ended by a signal, or not in time. */
  code: number | null;
  text: string;
}
