// The form of one event on disk, and how a damaged one is told from a good one.
import { crc32 } from "node:zlib";
import type { Rows } from "./messages.ts";

export interface StoredRow {
  seq: number;
  time: number;
  crc: number;
  id: string;
  type: string;
  payload: string;
}

/** Checksum over all that a row says, its place included: a row that turns up in another place is a damaged one. */
export function checksum(stream: number, row: Omit<StoredRow, "crc">): number {
  return crc32(row.payload, crc32(`${stream}\0${row.seq}\0${row.time}\0${row.id}\0${row.type}\0`));
}

/** SQLite keeps whatever type the bytes say: a flipped byte can turn a text into a number or a blob. */
export function intact(stream: number, row: StoredRow): boolean {
  return (
    typeof row.id === "string" &&
    typeof row.type === "string" &&
    typeof row.payload === "string" &&
    row.crc === checksum(stream, row)
  );
}

export function pushRow(rows: Rows, row: Omit<StoredRow, "crc">): void {
  rows.push(row.seq, row.time, row.id, row.type, row.payload);
}

/** Stands in for an event that cannot be read, so that numbers stay dense for readers. */
export function damagedRow(seq: number, reason: string): Omit<StoredRow, "crc"> {
  return { seq, time: 0, id: `damaged:${seq}`, type: "event.damaged", payload: JSON.stringify({ reason }) };
}
