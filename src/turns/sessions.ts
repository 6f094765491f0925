// Every session there is: its row for lists, itself in memory while it is used, and the word to lists when it changes.
import { EventEmitter } from "node:events";
import type { EventLog } from "../log/event-log.ts";
import { HostError } from "../protocol/errors.ts";
import {
  HOST_STREAM,
  newEvent,
  type Payload,
  type Recorded,
  sessionStream,
  streamSession,
  type Usage,
} from "../protocol/events.ts";
import { newId } from "../protocol/ids.ts";
import type { SessionRow } from "../protocol/rows.ts";
import { foldRow, newRow, publicRow, type StoredSession } from "./row.ts";
import { Session } from "./session.ts";

/** Idle sessions kept in memory; the least recently used goes first, and comes back from the log when asked for. */
const IDLE_KEPT = 64;

export class Sessions implements Disposable {
  readonly #log: EventLog;
  readonly #warn: (text: string) => void;
  readonly #leaving: AbortSignal;
  readonly #rows: Map<string, StoredSession>;
  /** In order of use, the oldest first. */
  readonly #loaded = new Map<string, { session: Session; ready: Promise<Session> }>();
  readonly #toList = new Set<string>();
  readonly #tap: Disposable;
  readonly #stalls = new EventEmitter<{ stalled: [string, boolean] }>();
  #onNotice: ((sessionId: string) => void) | undefined;
  #lastWorkspace: string | undefined;
  #quiet = false;

  private constructor(options: SessionsOptions, rows: Map<string, StoredSession>, lastWorkspace: unknown) {
    this.#log = options.log;
    this.#warn = options.warn;
    this.#leaving = options.leaving;
    this.#rows = rows;
    this.#lastWorkspace = typeof lastWorkspace === "string" ? lastWorkspace : undefined;
    this.#stalls.setMaxListeners(0); // one for each connection
    this.#tap = this.#log.tap((stream, records) => this.#heard(stream, records));
  }

  static async open(options: SessionsOptions): Promise<Sessions> {
    const [rows, lastWorkspace] = await Promise.all([
      options.log.views("session"),
      options.log.view("setting", "last_workspace"),
    ]);
    const stored = new Map([...rows].map(([id, row]) => [id, row as StoredSession]));
    return new Sessions(options, stored, lastWorkspace);
  }

  /** The last workspace a person named, for the next session (S4). */
  get lastWorkspace(): string | undefined {
    return this.#lastWorkspace;
  }

  /** The view that keeps a workspace as the last one; nothing where none was named. */
  remember(workspace: string | undefined): { view: string; key: string; value: unknown }[] {
    if (workspace === undefined) return [];
    this.#lastWorkspace = workspace;
    return [{ view: "setting", key: "last_workspace", value: workspace }];
  }

  /** Calls `listener` when a notice has come into a session. */
  whenNotified(listener: (sessionId: string) => void): void {
    this.#onNotice = listener;
  }

