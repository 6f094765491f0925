// One terminal from its shell's start to its end. The shell belongs to its keeper: hosts and viewers come and go.
import { setTimeout as delay } from "node:timers/promises";
import type { Child, End } from "../keeper/keepers.ts";
import { within } from "../keeper/patience.ts";
import { type Attachment, type Drawn, drawnOf, emptySpool, Screen } from "../processes/attachment.ts";
import { untilDurable } from "../processes/durable.ts";
import { outcomeOf } from "../processes/outcome.ts";
import type { SizeMark } from "../processes/size-history.ts";
import type { Running } from "../processes/usage/usage.ts";
import { HostError } from "../protocol/errors.ts";
import type { TerminalRow } from "../protocol/rows.ts";
import { directoryOf, inside } from "./inside.ts";
import type { EndCause, TerminalRecorder } from "./terminal-record.ts";

const HANGUP = 1;
const HANGUP_GRACE_MS = 1_500;
/** After the KILL (T10); and the time to write it down. */
const LAST_MOMENTS_MS = 3_000;

export interface Surroundings {
  recorder: TerminalRecorder;
  onWarning: (text: string) => void;
  onEnded: (terminal: Terminal) => void;
  /** Aborts when this host lets go of its children. */
  leaving: AbortSignal;
}

export class Terminal {
  readonly id: string;
  readonly #around: Surroundings;
  readonly #child: Child | null;
  readonly #screen: Screen;
  readonly #ended = Promise.withResolvers<EndCause>();
  #row: TerminalRow;
  #why: EndCause | null = null;
  #saving: Promise<void> | null = null;

  /** `sizes`: which it had at which byte, if that is known. */
  constructor(row: TerminalRow, child: Child | null, around: Surroundings, sizes: readonly SizeMark[] = []) {
    this.id = row.terminal_id;
    this.#row = row;
    this.#child = child;
    this.#around = around;
    this.#screen = new Screen(sizes.length > 0 ? sizes : [{ offset: 0, rows: row.rows, cols: row.cols }]);
    if (row.status !== "running") this.#ended.resolve(row.status);
  }

  get row(): TerminalRow {
    return this.#row;
  }
  get running(): boolean {
    return this.#row.status === "running";
  }

  /** False from the moment its shell ends: a little before that is recorded, and it stops `running`. */
  get living(): boolean {
    return this.running && this.#child !== null && this.#child.end === undefined;
  }

