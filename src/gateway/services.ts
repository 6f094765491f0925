// What the gateway needs of the parts behind it: narrow enough to be replaced in a test, checked when the host puts them in.
import type { EventLog } from "../log/event-log.ts";
import type { ToolSpec } from "../models/model.ts";
import type { Drawn } from "../processes/attachment.ts";
import type { StartProcess } from "../processes/processes.ts";
import type { SizeHistory } from "../processes/size-history.ts";
import type { Checked, ModelRow, PendingRequest, Result } from "../protocol/methods.ts";
import type { ApprovalMode, ProcessRow, SessionRow, TerminalRow } from "../protocol/rows.ts";
import type { Redactor } from "../secrets/redactor.ts";
import type { Sign } from "../terminals/screen/messages.ts";
import type { OpenTerminal } from "../terminals/terminals.ts";

/** Output bytes by offset, kept to a quota: the oldest go first. */
export interface SpoolView {
  readonly length: number;
  readonly firstKept: number;
  /** True once no further byte can come. */
  readonly ended: boolean;
  /** At most `max` bytes from `from`, perhaps put `into` this; throws a HostError `offset_gone` if they are no longer kept. */
  read(from: number, max: number, into?: Buffer): Promise<{ offset: number; bytes: Buffer }>;
  /** What of it can be had at once is put `into` this: how many bytes. */
  readNow?(from: number, into: Buffer): number;
  /** Resolves once there is more than `after`, at the end, or when aborted. */
  grown(after: number, signal: AbortSignal): Promise<void>;
}
export interface AttachmentView {
  readonly spool: SpoolView;
  readonly mode: "pipe" | "pty";
  /** Which sizes its screen had at which byte; null: it has no screen. */
  readonly sizes: SizeHistory | null;
  /** What its screen is drawn from; null: there is none. */
  readonly drawn: Drawn | null;
  write(bytes: Uint8Array): Promise<number>;
  resize(rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }>;
  onResize(listener: (rows: number, cols: number) => void): Disposable;
  readonly ended: Promise<{ exit_code: number | null; signal: string | null; cause: string }>;
}

type Later<T> = T | Promise<T>;

export interface TurnService {
  create(params: Checked<"session.create">): Promise<{ session: SessionRow; seq: number }>;
  list(limit?: number): SessionRow[];
  /** Throws session_not_found. */
  row(id: string): SessionRow;
  history(params: Checked<"session.history">): Promise<Result<"session.history">>;
  setTitle(id: string, title: string): Promise<unknown>;
  /** Throws workspace_invalid. */
  setWorkspace(id: string, path: string): Promise<SessionRow>;
  interrupt(id: string, turnId?: string): Promise<boolean>;
  /** Cancels what runs and starts nothing until disposed of. */
  retire(id: string): Promise<Disposable>;
  delete(id: string): Promise<boolean>;
  export(id: string, format: "json" | "markdown"): Promise<Result<"session.export">>;
  pending(id: string): Promise<PendingRequest[]>;
  submit(params: Checked<"prompt.submit">): Promise<Result<"prompt.submit">>;
  respond(id: string, choice: Checked<"approval.respond">["choice"]): Promise<Result<"approval.respond">>;
  answer(requestId: string, text: string): Promise<Result<"clarify.respond">>;
  /** Throws session_not_found, too_many. */
  delegated(work: Checked<"delegation.complete">): Promise<Result<"delegation.complete">>;
  setModel(sessionId: string, model: string): Promise<void>;
  setApprovals(sessionId: string, mode: ApprovalMode): Promise<void>;
  usage(sessionId?: string): Later<Result<"usage.get">>;
  busy(): number;
  /** Calls `listener` each second while a turn waits for room on the disk, and once it goes on. */
  onStalled(listener: (sessionId: string, stalled: boolean) => void): Disposable;
  /** Where a turn's events are; undefined if there never was such a turn. */
  streamOf(turnId: string): Promise<{ session_id: string; after: number } | undefined>;
  cancelTurn(turnId: string): Promise<boolean>;
}

export interface ProcessService {
  start(request: StartProcess): Promise<ProcessRow>;
  has(id: string): boolean;
  list(filter: { session_id?: string; task_id?: string }): Promise<Result<"process.list">["processes"]>;
  activity(about: {
    session_id?: string;
    task_id?: string;
    process_id?: string;
    max_age_h?: number;
  }): Result<"process.activity">;
  poll(id: string): Promise<Result<"process.poll">>;
  log(id: string, options: { offset?: number; limit?: number }): Promise<Result<"process.log">>;
  wait(id: string, options: { timeoutMs?: number; signal?: AbortSignal }): Promise<Result<"process.wait">>;
  kill(id: string, options: { graceMs?: number; source: string }): Promise<Result<"process.kill">>;
  killAll(filter: { session_id?: string; task_id?: string }, source: string): Promise<number>;
  /** Forgets what has ended in a session. */
  forgetSession(sessionId: string): Promise<void>;
  write(id: string, bytes: Uint8Array): Promise<number>;
  submit(id: string, line: string): Promise<number>;
  closeInput(id: string): Promise<void>;
  resize(id: string, rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }>;
  signal(id: string, name: string): Promise<void>;
  attach(id: string): AttachmentView;
  running(): number;
}

export interface UsageService {
  of(ids?: readonly string[]): Promise<Result<"process.usage">>;
  /** Throws not_running. */
  top(id: string): Promise<Result<"process.top">>;
}

export interface TerminalService {
  open(params: OpenTerminal): Promise<Result<"terminal.open">>;
  has(id: string): boolean;
  list(filter: { session_id?: string }): TerminalRow[];
  input(id: string, bytes: Uint8Array): Promise<number>;
  resize(id: string, rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }>;
  end(id: string): Promise<boolean>;
  rename(id: string, title: string): Promise<TerminalRow>;
  /** What runs in it beside its shell. */
  inside(id: string): Promise<{ pid: number; command: string }[]>;
  /** The directory its shell, or what runs in the foreground there, is in; undefined where that cannot be told. */
  directory(id: string): Promise<string | undefined>;
  attach(id: string): AttachmentView;
  /** The frame that shows a screen, and where its bytes go on; rejects where none can be had soon. */
  snapshot(drawn: Drawn, budget: number): Promise<{ offset: number; frame: Uint8Array }>;
  /** Calls back when a program has set another title or rung, now and then; never for what has ended or is no terminal. */
  watch(id: string, watcher: (sign: Sign) => void): Disposable;
  running(): number;
}
export interface SandboxService {
  list(): Promise<Result<"sandbox.list">>;
}
export interface ModelService {
  /** Throws model_not_found, with what to do. */
  resolve(id: string): Promise<unknown>;
  list(signal?: AbortSignal): Promise<ModelRow[]>;
  help(): string;
}
export interface ConfigService {
  /** The settings in force, without secrets; with `key` only those it names. */
  get(key?: string): Record<string, unknown>;
  setApprovals(mode: ApprovalMode): Promise<void>;
  setModel(model: string): Promise<void>;
}
export interface HostService {
  readonly build: string;
  status(): Promise<Result<"host.status">>;
  /** Begins an orderly stop; answers at once. */
  stop(all: boolean): void;
}

export interface Services {
  log: EventLog;
  turns: TurnService;
  processes: ProcessService;
  usage: UsageService;
  sandboxes: SandboxService;
  terminals: TerminalService;
  models: ModelService;
  config: ConfigService;
  host: HostService;
  /** Covers what is secret where output is shown as text. */
  redactor?: Redactor;
  tools: ReadonlyMap<string, { readonly spec: ToolSpec }>;
}