  /** Calls `listener` each second while a turn waits for room on the disk, and once it goes on. Needs no disk itself (S15). */
  onStalled(listener: (sessionId: string, stalled: boolean) => void): Disposable {
    this.#stalls.on("stalled", listener);
    return { [Symbol.dispose]: () => void this.#stalls.off("stalled", listener) };
  }

  #listen(session: Session): void {
    session.onStalled = (stalled) => void this.#stalls.emit("stalled", session.id, stalled);
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  rows(): Iterable<StoredSession> {
    return this.#rows.values();
  }

  /** Throws session_not_found. */
  stored(id: string): StoredSession {
    const row = this.#rows.get(id);
    if (row === undefined)
      throw new HostError("session_not_found", `No conversation "${id}": list them with session.list`);
    return row;
  }

  row(id: string): SessionRow {
    return publicRow(this.stored(id));
  }

  /** The most recently used first. */
  list(limit: number): SessionRow[] {
    const rows = [...this.#rows.values()].sort((a, b) => b.updated_at - a.updated_at);
    return rows.slice(0, limit).map(publicRow);
  }

  usage(id?: string): { usage: Usage; turns: number } {
    const rows = id === undefined ? [...this.#rows.values()] : [this.stored(id)];
    const usage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0 };
    let turns = 0;
    for (const row of rows) {
      usage.input_tokens += row.usage.input_tokens;
      usage.output_tokens += row.usage.output_tokens;
      usage.cached_tokens += row.usage.cached_tokens;
      turns += row.turns;
    }
    return { usage, turns };
  }

  async create(info: Payload<"session.info">, named: string | undefined): Promise<Session> {
    const id = newId("session");
    const session = Session.fresh(this.#log, id, this.#leaving);
    this.#listen(session);
    this.#rows.set(id, newRow(id, Date.now()));
    this.#loaded.set(id, { session, ready: Promise.resolve(session) });
    try {
      await session.append([newEvent("session.info", `${id}:created`, info)], { views: this.remember(named) });
    } catch (error) {
      this.#rows.delete(id);
      this.#loaded.delete(id);
      throw error;
    }
    await this.#announce(id, "created");
    return session;
  }

  /** The session in memory, read from the log if it is not there. */
  async get(id: string): Promise<Session> {
    const stored = this.stored(id);
    const loaded = this.#loaded.get(id) ?? Session.opening(this.#log, stored, this.#leaving);
    this.#listen(loaded.session);
    this.#loaded.delete(id);
    this.#loaded.set(id, loaded);
    this.#forgetIdle();
    try {
      return await loaded.ready;
    } catch (error) {
      this.#loaded.delete(id);
      throw error;
    }
  }

  /** If it is in memory already. */
  loaded(id: string): Session | undefined {
    return this.#loaded.get(id)?.session;
  }

  /** Removes a session with its history; its owner has seen to it that nothing runs in it. */
  async remove(id: string): Promise<void> {
    this.#rows.delete(id);
    this.#loaded.delete(id);
    await this.#log.remove(sessionStream(id));
    const event = newEvent("session.listed", `${id}:deleted`, { session_id: id, change: "deleted" });
    await this.#log.append(HOST_STREAM, [event], { views: [{ view: "session", key: id, value: null }] });
  }

  /** Says nothing more to lists; for the host's last moments. */
  quiet(): void {
    this.#quiet = true;
  }

  [Symbol.dispose](): void {
    this.#tap[Symbol.dispose]();
  }

  #forgetIdle(): void {
    if (this.#loaded.size <= IDLE_KEPT) return;
    for (const [id, { session }] of this.#loaded) {
      if (this.#loaded.size <= IDLE_KEPT) return;
      // One with no head may still be reading.
      if (session.idle && session.state.head > 0) this.#loaded.delete(id);
    }
  }

  #heard(stream: string, records: readonly Recorded[]): void {
    const id = streamSession(stream);
    const row = id === null ? undefined : this.#rows.get(id);
    if (id === null || row === undefined) return;
    const after = records.reduce((folded, record) => foldRow(folded, record, record.time), row);
    if (after !== row) {
      this.#rows.set(id, after);
      const shown = (r: StoredSession) =>
        [r.title, r.turn_id, r.queued > 0, r.pending, r.model, r.workspace].join("\0");
      if (shown(after) !== shown(row)) this.#listSoon(id);
    }
    this.#loaded.get(id)?.session.take(records);
    if (records.some((record) => record.type === "notice")) this.#onNotice?.(id);
  }

  /** Changes of one moment are one event: lists are asked for again anyway. */
  #listSoon(id: string): void {
    if (this.#toList.has(id)) return;
    this.#toList.add(id);
    setImmediate(() => {
      this.#toList.delete(id);
      this.#announce(id, "changed").catch((error) => this.#warn(`Lists are not told of a change: ${String(error)}`));
    });
  }

  async #announce(id: string, change: "created" | "changed"): Promise<void> {
    if (this.#quiet || !this.#rows.has(id)) return;
    const event = newEvent("session.listed", `listed:${crypto.randomUUID()}`, { session_id: id, change });
    await this.#log.append(HOST_STREAM, [event]);
  }
}

export interface SessionsOptions {
  log: EventLog;
  warn: (text: string) => void;
  /** Aborts when the host leaves. */
  leaving: AbortSignal;
}
