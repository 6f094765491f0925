// The only code that writes the database. Runs in the writer thread, so it may block.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { EventReader } from "./event-reader.ts";
import type { Batch, Outcome, Rows } from "./messages.ts";
import { checksum } from "./record.ts";
import { migrate, Unusable, versionOf } from "./schema.ts";
import { setAsideDamagedWal } from "./wal.ts";

/** Pages in the write-ahead log at which they are copied into the database (16 MB): after an acknowledgement, not before. */
const CHECKPOINT_PAGES = 4000;
/** Streams whose head is kept in memory; the one known longest is looked up again when it is next needed. */
const KNOWN_STREAMS = 10_000;

interface Known {
  id: number;
  head: number;
}

const viewChecksum = (view: string, key: string, value: string): number => crc32(value, crc32(`${view}\0${key}\0`));

export class Store {
  readonly logId: string;
  readonly events: EventReader;
  readonly #db: DatabaseSync;
  readonly #warn: (text: string) => void;
  readonly #streams = new Map<string, Known>();
  readonly #sql: Record<
    "begin" | "commit" | "rollback" | "findStream" | "addStream" | "insert" | "known" | "put" | "drop" | "get" | "all",
    StatementSync
  >;
  readonly #quarantine: StatementSync;
  readonly #reported = new Set<string>();

