// Forgets ended processes in time: row, output and files together, but never before their notices were told (P24).
import { type Keepers, StillRunning } from "../keeper/keepers.ts";
import type { EventLog } from "../log/event-log.ts";
import { HOST_STREAM } from "../protocol/events.ts";
import type { Known } from "./known.ts";
import type { Recorder } from "./record.ts";
import { type Keep, toForget } from "./retention.ts";
import type { Supervised } from "./supervised.ts";

const SWEEP_MS = 60_000;
/** Sorting out the oldest costs a look at all that have ended: it is done for so many at once, or after a moment. */
const SWEEP_AFTER = 32;
const MOMENT_MS = 1_000;
/** Removals of files that go on together. One by one they fall behind where many clients start many short processes. */
const AT_A_TIME = 8;
const NOTICE_VIEW = "notice";

interface Options {
  known: Known;
  log: EventLog;
  recorder: Recorder;
  keepers: Pick<Keepers, "forget">;
  keep: () => Keep;
  /** What others keep of them is not needed any more. */
  onForgotten?: (id: string) => void;
  onWarning: (text: string) => void;
}

export class Forgetting {
  readonly #o: Options;
  readonly #timer: NodeJS.Timeout;
  #ended = 0;
  #closed = false;
  #soon: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> | null = null;

  constructor(o: Options) {
    this.#o = o;
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** One more has ended. */
  ended(): void {
    if (++this.#ended >= SWEEP_AFTER) void this.sweep();
    else this.#sweepSoon();
  }

  #sweepSoon(): void {
    if (this.#closed) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.sweep();
    }, MOMENT_MS).unref();
  }

  /** Forgets what is due. Never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.#o.onWarning(`Old processes could not be removed: ${String(error)}`))
      .finally(() => {
        this.#sweeping = null;
        if (this.#ended > 0) this.#sweepSoon(); // those that ended meanwhile have not been looked at
      });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    this.#ended = 0;
    this.#callOff();
    const { known, log, keep } = this.#o;
    const ended = known
      .values()
      .filter((process) => !process.running)
      .map((process) => ({
        id: process.id,
        endedAt: -process.endedFor,
        bytes: process.bytesKept,
        open: !process.row.closed,
      }));
    const due = toForget(ended, keep(), 0);
    if (due.length === 0) return;
    const untold = new Set([...(await log.views(NOTICE_VIEW)).keys()].map(processOf));
    const ids = due.filter((id) => !untold.has(id));
    await this.#forget(ids);
  }

  /**
   * Forgets those of them whose end and whose output's end is recorded, with what was to be told of them: nobody is left to
   * hear it. One that has left something behind that still runs stays, as that is ended by its id. Never rejects.
   */
  async withSession(processes: readonly Supervised[]): Promise<void> {
    const { log, onWarning } = this.#o;
    const over = processes.filter((process) => !process.running && process.row.closed);
    const ids = over.map((process) => process.id);
    try {
      const notices = [...(await log.views(NOTICE_VIEW)).keys()].filter((key) => ids.includes(processOf(key)));
      const told = notices.map((key) => ({ view: NOTICE_VIEW, key, value: null }));
      if (told.length > 0) await log.append(HOST_STREAM, [], { views: told });
      await this.#forget(ids, over);
    } catch (error) {
      onWarning(`Processes of a conversation that was deleted could not be removed: ${String(error)}`);
    }
  }

  /** `staying`: those that stay known while something of them runs. */
  async #forget(wanted: readonly string[], staying: readonly Supervised[] = []): Promise<void> {
    const { known, recorder, keepers, onWarning, onForgotten } = this.#o;
    // Another may have begun with some of them meanwhile.
    const ids = wanted.filter((id) => known.has(id));
    if (ids.length === 0) return;
    for (const id of ids) {
      known.delete(id);
      onForgotten?.(id);
    }
    // The files first: a row without files is forgotten by the next host, files without a row are a process it has to take over.
    const left = ids.values();
    const gone = new Set(ids);
    const remove = async () => {
      for (const id of left)
        await keepers.forget(id).catch((error: unknown) => {
          const stays = error instanceof StillRunning ? staying.find((process) => process.id === id) : undefined;
          if (stays !== undefined) {
            known.add(stays);
            gone.delete(id);
            return;
          }
          // A daemon that it left behind may live on, with its keeper: the next host finds both.
          onWarning(`the files of ${id} could not be removed: ${String(error)}`);
        });
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, remove));
    if (gone.size > 0) await recorder.forget([...gone]);
  }

  #callOff(): void {
    clearTimeout(this.#soon ?? undefined);
    this.#soon = null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#callOff();
    await this.#sweeping;
  }
}

/** The process that a notice is about. */
function processOf(noticeId: string): string {
  return /^notice_(proc_[0-9a-f]+)_/.exec(noticeId)?.[1] ?? "";
}