  /** For those who measure what it uses. */
  get measured(): Running {
    return { id: this.id, live: this.#child?.live, kind: "local" };
  }

  /** Resolves with why, once the end is recorded. */
  get ended(): Promise<EndCause> {
    return this.#ended.promise;
  }

  /** What its screen is drawn from; null where nothing of it is left. */
  get drawn(): Drawn | null {
    return drawnOf(this.#child, this.#screen);
  }
  /** Which sizes it had at which byte. */
  get sizes(): readonly SizeMark[] {
    return this.#screen.sizes?.marks ?? [];
  }

  /** Follows the shell to its end. Call once. */
  supervise(): void {
    const child = this.#child;
    if (child === null || !this.running) return;
    const following = child.exited.then((end) => this.#finish(end));
    following.catch((error: unknown) => {
      if (!this.#around.leaving.aborted) this.#around.onWarning(`terminal ${this.id}: ${String(error)}`);
    });
  }

  async #finish(end: End): Promise<void> {
    const { status, exit_code, signal, ended_at } = outcomeOf(end, null, Date.now());
    const lost = status === "lost";
    const cause = this.#why ?? (lost ? "lost" : "exited");
    while (this.#saving !== null) await this.#saving;
    const row: TerminalRow = { ...this.#row, status: lost ? "lost" : "exited", exit_code, signal, ended_at };
    try {
      await untilDurable(() => this.#around.recorder.ended(row, cause, this.sizes), this.#around.leaving);
    } catch (error) {
      if (this.#around.leaving.aborted) throw error;
      this.#around.onWarning(`the end of terminal ${this.id} could not be recorded: ${String(error)}`);
    }
    this.#row = row;
    this.#ended.resolve(cause);
    this.#around.onEnded(this);
  }

  /** Hangs up, insists after 1.5 s with KILL, and answers when the shell and all it started are gone (T10). */
  async end(cause: "closed" | "replaced"): Promise<void> {
    // Also where the shell has ended: what it left running has this terminal as its only record.
    if (this.#child === null) return;
    this.#why ??= cause;
    const gone = this.#child
      .kill({ graceMs: HANGUP_GRACE_MS, firstSignal: HANGUP })
      .catch((error: unknown) => {
        if (this.running) this.#around.onWarning(`terminal ${this.id} could not be asked to end: ${String(error)}`);
      })
      .then(() => this.#ended.promise);
    const patience = new AbortController();
    const late = delay(HANGUP_GRACE_MS + LAST_MOMENTS_MS, null, { signal: patience.signal, ref: false }).catch(
      () => null,
    );
    await Promise.race([gone, late]);
    patience.abort();
    if (this.running)
      throw new HostError("internal", `Terminal "${this.id}" does not end: its shell hangs in the system`);
  }

  /** Ends it at once: its start could not be recorded. */
  async destroy(): Promise<void> {
    await this.#child?.kill({ graceMs: 500, firstSignal: 9 });
    await this.#child?.closed;
  }

  #living(): Child {
    if (this.running && this.#child !== null && this.#child.end === undefined) return this.#child;
    throw new HostError("not_running", `The shell of terminal "${this.id}" has ended: open it again`);
  }

  /** Bytes taken, unchanged. Errors: not_running. */
  async input(bytes: Uint8Array): Promise<number> {
    return this.#living().write(bytes);
  }

  async resize(rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }> {
    const size = await this.#screen.resize(this.#living(), rows, cols);
    if (size.rows !== this.#row.rows || size.cols !== this.#row.cols) {
      this.#row = { ...this.#row, ...size };
      this.#save();
    }
    return size;
  }

  /** What a person calls it from now on; null: its name. Resolves once that is durable. */
  async rename(title: string | null): Promise<TerminalRow> {
    // While its end is being recorded no row of a running one may be; on a full disk that takes until there is room.
    const ended = this.running && !this.living ? within(LAST_MOMENTS_MS, this.#ended.promise, { ref: false }) : "lives";
    if ((await ended) === undefined)
      throw new HostError(
        "storage_full",
        "That its shell has ended cannot be written down: free some space, then name it",
      );
    const recording = (this.#saving ?? Promise.resolve()).then(() =>
      this.#around.recorder.renamed({ ...this.#row, title }, this.sizes),
    );
    const settled = recording
      .catch(() => undefined)
      .then(() => {
        if (this.#saving === settled) this.#saving = null;
      });
    this.#saving = settled;
    await recording;
    this.#row = { ...this.#row, title };
    // A size may have come meanwhile.
    this.#save();
    return this.#row;
  }

  /** What runs in it beside its shell. */
  async inside(): Promise<{ pid: number; command: string }[]> {
    const live = this.living ? this.#child?.live : undefined;
    return live === undefined ? [] : inside(live.keeperPid, live.pid);
  }
  /** Where its shell, or what is in the foreground there, is; undefined where that cannot be told. */
  async directory(): Promise<string | undefined> {
    const live = this.living ? this.#child?.live : undefined;
    return live === undefined ? undefined : directoryOf(live.pid);
  }

  /** While a window is dragged sizes come by the dozen: one write is under way, the next one takes the newest. */
  #save(): void {
    if (this.#saving !== null) return;
    const saving = async () => {
      let saved: TerminalRow | null = null;
      // Once the shell has ended no row of a running one may be written.
      while (saved !== this.#row && this.running && this.#child?.end === undefined) {
        saved = this.#row;
        await this.#around.recorder.row(saved, this.sizes);
      }
    };
    this.#saving = saving()
      .catch((error: unknown) => {
        if (!this.#around.leaving.aborted)
          this.#around.onWarning(`the size of terminal ${this.id} could not be recorded: ${String(error)}`);
      })
      .finally(() => {
        this.#saving = null;
      });
  }

  attach(): Attachment {
    return {
      spool: this.#child?.spool ?? emptySpool,
      mode: this.#child?.live?.mode ?? "pty",
      sizes: this.#screen.sizes,
      drawn: this.drawn,
      write: (bytes) => this.input(bytes),
      resize: (rows, cols) => this.resize(rows, cols),
      onResize: (listener) => this.#screen.onResize(listener),
      ended: this.#ended.promise.then((cause) => ({ exit_code: this.#row.exit_code, signal: this.#row.signal, cause })),
    };
  }

  /** Lets go of the shell, which lives on. */
  async leave(): Promise<void> {
    await this.#saving;
    this.#child?.detach();
  }
}
