// Reads events so that their numbers stay dense for readers, whatever the disk has done to the rows.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { isCorrupt } from "./fault.ts";
import type { Rows } from "./messages.ts";
import { damagedRow, intact, pushRow, type StoredRow } from "./record.ts";

type Damaged = (place: string, reason: string, row: unknown) => void;
const columns = "seq, time, crc, id, type, payload";
const asRow = (row: unknown): StoredRow => row as StoredRow;

export class EventReader {
  readonly #page: StatementSync;
  readonly #one: StatementSync;
  readonly #backwards: StatementSync;
  readonly #damaged: Damaged;

  constructor(db: DatabaseSync, damaged: Damaged) {
    this.#page = db.prepare(`SELECT ${columns} FROM events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?`);
    this.#one = db.prepare(`SELECT ${columns} FROM events WHERE stream = ? AND seq = ?`);
    this.#backwards = db.prepare(`SELECT ${columns} FROM events WHERE stream = ? ORDER BY seq DESC`);
    this.#damaged = damaged;
  }

  /** The last number of a stream. A damaged row at the end counts only if its number follows on. */
  head(stream: number): number {
    const doubtful = new Set<number>();
    let head = 0;
    for (const found of this.#backwards.iterate(stream)) {
      const row = asRow(found);
      if (intact(stream, row)) {
        head = row.seq;
        break;
      }
      doubtful.add(row.seq);
    }
    while (doubtful.has(head + 1)) head++;
    return head;
  }

  /** Events after `after` up to `head`: at most `limit`, and no more than make up about `bytes`, but one at least. */
  page(stream: number, head: number, after: number, limit: number, bytes: number): Rows {
    const rows: Rows = [];
    const last = Math.min(head, after + limit);
    let next = after + 1;
    let room = bytes;
    try {
      for (const found of this.#page.iterate(stream, after, limit)) {
        const row = asRow(found);
        const good = intact(stream, row);
        // A number that was hit itself may point anywhere: only a sound row shows that those before it are missing.
        if (!good && row.seq !== next) continue;
        while (next < row.seq && next <= last) this.#standIn(stream, next++, "missing", undefined, rows);
        if (row.seq !== next || next > last) break;
        if (good) pushRow(rows, row);
        else this.#standIn(stream, next, "checksum", found, rows);
        next++;
        room -= good ? row.payload.length + row.id.length + 32 : 32;
        if (room <= 0) return rows;
      }
      while (next <= last) this.#standIn(stream, next++, "missing", undefined, rows);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      // A page of the file is unreadable, and with it an unknown part of what was asked for: look at each by itself.
      for (; next <= last && room > 0; next++) room -= this.one(stream, next, rows);
    }
    return rows;
  }

  /** One event by its number; returns about how many bytes it takes. */
  one(stream: number, seq: number, rows: Rows): number {
    try {
      const found = this.#one.get(stream, seq);
      if (found && intact(stream, asRow(found))) {
        const row = asRow(found);
        pushRow(rows, row);
        return row.payload.length + row.id.length + 32;
      }
      this.#standIn(stream, seq, found ? "checksum" : "missing", found, rows);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#standIn(stream, seq, "unreadable", undefined, rows);
    }
    return 32;
  }

  #standIn(stream: number, seq: number, reason: string, found: unknown, rows: Rows): void {
    this.#damaged(`stream ${stream}, event ${seq}`, reason, found);
    pushRow(rows, damagedRow(seq, reason));
  }
}
