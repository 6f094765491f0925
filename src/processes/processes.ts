// Every process there is: starts them, finds them again after a restart, and answers for them.
import { createHash } from "node:crypto";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import { within } from "../keeper/patience.ts";
import { type LimitSettings, type Limits, NOTHING_LIMITED } from "../limits/limits.ts";
import type { EventLog } from "../log/event-log.ts";
import { HostError, type Reason, Stopping } from "../protocol/errors.ts";
import { newId } from "../protocol/ids.ts";
import type { Result } from "../protocol/methods.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import type { Sandboxes } from "../sandboxes/sandboxes.ts";
import { Redactor } from "../secrets/redactor.ts";
import type { Attachment } from "./attachment.ts";
import { settled } from "./clock.ts";
import type { Environment } from "./environment.ts";
import { Forgetting } from "./forgetting.ts";
import { type Activity, type Filter, Known } from "./known.ts";
import { limitsOf, withLimits } from "./limited.ts";
import { LoginEnvironment } from "./login-environment.ts";
import { signalNumber } from "./outcome.ts";
import { openPacer } from "./overflow.ts";
import type { Pacer } from "./pacer.ts";
import { begin, sandboxOf } from "./placement.ts";
import { firstCharacters } from "./plain-text.ts";
import { type Prepared, prepare, type StartProcess, withLive } from "./preparation.ts";
import { type Book, Recorder } from "./record.ts";
import { PREFIX, recover } from "./recovery.ts";
import { Room } from "./room.ts";
import { Supervised, type Surroundings } from "./supervised.ts";
import type { Running } from "./usage/usage.ts";

export type { Attachment } from "./attachment.ts";
export { endedNotice } from "./notices.ts";
export type { StartProcess } from "./preparation.ts";

export interface ProcessSettings {
  graceMs: number;
  waitLimitMs: number;
  spoolBytes: number;
  passEnvironment: readonly string[];
  /** How many may run at a time; without it, 4,096 in all and 256 of one session. */
  running?: number;
  runningOfSession?: number;
  limits?: LimitSettings;
  /** How many ended ones are kept, and for how long (64, 30 min). */
  keepEnded?: number;
  keepMs?: number;
  /** How long after an end its output may be held open before that is marked (60 s). */
  drainMs?: number;
  /** The age from which a process holds its session open no more (24 h). */
  activeMaxMs?: number;
  /**
   * How long a new host waits until it knows the ends of what ended meanwhile, before it serves: those of a far machine that
   * cannot be reached now, and those that a full disk does not take, are told when they are known.
   */
  recoverMs?: number;
}

/** The ways a start can come to nothing that are worth a row in the list. */
const startFailures: ReadonlySet<Reason> = new Set<Reason>(["failed_start", "start_timeout", "pty_limit"]);
const MOST = { running: 4_096, runningOfSession: 256 };
const POLL_CHARACTERS = 1_000;
const WAIT_CHARACTERS = 2_000;
const LIST_CHARACTERS = 200;
const LOG_LINES = 200;
const UNRECORDED = "It has ended, but that is not written down yet: see whether the disk has room.";
const HOUR_MS = 3_600_000;
const STANDARD = { keepEnded: 64, keepMs: HOUR_MS / 2, drainMs: 60_000, activeMaxMs: 24 * HOUR_MS, recoverMs: 3_000 };

/** Id of the process of a terminal tool call: the same call gives the same process. */
export function processIdOfCall(callId: string): string {
  return `${PREFIX}${createHash("sha256").update(callId).digest("hex").slice(0, 12)}`;
}

export class ProcessNotFound extends HostError {
  constructor(id: string, keep: { keepMs: number; keepEnded: number }) {
    const kept = `${Math.round(keep.keepMs / 6_000) / 10} min, the newest ${keep.keepEnded}`;
    super(
      "process_not_found",
      `There is no process "${id.slice(0, 100)}": process.list shows those there are; ended ones are kept for ${kept} (processes.keep_minutes, processes.keep_ended)`,
    );
  }
}

interface Options {
  keepers: Keepers;
  log: EventLog;
  /** All that the keepers found; those of other parts are passed over. */
  adopted: readonly Adopted[];
  /** Hearth's own environment. Only an allow-list of it reaches a child. */
  baseEnvironment: Environment;
  settings: () => ProcessSettings;
  redactor?: Redactor;
  /** Where children are limited; without it, nowhere. */
  limits?: Limits;
  /** Where else they can run; without it, nowhere. */
  sandboxes?: Sandboxes;
  defaultCwd: string;
  /** Told of each process that is not remembered any more. */
  onForgotten?: (id: string) => void;
  onWarning: (text: string) => void;
}

