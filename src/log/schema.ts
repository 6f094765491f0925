// The tables, as numbered steps from the first day on: a database of any age is brought up to date when it is opened.
import type { DatabaseSync } from "node:sqlite";

/** Marks the file as ours ("Hrth"), so that another program's database is not taken for a log. */
const APPLICATION_ID = 0x48727468;

/** Step n brings a database of version n to n + 1. Steps are added, never changed. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE log (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO log VALUES ('log_id', lower(hex(randomblob(16))));
  CREATE TABLE streams (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
  CREATE TABLE events (
    stream INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, crc INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX event_ids ON events (stream, id);
  CREATE TABLE views (
    view TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (view, key)
  ) WITHOUT ROWID;
  CREATE TABLE quarantine (
    place TEXT PRIMARY KEY, found_at INTEGER NOT NULL, reason TEXT NOT NULL, row TEXT
  ) WITHOUT ROWID;
  `,
];

/** The file exists and must not be used as it is; `message` says which file, why, and what to do. */
export class Unusable extends Error {}

function number(db: DatabaseSync, pragma: string): number {
  const row = db.prepare(`PRAGMA ${pragma}`).get();
  return Number(row?.[pragma]);
}

/** The version of a database that is ours or empty, read without changing it. Throws Unusable for any other. */
export function versionOf(db: DatabaseSync, file: string, steps: readonly string[] = migrations): number {
  const application = number(db, "application_id");
  const tables = Number(db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) {
    throw new Unusable(`${file} is the database of another program: choose another HEARTH_HOME, or move it aside`);
  }
  const version = number(db, "user_version");
  if (version > steps.length) {
    throw new Unusable(
      `${file} was written by a newer Hearth (format ${version}, this one knows up to ${steps.length}): ` +
        "use that version again, or another HEARTH_HOME. Nothing was changed",
    );
  }
  return version;
}

/** Brings a database of `version` up to date, each step whole or not at all. */
export function migrate(db: DatabaseSync, version: number, steps: readonly string[] = migrations): void {
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(step);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`);
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}
