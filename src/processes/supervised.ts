// One process from its start to the end of its output: its state moves once, and each move is recorded before it is shown.
import type { Child, End } from "../keeper/keepers.ts";
import { NotRunning } from "../keeper/keepers.ts";
import { within } from "../keeper/patience.ts";
import { laterTurn } from "../keeper/turns.ts";
import type { Limits } from "../limits/limits.ts";
import { HostError } from "../protocol/errors.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import type { Redactor } from "../secrets/redactor.ts";
import { type Attachment, type AttachmentEnd, drawnOf, emptySpool, Screen } from "./attachment.ts";
import { PeriodicCheck } from "./checks.ts";
import { leftOf, systemClock } from "./clock.ts";
import { untilDurable } from "./durable.ts";
import { type Limited, LimitWatch, limitReason } from "./limited.ts";
import { checkNotice } from "./notices.ts";
import { outcomeOf } from "./outcome.ts";
import { Output } from "./output.ts";
import type { Pacer } from "./pacer.ts";
import type { Book, Recorder } from "./record.ts";
import type { Running } from "./usage/usage.ts";
import { Watcher } from "./watcher.ts";

const NOTICE_CHARACTERS = 2_000;
/** How long after its last signal a killed process may take to be gone before the killer is answered anyway. */
const LAST_MOMENTS_MS = 5_000;
/** With a grace of 0 nothing follows the first signal: whoever sent it is answered soon, ended or not. */
const NO_GRACE_WAIT_MS = 1_000;
const DESTROY_MS = 500;
/** How long a kill waits until it is written down who asked for it. */
const WISH_MS = 100;

/** With neither its keeper nor a control group nobody finds what has left its session and its environment behind (F11). */
function mayHaveLeft({ spec }: Child, end: End): boolean {
  const alone = spec.transport === undefined && (spec.groups ?? []).length === 0;
  return end.kind === "lost" && end.reason === "keeper_gone" && alone;
}

export interface Surroundings {
  recorder: Recorder;
  /** What a program wrote leaves through it alone. */
  redactor: Redactor;
  /** Says when a match or a check may be told. */
  pacer: Pacer;
  /** How long after its end its output may be held open before that is marked, in ms. */
  drainMs: () => number;
  limits: Limits | null;
  onWarning: (text: string) => void;
  /** Called once its end is recorded. */
  onEnded: (process: Supervised) => void;
  /** Aborts when this host lets go of its children. */
  leaving: AbortSignal;
}

export class AlreadyExited extends HostError {
  constructor(id: string) {
    super("already_exited", `Process "${id}" has ended already; process.log shows its output`);
  }
}

export class Supervised {
  readonly id: string;
  readonly output: Output;
  readonly #around: Surroundings;
  readonly #child: Child | null;
  readonly #screen: Screen;
  readonly #ended = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when its end could not be written down at once, for want of room. */
  readonly #noRoom = Promise.withResolvers<void>();
  #row: ProcessRow;
  #book: Book;
  #watcher: Watcher | null = null;
  #check: PeriodicCheck | null = null;
  #endedBefore = 0;
  #endSeen = systemClock.now();
  #limits: LimitWatch | null = null;
  /** The limit it ran into; of memory rather than of processes. */
  #limited: Limited | null = null;
  /** The last characters for lists, once they can no longer change. */
  #lastTail: string | null = null;

  constructor(row: ProcessRow, book: Book, child: Child | null, around: Surroundings) {
    this.id = row.process_id;
    this.#row = row;
    this.#book = book;
    this.#child = child;
    this.#around = around;
    this.#screen = new Screen(row.mode === "pty" && book.size !== null ? [{ offset: 0, ...book.size }] : []);
    this.output = new Output(child?.spool ?? emptySpool, around.redactor);
    if (row.status !== "running") {
      this.#endedBefore = Math.max(0, systemClock.wall() - (row.ended_at ?? 0));
      this.#ended.resolve();
    }
    if (row.closed) this.#closed.resolve();
  }

