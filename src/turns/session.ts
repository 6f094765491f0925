// One session in memory: its state kept equal to the log, its appends in order, its waiters woken by what becomes durable.
import { setTimeout as delay } from "node:timers/promises";
import { type EventLog, LogBehind, type ViewPut } from "../log/event-log.ts";
import { HostError } from "../protocol/errors.ts";
import { type NewEvent, type Recorded, sessionStream } from "../protocol/events.ts";
import { foldRow, newRow, type StoredSession } from "./row.ts";
import { SessionState } from "./state.ts";

const PAGE = 1000;
/** How long a turn's append waits before it tries a full disk (or one that is far behind) again, in ms. */
const FULL_DISK_PAUSE_MS = 1000;

export class Session {
  readonly id: string;
  readonly state = new SessionState();
  /** Hears each time a turn finds the disk full, and once it has found room again. */
  onStalled: ((stalled: boolean) => void) | undefined;
  /** With the effect of appends that are still on their way. */
  row: StoredSession;
  readonly #log: EventLog;
  readonly #stream: string;
  readonly #leaving: AbortSignal;
  readonly #waiters = new Set<() => void>();
  #durableRow: StoredSession;
  /** Number of the newest event heard of; the state may be behind while it reads. */
  #heard = 0;
  #reading: Promise<void> | undefined;

  private constructor(log: EventLog, id: string, row: StoredSession, leaving: AbortSignal) {
    this.#log = log;
    this.#leaving = leaving;
    this.id = id;
    this.#stream = sessionStream(id);
    this.row = row;
    this.#durableRow = row;
  }

  /** A session that has no events yet. `leaving`: the host goes, and nobody waits for room on the disk any more. */
  static fresh(log: EventLog, id: string, leaving: AbortSignal): Session {
    return new Session(log, id, newRow(id, Date.now()), leaving);
  }

  /**
   * A session as the log has it. Its owner must pass what is appended meanwhile to `take`. The row is folded anew, which
   * heals a view that a failed append has left behind.
   */
  static opening(
    log: EventLog,
    stored: StoredSession,
    leaving: AbortSignal,
  ): { session: Session; ready: Promise<Session> } {
    const session = new Session(log, stored.session_id, newRow(stored.session_id, stored.created_at), leaving);
    return { session, ready: session.#readOn().then(() => session) };
  }

  /** True if nothing would be lost by dropping it from memory. */
  get idle(): boolean {
    const { turn, queue, notices } = this.state;
    return turn === undefined && queue.length === 0 && notices.size === 0 && this.#waiters.size === 0;
  }

  /** Takes durable records of this stream; old ones are skipped, a gap is read from the log. */
  take(records: readonly Recorded[]): void {
    const last = records.at(-1);
    if (last === undefined) return;
    this.#heard = Math.max(this.#heard, last.seq);
    if (this.#reading !== undefined) return;
    for (const record of records) if (record.seq === this.state.head + 1) this.#apply(record);
    if (this.state.head < this.#heard) void this.#readOn();
    this.#wake();
  }

  #apply(record: Recorded): void {
    this.state.apply(record);
    this.#durableRow = foldRow(this.#durableRow, record, record.time);
  }

  #readOn(): Promise<void> {
    this.#reading ??= this.#readPages().finally(() => {
      this.#reading = undefined;
      this.#wake();
    });
    return this.#reading;
  }

  async #readPages(): Promise<void> {
    for (;;) {
      const page = await this.#log.read(this.#stream, this.state.head, PAGE);
      for (const record of page) this.#apply(record);
      if (page.length === 0 && this.state.head >= this.#heard) break;
    }
    this.row = this.#durableRow;
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /**
   * Appends and resolves once this session's state shows it. With `patient`, a full disk is waited out, and one that is far
   * behind: a turn stands still rather than lose a step. Errors: those of the log; the signal's reason when the host leaves
   * meanwhile.
   */
  async append(
    events: readonly NewEvent[],
    options: { views?: readonly ViewPut[]; patient?: boolean } = {},
  ): Promise<readonly Recorded[]> {
    const now = Date.now();
    const row = events.reduce((folded, event) => foldRow(folded, event, now), this.row);
    const views: ViewPut[] = [...(options.views ?? [])];
    if (row !== this.row) views.push({ view: "session", key: this.id, value: row });
    this.row = row;
    for (let stalled = false; ; ) {
      try {
        const records = await this.#log.append(this.#stream, events, { views });
        if (stalled) this.onStalled?.(false);
        await this.#caughtUp(records);
        return records;
      } catch (thrown) {
        const full = thrown instanceof HostError && thrown.reason === "storage_full";
        if (options.patient !== true || !(full || thrown instanceof LogBehind) || this.#leaving.aborted) {
          this.row = this.#durableRow;
          throw thrown;
        }
        stalled ||= full;
        if (full) this.onStalled?.(true);
        await delay(FULL_DISK_PAUSE_MS, undefined, { signal: this.#leaving }).catch(() => {
          this.row = this.#durableRow;
          throw this.#leaving.reason;
        });
      }
    }
  }

  async #caughtUp(records: readonly Recorded[]): Promise<void> {
    this.take(records);
    const last = records.at(-1);
    while (last !== undefined && this.state.head < last.seq) await this.#readOn();
  }

  /** Resolves with what `look` finds, once it finds something; rejects with the signal's reason. */
  until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(check);
        signal.removeEventListener("abort", aborted);
      };
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const aborted = (): void => {
        stop();
        reject(signal.reason);
      };
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted);
      this.#waiters.add(check);
      check();
    });
  }
}
