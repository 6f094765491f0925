// All processes that are remembered, so indexed that no question about one session or task looks at those of the others.
import type { Supervised } from "./supervised.ts";

export interface Filter {
  session_id?: string;
  task_id?: string;
}
/** What still goes on, as `process.activity` answers it. */
export interface Activity {
  active: boolean;
  running: number;
  running_here: number;
  wait?: boolean;
}

interface Group {
  readonly all: Set<Supervised>;
  readonly running: Set<Supervised>;
}

/** Groups by a key that not every process has; empty ones are forgotten. */
class Index {
  readonly #groups = new Map<string, Group>();

  get(key: string): Group | undefined {
    return this.#groups.get(key);
  }
  add(key: string | null, process: Supervised): void {
    if (key === null) return;
    const group = this.#groups.get(key) ?? { all: new Set(), running: new Set() };
    this.#groups.set(key, group);
    group.all.add(process);
    if (process.running) group.running.add(process);
  }
  ended(key: string | null, process: Supervised): void {
    if (key !== null) this.#groups.get(key)?.running.delete(process);
  }
  delete(key: string | null, process: Supervised): void {
    const group = key === null ? undefined : this.#groups.get(key);
    if (key === null || group === undefined) return;
    group.all.delete(process);
    group.running.delete(process);
    if (group.all.size === 0) this.#groups.delete(key);
  }
}

export class Known {
  readonly #byId = new Map<string, Supervised>();
  readonly #running = new Set<Supervised>();
  readonly #sessions = new Index();
  readonly #tasks = new Index();

  get size(): number {
    return this.#byId.size;
  }
  get running(): number {
    return this.#running.size;
  }
  get(id: string): Supervised | undefined {
    return this.#byId.get(id);
  }
  has(id: string): boolean {
    return this.#byId.has(id);
  }
  values(): Supervised[] {
    return [...this.#byId.values()];
  }
  /** Those that run, the oldest first. */
  living(): Supervised[] {
    return [...this.#running];
  }

  add(process: Supervised): void {
    this.#byId.set(process.id, process);
    if (process.running) this.#running.add(process);
    const { session_id, task_id } = process.row;
    this.#sessions.add(session_id, process);
    this.#tasks.add(task_id, process);
  }
  /** Call it once its end is recorded. */
  ended(process: Supervised): void {
    this.#running.delete(process);
    const { session_id, task_id } = process.row;
    this.#sessions.ended(session_id, process);
    this.#tasks.ended(task_id, process);
  }
  delete(id: string): void {
    const process = this.#byId.get(id);
    if (process === undefined) return;
    this.#byId.delete(id);
    this.#running.delete(process);
    const { session_id, task_id } = process.row;
    this.#sessions.delete(session_id, process);
    this.#tasks.delete(task_id, process);
  }

  /** Those of the task and those of the session; all without either. */
  ofEither({ session_id, task_id }: Filter): Supervised[] {
    if (session_id === undefined && task_id === undefined) return this.values();
    const session = session_id === undefined ? [] : (this.#sessions.get(session_id)?.all ?? []);
    const task = task_id === undefined ? [] : (this.#tasks.get(task_id)?.all ?? []);
    return [...new Set([...session, ...task])];
  }

  /** Those of the task that are of the session too; all without either. */
  ofBoth({ session_id, task_id }: Filter): Supervised[] {
    if (task_id === undefined) return this.ofEither(session_id === undefined ? {} : { session_id });
    return this.ofEither({ task_id }).filter(({ row }) => session_id === undefined || row.session_id === session_id);
  }

  /** Of a session that run, the oldest first. */
  livingOf(sessionId: string): Supervised[] {
    return [...(this.#sessions.get(sessionId)?.running ?? [])];
  }
  runningOf(sessionId: string): number {
    return this.#sessions.get(sessionId)?.running.size ?? 0;
  }

  /** P18. A session is held open only by processes younger than `maxAgeMs`: a forgotten server must not do so for ever. */
  activity(o: Filter & { process_id?: string }, maxAgeMs: number): Activity {
    const session = o.session_id === undefined ? [] : [...(this.#sessions.get(o.session_id)?.running ?? [])];
    const task = o.task_id === undefined ? [] : [...(this.#tasks.get(o.task_id)?.running ?? [])];
    const all = o.session_id === undefined && o.task_id === undefined;
    const oldest = Date.now() - maxAgeMs;
    const wait = o.process_id === undefined ? undefined : this.#byId.get(o.process_id)?.awaited === true;
    const active = all
      ? wait === undefined && this.running > 0
      : task.length > 0 || session.some(({ row }) => row.started_at > oldest);
    return {
      active: active || wait === true,
      running: this.running,
      running_here: all ? this.running : new Set([...session, ...task]).size,
      ...(wait === undefined ? {} : { wait }),
    };
  }
}