  get row(): ProcessRow {
    const hits = this.#watcher?.hits ?? 0;
    return hits > this.#row.watch_hits ? { ...this.#row, watch_hits: hits } : this.#row;
  }
  get book(): Book {
    return this.#book;
  }
  get running(): boolean {
    return this.#row.status === "running";
  }
  /** For those who measure what it uses. */
  get measured(): Running {
    return { id: this.id, live: this.#child?.live, kind: this.#row.environment_kind };
  }
  /** Resolves once the end is recorded. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }
  /** Is whoever waits for it still to wait? Not once something that it is watched for was there (P18). */
  get awaited(): boolean {
    return this.running && this.row.watch_hits === 0;
  }
  /** How long ago it ended, in ms; of one that an earlier host has seen end, by that host's clock at first. */
  get endedFor(): number {
    return this.#endedBefore + (this.running ? 0 : systemClock.now() - this.#endSeen);
  }
  /** Bytes of output on disk. */
  get bytesKept(): number {
    return this.output.spool.length - this.output.spool.firstKept;
  }

  /** Follows the child to its end. Call once; needs a child unless the process has ended. */
  supervise(): void {
    if (this.#child === null) return;
    if (this.running && this.#row.watch_patterns.length > 0) this.#watch(this.#child);
    if (this.running) this.#watchLimits(this.#child);
    if (this.running && this.#row.check_every_s !== null) this.#checkPeriodically(this.#row.check_every_s);
    this.#follow(this.#child).catch((error: unknown) => {
      if (!this.#around.leaving.aborted) this.#around.onWarning(`process ${this.id}: ${String(error)}`);
    });
  }

  /** 0: a notice may be given now; else in how many ms to ask again. What has no session gives none. */
  #admit(count: () => number): number {
    const { session_id } = this.#row;
    return session_id === null ? 0 : this.#around.pacer.admit({ process_id: this.id, session_id, count });
  }

  #checkPeriodically(everyS: number): void {
    const { number, at } = this.#book.check;
    this.#check = new PeriodicCheck({
      everyMs: everyS * 1000,
      last: { number, at: number === 0 ? this.#row.started_at : at },
      unheard: (last) => this.#around.recorder.untold(checkNotice(this.id, last.number)),
      admit: () => this.#admit(() => 0) === 0,
      tell: async (check) => {
        const tail = await this.#noticeTail(this.output.spool.length);
        if (!this.running) return;
        this.#book = { ...this.#book, check };
        await this.#durably(() => this.#around.recorder.checked(this.#row, this.#book, check, tail));
      },
      onError: (error) => {
        if (!this.#around.leaving.aborted)
          this.#around.onWarning(`process ${this.id} was not checked: ${String(error)}`);
      },
    });
  }

  #watch(child: Child): void {
    this.#watcher = new Watcher({
      spool: child.spool,
      redactor: this.#around.redactor,
      patterns: this.#row.watch_patterns,
      state: this.#book.watch,
      ...(child.end?.kind === "exited" ? { bytesAtExit: child.end.bytesAtExit } : {}),
      admit: (count) => this.#admit(count),
      tell: async (match, watch) => {
        // Without a session nobody is told of ends either.
        const promoted = match.promoted && this.#row.session_id !== null && !this.#row.notify_on_complete;
        this.#row = {
          ...this.#row,
          watch_hits: match.hits,
          notify_on_complete: this.#row.notify_on_complete || promoted,
        };
        this.#book = { ...this.#book, watch };
        await this.#durably(() => this.#around.recorder.matched(this.#row, this.#book, { ...match, promoted }));
      },
      unwatched: async (unwatched) => {
        this.#around.onWarning(`process ${this.id} is not watched as it was: ${unwatched.why}`);
        await this.#durably(() => this.#around.recorder.unwatched(this.#row, this.#book, unwatched));
      },
      onError: (error) => {
        if (!this.#around.leaving.aborted) this.#around.onWarning(`the watch of process ${this.id}: ${String(error)}`);
      },
    });
  }

  #watchLimits(child: Child): void {
    this.#limits = new LimitWatch({
      child,
      limits: this.#around.limits,
      row: () => this.#row,
      tell: async (limited) => {
        if (limited.limit !== "spool" && this.#limited?.limit !== "memory") {
          this.#limited = limited;
          this.#row = { ...this.#row, limit_hit: limited.limit };
        }
        await this.#durably(() => this.#around.recorder.limited(this.#row, this.#book, limited));
      },
      onError: (error) => {
        if (!this.#around.leaving.aborted) this.#around.onWarning(`the limits of process ${this.id}: ${String(error)}`);
      },
    });
  }

  /** Nobody else can end what a lost child has left. */
  async #leaveGroups(child: Child, lost: boolean): Promise<void> {
    const groups = child.spec.groups ?? [];
    if (lost) await this.#around.limits?.empty(groups);
    this.#around.limits?.release(groups);
  }

  async #follow(child: Child): Promise<void> {
    const end = await child.exited;
    await laterTurn(); // who waits for the start of a quick one is answered first
    if (this.running) await this.#finish(child, end);
    if (end.kind === "lost") return await this.#leaveGroups(child, true);
    const overdue = this.#markOverdue();
    const closed = await child.closed;
    overdue();
    void this.#leaveGroups(child, false);
    if (!this.#row.closed) {
      const row = { ...this.#row, closed: true };
      await this.#durably(() => this.#around.recorder.closed(row, this.#book, closed));
      this.#row = row;
    }
    this.#closed.resolve();
  }

  /** F14: after its deadline an output that is still held open is marked so; its bytes go on being kept (P22). */
  #markOverdue(): () => void {
    if (this.#row.closed || this.#row.drain_overdue) return () => undefined;
    const late = async (): Promise<void> => {
      if (this.#row.closed || this.#child?.spool.ended === true) return;
      const row = { ...this.#row, drain_overdue: true };
      this.#row = row;
      await this.#durably(() => this.#around.recorder.overdue(row, this.#book, this.output.spool.length));
    };
    const left = leftOf(systemClock, this.#row.ended_at ?? 0, this.#around.drainMs());
    return systemClock.after(left, () => {
      late().catch((error: unknown) => {
        if (!this.#around.leaving.aborted)
          this.#around.onWarning(`that the output of ${this.id} is held open could not be recorded: ${String(error)}`);
      });
    });
  }

  /** P23: runs once. Matches are told before the end is; a disk without room delays the record, and with it the end. */
  async #finish(child: Child, end: End): Promise<void> {
    const told = outcomeOf(end, this.#book.asked, Date.now());
    // An end that nobody asked for and nothing explains has no words that could hold a secret.
    const wordless = told.reason === null && told.termination_source === null;
    const outcome = wordless ? told : this.#around.redactor.value(told);
    const last = outcome.bytes_at_exit ?? this.output.spool.length;
    await this.#check?.stop();
    await this.#watcher?.finish(last);
    await this.#limits?.finish();
    const asked = outcome.status === "killed";
    const reason = outcome.reason ?? limitReason({ signal: outcome.signal, asked }, this.#limited);
    const best_effort = this.#row.best_effort || mayHaveLeft(child, end);
    const row: ProcessRow = { ...this.#row, ...outcome, reason, best_effort, closed: outcome.status === "lost" };
    const tail = row.notify_on_complete && row.session_id !== null ? await this.#noticeTail(last) : "";
    // As a rule the output of a quick one has ended by now too: then that is written in the same breath.
    const closed = child.spool.ended && !row.closed ? await child.closed : null;
    if (closed !== null) row.closed = true;
    try {
      await this.#durably(() => this.#around.recorder.ended(row, this.#book, tail, closed));
    } catch (error) {
      if (this.#around.leaving.aborted) throw error;
      // The log has failed for good. Whoever waits is told the truth; a next host will record it from the child's files.
      this.#around.onWarning(`the end of process ${this.id} could not be recorded: ${String(error)}`);
    }
    this.#row = row;
    this.#endSeen = systemClock.now();
    this.#ended.resolve();
    if (row.closed) this.#closed.resolve();
    this.#around.onEnded(this);
  }

  /** An end is recorded even if its output cannot be read any more. */
  async #noticeTail(end: number): Promise<string> {
    try {
      return await this.output.tail(NOTICE_CHARACTERS, { stripAnsi: true, end });
    } catch (error) {
      this.#around.onWarning(`the output of process ${this.id} could not be read: ${String(error)}`);
      return "";
    }
  }

  #durably(append: () => Promise<void>): Promise<void> {
    return untilDurable(append, this.#around.leaving, () => {
      if (this.unrecorded) this.#noRoom.resolve();
    });
  }

  /** It is dead, and still said to run: nobody is told what is not on the disk. */
  get unrecorded(): boolean {
    return this.running && this.#child?.end !== undefined;
  }

  /**
   * Asks it to end: TERM to the whole tree, after `graceMs` KILL (0: never). Answers when it and all it started are gone,
   * or after the grace and a little, whatever happened. True if it had ended by itself.
   */
  async kill(o: { graceMs: number; source: string }): Promise<boolean> {
    const child = this.#child;
    if (child === null || this.#row.status === "lost") return true;
    const limit = o.graceMs === 0 ? NO_GRACE_WAIT_MS : o.graceMs + LAST_MOMENTS_MS;
    if (!this.running) {
      // Also after the end of its output: a daemon that has closed its own may live on.
      await this.#end(child, o.graceMs, limit);
      return true;
    }
    await this.#noteWish(child, o.source);
    await this.#end(child, o.graceMs, limit);
    return this.#row.status !== "running" && this.#row.status !== "killed";
  }

  /** The first who asks is the one who is told of. Once the child has ended no row of a running one may be written. */
  async #noteWish(child: Child, source: string): Promise<void> {
    if (this.#book.asked !== null || child.end !== undefined) return;
    const durable = { ...this.#book, asked: { source, at: Date.now() } };
    const recorded = this.#around.recorder.row(this.#row, durable).catch((error: unknown) => {
      // Only who asked would be forgotten, and only if this host dies before the child does.
      this.#around.onWarning(`who ends process ${this.id} could not be recorded: ${String(error)}`);
    });
    // A disk that is slow or stuck must not keep a process alive (F23); whatever is recorded later comes after this.
    await within(WISH_MS, recorded, { ref: false });
    // What ended while that was written has ended by itself.
    if (this.#book.asked === null) this.#book = { ...this.#book, asked: { source, at: Date.now() } };
  }

  async #end(child: Child, graceMs: number, limitMs: number): Promise<void> {
    const asked = child.kill({ graceMs }).catch((error: unknown) => {
      // It may end between our look and our request; anything else shows in that it stays.
      if (this.running) this.#around.onWarning(`process ${this.id} could not be asked to end: ${String(error)}`);
    });
    const told = Promise.race([Promise.all([this.#ended.promise, this.#closed.promise]), this.#noRoom.promise]);
    await within(limitMs, Promise.all([asked, told]), { ref: false });
  }

  /** Ends it at once, because its start could not be recorded (P5). Answers when it is gone, or soon in any case. */
  async destroy(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = child.kill({ graceMs: DESTROY_MS, firstSignal: 9 }).then(() => child.closed);
    await within(DESTROY_MS + LAST_MOMENTS_MS, gone);
  }

  #living(): Child {
    if (!this.running || this.#child === null || this.#child.end !== undefined) throw new AlreadyExited(this.id);
    return this.#child;
  }

  /** It may end between our look and our request. */
  async #toLiving<T>(ask: (child: Child) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#living());
    } catch (error) {
      if (error instanceof NotRunning && this.#child?.end !== undefined) throw new AlreadyExited(this.id);
      throw error;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    return this.#toLiving((child) => child.write(bytes));
  }
  async submit(line: string): Promise<number> {
    // In a PTY the Enter key sends a carriage return; the line discipline makes the newline of it.
    const end = this.#row.mode === "pty" ? "\r" : "\n";
    return this.#toLiving((child) => child.write(Buffer.from(line + end)));
  }
  async closeInput(): Promise<void> {
    await this.#toLiving((child) => child.eof());
  }
  async signal(n: number): Promise<void> {
    await this.#toLiving((child) => child.signal(n));
  }
  async resize(rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }> {
    return this.#toLiving((child) => this.#screen.resize(child, rows, cols));
  }

  /** The last characters for a list. */
  async listTail(characters: number): Promise<string> {
    if (this.#lastTail !== null) return this.#lastTail;
    const final = this.#row.closed;
    const tail = await this.output.tail(characters, { stripAnsi: true });
    if (final) this.#lastTail = tail;
    return tail;
  }

  attach(): Attachment {
    const end = (): AttachmentEnd => {
      const { exit_code, signal, status } = this.#row;
      return { exit_code, signal, cause: status };
    };
    return {
      spool: this.output.spool,
      mode: this.#row.mode,
      sizes: this.#screen.sizes,
      drawn: drawnOf(this.#child, this.#screen),
      write: (bytes) => this.write(bytes),
      resize: (rows, cols) => this.resize(rows, cols),
      onResize: (listener) => this.#screen.onResize(listener),
      ended: this.#ended.promise.then(end),
    };
  }

  /** Lets go of the child, which lives on. Bytes not yet scanned are left to the next host. */
  async leave(): Promise<void> {
    await this.#check?.stop();
    await this.#watcher?.stop();
    this.#limits?.leave();
    this.#child?.detach();
  }
}