export class Processes implements AsyncDisposable {
  readonly #o: Options;
  readonly #recorder: Recorder;
  readonly #redactor: Redactor;
  readonly #login: LoginEnvironment;
  readonly #known = new Known();
  readonly #forgetting: Forgetting;
  #pacer!: Pacer;
  readonly #starting = new Map<string, Promise<ProcessRow>>();
  readonly #leaving = new AbortController();
  readonly #room = new Room();

  private constructor(o: Options) {
    this.#o = o;
    this.#recorder = new Recorder(o.log);
    this.#redactor = o.redactor ?? new Redactor();
    this.#login = new LoginEnvironment({
      keepers: o.keepers,
      onWarning: o.onWarning,
      leaving: this.#leaving.signal,
    });
    this.#forgetting = new Forgetting({
      ...{ known: this.#known, log: o.log, recorder: this.#recorder, keepers: o.keepers, onWarning: o.onWarning },
      keep: () => ({ ended: this.#settings.keepEnded, ms: this.#settings.keepMs }),
      ...(o.onForgotten === undefined ? {} : { onForgotten: o.onForgotten }),
    });
  }

  /** Takes over what earlier hosts have started; what ended meanwhile is recorded when this resolves. */
  static async open(o: Options): Promise<Processes> {
    const processes = new Processes(o);
    processes.#login.adopt(o.adopted);
    processes.#pacer = await openPacer({ ...o, recorder: processes.#recorder, leaving: processes.#leaving.signal });
    await processes.#recover();
    return processes;
  }

  get #settings(): Required<Pick<ProcessSettings, keyof typeof STANDARD>> & ProcessSettings {
    return { ...STANDARD, ...this.#o.settings() };
  }

  get #around(): Surroundings {
    return {
      recorder: this.#recorder,
      redactor: this.#redactor,
      pacer: this.#pacer,
      drainMs: () => this.#settings.drainMs,
      onWarning: this.#o.onWarning,
      leaving: this.#leaving.signal,
      limits: this.#o.limits ?? null,
      onEnded: (process) => {
        this.#known.ended(process);
        this.#room.leave(process.id);
        this.#forgetting.ended();
      },
    };
  }

  /**
   * Starts a process and answers once it runs and its start is durable.
   * Errors: invalid_params, failed_start and start_timeout (with `process_id`: it is listed as failed_start), too_many,
   * storage_full, stopping.
   */
  start(request: StartProcess): Promise<ProcessRow> {
    const id = request.process_id ?? newId("process");
    const known = this.#known.get(id);
    if (known !== undefined) return Promise.resolve(known.row);
    const already = this.#starting.get(id);
    if (already !== undefined) return already;
    const starting = this.#start(id, request).finally(() => {
      this.#starting.delete(id);
      if (this.#known.get(id)?.running !== true) this.#room.leave(id);
    });
    this.#starting.set(id, starting);
    return starting;
  }

  async #start(id: string, request: StartProcess): Promise<ProcessRow> {
    this.#refuseWhileLeaving();
    const settings = this.#o.settings();
    this.#room.enter(id, request.session_id ?? null, { ...MOST, ...settings });
    const placed = await sandboxOf(request, this.#o.sandboxes);
    const unlimited = await prepare(id, request, {
      ...{ base: this.#o.baseEnvironment, passed: settings.passEnvironment, defaultCwd: this.#o.defaultCwd },
      ...{ login: this.#login, placed, redactor: this.#redactor },
    });
    this.#refuseWhileLeaving(); // a profile may have taken its time
    const prepared = await limitsOf(unlimited, {
      limits: this.#o.limits ?? null,
      settings: settings.limits ?? NOTHING_LIMITED,
      asked: request.limits,
      where: placed?.sandbox.limited ?? "here",
    });
    const spec = { ...prepared.spec, quotaBytes: settings.spoolBytes };
    const { row, child } = await this.#begin({ ...prepared, spec }, request);
    return await this.#record(withLimits(withLive(row, child), child), prepared.book, child);
  }

  #refuseWhileLeaving(): void {
    if (this.#leaving.signal.aborted) throw new Stopping();
  }

  async #begin(prepared: Prepared, request: StartProcess): Promise<{ row: ProcessRow; child: Child }> {
    try {
      return await begin(prepared, request, this.#o);
    } catch (error) {
      const { row, book, spec } = prepared;
      this.#o.limits?.release(spec.groups ?? []);
      if (!(error instanceof HostError) || !startFailures.has(error.reason)) throw error;
      // The caller is told by this very error, so there is no notice.
      const message = this.#redactor.text(error.message);
      await this.#failed(row, book, message, false);
      throw new HostError(error.reason, message, {
        cause: error,
        data: { ...error.data, process_id: row.process_id },
      });
    }
  }

  async #failed(started: ProcessRow, book: Book, reason: string, notify: boolean): Promise<void> {
    const row: ProcessRow = {
      ...started,
      status: "failed_start",
      completion_reason: "failed_start",
      reason,
      ended_at: Date.now(),
      closed: true,
    };
    await this.#recorder.failed(row, book, notify && row.notify_on_complete);
    this.#known.add(new Supervised(row, book, null, this.#around));
    this.#forgetting.ended();
  }

  async #record(row: ProcessRow, book: Book, child: Child): Promise<ProcessRow> {
    const process = new Supervised(row, book, child, this.#around);
    try {
      await this.#recorder.started(row, book);
    } catch (error) {
      // Nobody would ever know of it: it must not live (P5).
      const gone = process.destroy().then(() => this.#o.keepers.forget(row.process_id));
      await gone.catch((why: unknown) =>
        this.#o.onWarning(`${row.process_id} was not recorded, and stays: ${String(why)}`),
      );
      this.#o.limits?.release(child.spec.groups ?? []);
      throw error;
    }
    this.#add(process);
    return process.row;
  }

  #add(process: Supervised): void {
    this.#known.add(process);
    if (process.running) this.#room.add(process.id, process.row.session_id);
    process.supervise();
  }

  async #recover(): Promise<void> {
    const ends = await recover({
      ...{ ...this.#o, redactor: this.#redactor, recorder: this.#recorder, known: this.#known },
      supervised: (row, book, child) => new Supervised(row, book, child, this.#around),
      add: (process) => this.#add(process),
      failed: (row, book, why) => this.#failed(row, book, why, true),
    });
    const left = new Promise<unknown>((resolve) => onceAborted(this.#leaving.signal, resolve));
    await within(this.#settings.recoverMs, Promise.race([Promise.all(ends), left]), { ref: false });
    await this.#forgetting.sweep();
  }

  #find(id: string): Supervised {
    const process = this.#known.get(id);
    if (process === undefined) throw new ProcessNotFound(id, this.#settings);
    return process;
  }

  get(id: string): ProcessRow {
    return this.#find(id).row;
  }
  has(id: string): boolean {
    return this.#known.has(id);
  }
  /** What a session has running, the oldest first, at most 100. */
  runningOf(sessionId: string): ProcessRow[] {
    const living = this.#known.livingOf(sessionId).map((process) => process.row);
    return living.toSorted((a, b) => a.started_at - b.started_at).slice(0, 100);
  }
  /** Those that run, for those who measure them. */
  measured(): Running[] {
    return this.#known.living().map((process) => process.measured);
  }
  /** How many run now. */
  running(): number {
    return this.#known.running;
  }
  /** What still goes on, of all, a task or a session; and whether a process is still to be waited for (P18). */
  activity(o: Filter & { process_id?: string; max_age_h?: number }): Activity {
    return this.#known.activity(o, o.max_age_h === undefined ? this.#settings.activeMaxMs : o.max_age_h * HOUR_MS);
  }

  /** The newest first. With a task and a session: the task's, and the session's others flagged `session_scoped`. */
  async list(filter: Filter): Promise<Result<"process.list">["processes"]> {
    const { task_id } = filter;
    const wanted = this.#known.ofEither(filter);
    const rows = await Promise.all(
      wanted.map(async (process) => ({
        ...process.row,
        command: firstCharacters(process.row.command, LIST_CHARACTERS),
        uptime_s: uptime(process.row),
        tail: await process.listTail(LIST_CHARACTERS),
        session_scoped: task_id !== undefined && process.row.task_id !== task_id,
      })),
    );
    return rows.sort((a, b) => b.started_at - a.started_at);
  }

  async poll(id: string): Promise<Result<"process.poll">> {
    const process = this.#find(id);
    const output = await process.output.tail(POLL_CHARACTERS, { stripAnsi: true });
    const { row } = process;
    return { ...row, uptime_s: uptime(row), output, detached: row.recovered };
  }

  async log(id: string, o: { offset?: number; limit?: number }): Promise<Result<"process.log">> {
    const process = this.#find(id);
    const page = await process.output.log(o.offset ?? 0, o.limit ?? LOG_LINES);
    return { process_id: id, status: process.row.status, ...page };
  }

  /** Until it has ended, `timeoutMs` is over (at most the configured limit), or `signal` aborts ("interrupted"). */
  async wait(id: string, o: { timeoutMs?: number; signal?: AbortSignal }): Promise<Result<"process.wait">> {
    const process = this.#find(id);
    const limit = this.#o.settings().waitLimitMs;
    const asked = o.timeoutMs ?? limit;
    const clamped = asked > limit;
    if (process.running)
      await settled(process.ended, Math.min(asked, limit), [this.#leaving.signal, ...(o.signal ? [o.signal] : [])]);
    // Else whoever waits would go on, with a host that is gone: and end, for a timeout say, what is to live on.
    if (process.running && this.#leaving.signal.aborted)
      throw new Stopping("The host is stopping; the process lives on: wait for it again when the host is back");
    const { row } = process;
    const status = row.status !== "running" ? "exited" : o.signal?.aborted === true ? "interrupted" : "timeout";
    const notes = [
      ...(clamped ? [`${asked / 1000} s were asked for; the limit is ${limit / 1000} s.`] : []),
      ...(status === "timeout"
        ? [process.unrecorded ? UNRECORDED : `It still runs after ${Math.min(asked, limit) / 1000} s.`]
        : []),
      ...(status === "interrupted" ? ["The wait was interrupted; the process runs on."] : []),
    ];
    const characters = status === "exited" ? WAIT_CHARACTERS : WAIT_CHARACTERS / 2;
    return {
      process_id: id,
      status,
      exit_code: row.exit_code,
      signal: row.signal,
      completion_reason: row.completion_reason,
      termination_source: row.termination_source,
      output: await process.output.tail(characters, { stripAnsi: true }),
      ...(notes.length === 0 ? {} : { note: notes.join(" ") }),
    };
  }

  /** Ends it and all it started. `graceMs` 0: no KILL, so it may be `running`. `already_exited` ends what it left behind. */
  async kill(id: string, o: { graceMs?: number; source: string }): Promise<Result<"process.kill">> {
    const process = this.#find(id);
    const already = await process.kill({ graceMs: o.graceMs ?? this.#o.settings().graceMs, source: o.source });
    const status = already ? "already_exited" : process.running ? "running" : "killed";
    return { process_id: id, status, process: process.row, ...(process.unrecorded ? { note: UNRECORDED } : {}) };
  }

  /** Ends all that run, or those of a session or task, and what ended ones left behind; answers how many it ended. */
  async killAll(filter: Filter, source: string): Promise<number> {
    const wanted = this.#known.ofBoth(filter);
    const { graceMs } = this.#o.settings();
    const already = await Promise.all(wanted.map((process) => process.kill({ graceMs, source })));
    return wanted.filter((process, at) => already[at] === false && !process.running).length;
  }

  /** Its conversation is deleted: what has ended in it goes too, row, output and files. */
  async forgetSession(sessionId: string): Promise<void> {
    await this.#forgetting.withSession(this.#known.ofEither({ session_id: sessionId }));
  }

  /** Bytes taken. Errors: already_exited. */
  async write(id: string, bytes: Uint8Array): Promise<number> {
    return this.#find(id).write(bytes);
  }
  /** `line` and the Enter key. */
  async submit(id: string, line: string): Promise<number> {
    return this.#find(id).submit(line);
  }
  /** End of file; Ctrl-D in a PTY. */
  async closeInput(id: string): Promise<void> {
    await this.#find(id).closeInput();
  }
  async resize(id: string, rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }> {
    return this.#find(id).resize(rows, cols);
  }
  /** A signal by its name without SIG, to its group. Errors: already_exited. */
  async signal(id: string, name: string): Promise<void> {
    await this.#find(id).signal(signalNumber(name));
  }
  /** The last characters of the output. */
  async tail(id: string, chars: number, o: { stripAnsi?: boolean } = {}): Promise<string> {
    return this.#find(id).output.tail(chars, o);
  }
  /** The first characters; `whole`: nothing before them is missing. */
  head = (id: string, chars: number, bytes: number) => this.#find(id).output.head(chars, bytes);
  attach(id: string): Attachment {
    return this.#find(id).attach();
  }
  /** Reads the login profile again at the next command. */
  refreshEnvironment(): void {
    this.#login.refresh();
  }

  /** Lets go of all processes; they live on. */
  async close(): Promise<void> {
    this.#leaving.abort();
    this.#pacer.stop();
    await this.#forgetting.close();
    await Promise.allSettled(this.#starting.values());
    await Promise.all(this.#known.values().map((process) => process.leave()));
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function uptime(row: ProcessRow): number {
  return Math.max(0, (row.ended_at ?? Date.now()) - row.started_at) / 1000;
}

function onceAborted(signal: AbortSignal, then: (value: unknown) => void): void {
  if (signal.aborted) then(undefined);
  else signal.addEventListener("abort", then, { once: true });
}