  /** Opens or creates the database. Throws Unusable, or SQLite's error. */
  constructor(file: string, warn: (text: string) => void) {
    const aside = setAsideDamagedWal(file, Date.now());
    // A moment's patience: the host that was killed a moment ago may not be quite gone.
    const db = new DatabaseSync(file, { timeout: 5000 });
    this.#db = db;
    this.#warn = warn;
    try {
      // Held as long as the connection: nobody else can write behind our back, and the index of the write-ahead log lives
      // in our memory instead of a shared file.
      db.exec("PRAGMA locking_mode = EXCLUSIVE");
      const version = versionOf(db, file);
      if (db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode !== "wal") {
        throw new Unusable(`${file} is on a file system without write-ahead logs: choose another HEARTH_HOME`);
      }
      db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4000");
      db.exec("PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY");
      migrate(db, version);
      if (aside !== undefined) {
        // Numbers that clients have seen will be given out again: their cursors must not look valid.
        db.exec("UPDATE log SET value = lower(hex(randomblob(16))) WHERE key = 'log_id'");
        const check = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
        if (check !== "ok")
          throw new Unusable(
            `${file} and ${file}-wal are damaged (${String(check)}): put a copy of both back, or move both aside`,
          );
        warn(`The newest events were damaged on disk and are lost; what is left of them is kept in ${aside}`);
      }
      // Frames of a commit whose fsync failed may be in the system's cache and never reach the disk; what came after them
      // would be lost at the next power cut. Written into the database and synced anew, they are safe.
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      this.logId = String(db.prepare("SELECT value FROM log WHERE key = 'log_id'").get()?.value);
      if (!/^[0-9a-f]{32}$/.test(this.logId))
        throw new Unusable(`${file} is damaged (it has lost its name). It was left as it is`);
      this.#sql = {
        begin: db.prepare("BEGIN IMMEDIATE"),
        commit: db.prepare("COMMIT"),
        rollback: db.prepare("ROLLBACK"),
        findStream: db.prepare("SELECT id FROM streams WHERE name = ?"),
        addStream: db.prepare("INSERT INTO streams (name) VALUES (?)"),
        insert: db.prepare(
          "INSERT INTO events (stream, seq, time, crc, id, type, payload) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, id) DO NOTHING",
        ),
        known: db.prepare("SELECT seq FROM events WHERE stream = ? AND id = ?"),
        put: db.prepare("INSERT OR REPLACE INTO views (view, key, value, crc) VALUES (?, ?, ?, ?)"),
        drop: db.prepare("DELETE FROM views WHERE view = ? AND key = ?"),
        get: db.prepare("SELECT key, value, crc FROM views WHERE view = ? AND key = ?"),
        all: db.prepare("SELECT key, value, crc FROM views WHERE view = ? ORDER BY key"),
      };
      this.#quarantine = db.prepare(
        "INSERT OR IGNORE INTO quarantine (place, found_at, reason, row) VALUES (?, ?, ?, ?)",
      );
      this.events = new EventReader(db, (place, reason, row) => this.#damaged(place, reason, row));
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /**
   * Writes all appends of a batch in one transaction, durable when it returns. One that expects another head leaves the
   * others alone. Throws if the transaction as a whole failed: then nothing of it is there.
   */
  append(batch: Batch, time: number): Outcome[] {
    const outcomes: Outcome[] = [];
    this.#sql.begin.run();
    try {
      const at = { at: 0 };
      while (at.at < batch.length) outcomes.push(this.#appendOne(batch, at, time));
      this.#sql.commit.run();
    } catch (error) {
      this.#streams.clear();
      // A full disk and most input/output errors have rolled back already.
      if (this.#db.isTransaction) this.#sql.rollback.run();
      throw error;
    }
    return outcomes;
  }

  #appendOne(batch: Batch, cursor: { at: number }, time: number): Outcome {
    const [stream, expect, eventCount, viewCount] = batch.slice(cursor.at, cursor.at + 4) as [
      string,
      number,
      number,
      number,
    ];
    const events = cursor.at + 4;
    const views = events + 3 * eventCount;
    cursor.at = views + 3 * viewCount;
    let known = eventCount === 0 && expect === -1 ? undefined : this.#stream(stream, false);
    const first = (known?.head ?? 0) + 1;
    if (expect !== -1 && expect !== first - 1 && !this.#allKnown(known, batch, events, views))
      return { head: first - 1 };
    if (eventCount > 0) known ??= this.#stream(stream, true);
    const seqs: number[] = [];
    let fresh = 0;
    for (let i = events; i < views && known; i += 3) {
      const row = {
        seq: known.head + 1,
        time,
        id: batch[i] as string,
        type: batch[i + 1] as string,
        payload: batch[i + 2] as string,
      };
      const crc = checksum(known.id, row);
      const { changes } = this.#sql.insert.run(known.id, row.seq, time, crc, row.id, row.type, row.payload);
      if (changes === 1) {
        known.head = row.seq;
        fresh++;
        seqs.push(row.seq);
      } else {
        seqs.push(Number(this.#sql.known.get(known.id, row.id)?.seq));
      }
    }
    if (fresh > 0 || eventCount === 0) this.#putViews(batch, views, cursor.at);
    if (fresh === eventCount || !known) return first;
    const rows: Rows = [];
    for (const seq of seqs) if (seq < first) this.events.one(known.id, seq, rows);
    return { seqs, known: rows };
  }

  #allKnown(known: Known | undefined, batch: Batch, from: number, to: number): boolean {
    if (!known || from === to) return false;
    for (let i = from; i < to; i += 3) if (!this.#sql.known.get(known.id, batch[i] as string)) return false;
    return true;
  }

  #putViews(batch: Batch, from: number, to: number): void {
    for (let i = from; i < to; i += 3) {
      const [view, key, value] = batch.slice(i, i + 3) as [string, string, string | null];
      if (value === null) this.#sql.drop.run(view, key);
      else this.#sql.put.run(view, key, value, viewChecksum(view, key, value));
    }
  }

  #stream(name: string, create: boolean): Known | undefined {
    const cached = this.#streams.get(name);
    if (cached) return cached;
    let id = this.#sql.findStream.get(name)?.id;
    if (id === undefined) {
      if (!create) return undefined;
      id = this.#sql.addStream.run(name).lastInsertRowid;
    }
    const known = { id: Number(id), head: this.events.head(Number(id)) };
    if (this.#streams.size >= KNOWN_STREAMS) {
      for (const oldest of this.#streams.keys()) {
        this.#streams.delete(oldest);
        break;
      }
    }
    this.#streams.set(name, known);
    return known;
  }

  head(stream: string): number {
    return this.#stream(stream, false)?.head ?? 0;
  }

  /** At most `limit` events, and no more than make up about `bytes`, but one at least. */
  read(stream: string, after: number, limit: number, bytes: number): { rows: Rows; head?: number } {
    const known = this.#stream(stream, false);
    if (!known || after >= known.head) return { rows: [], head: known?.head ?? 0 };
    return { rows: this.events.page(known.id, known.head, after, limit, bytes) };
  }

  view(view: string, key: string): string | null {
    const row = this.#sql.get.get(view, key);
    return row ? this.#value(view, row) : null;
  }

  views(view: string): string[] {
    const found: string[] = [];
    for (const row of this.#sql.all.iterate(view)) {
      const value = this.#value(view, row);
      if (value !== null) found.push(String(row.key), value);
    }
    return found;
  }

  #value(view: string, row: Record<string, unknown>): string | null {
    const { key, value, crc } = row;
    if (typeof key === "string" && typeof value === "string" && crc === viewChecksum(view, key, value)) return value;
    this.#damaged(`view ${view}/${String(key)}`, "checksum", row);
    return null;
  }

  /** Removes a stream and its events in one transaction. */
  remove(stream: string): void {
    const known = this.#stream(stream, false);
    if (!known) return;
    this.#sql.begin.run();
    try {
      this.#db.prepare("DELETE FROM events WHERE stream = ?").run(known.id);
      this.#db.prepare("DELETE FROM streams WHERE id = ?").run(known.id);
      this.#sql.commit.run();
    } catch (error) {
      if (this.#db.isTransaction) this.#sql.rollback.run();
      throw error;
    } finally {
      this.#streams.delete(stream);
    }
  }

  /** Said once per place, and kept as it was found: what is left of a damaged row may still help a person. */
  #damaged(place: string, reason: string, row: unknown): void {
    if (this.#reported.has(place) || this.#reported.size >= 1000) return;
    this.#reported.add(place);
    this.#warn(`The log is damaged at ${place} (${reason}): the rest stays readable`);
    try {
      this.#quarantine.run(place, Date.now(), reason, row === undefined ? null : JSON.stringify(row));
    } catch (error) {
      this.#warn(
        `What is left of it could not be set aside: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** Copies the write-ahead log into the database once it is long. Throws what SQLite throws. */
  checkpointIfLong(): void {
    const pages = Number(this.#db.prepare("PRAGMA wal_checkpoint(NOOP)").get()?.log);
    if (pages >= CHECKPOINT_PAGES) this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** No statement of ours writes from here on. Reads go on. */
  freeze(): void {
    this.#db.exec("PRAGMA query_only = ON");
  }

  close(): void {
    this.#db.close();
  }
}
