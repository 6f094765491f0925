// The baseline of the log's benchmark, in a thread of its own: SQLite as bare as it comes, a hundred rows a transaction.
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

const { file, events, payload, perCommit } = workerData as {
  file: string;
  events: number;
  payload: string;
  perCommit: number;
};
using db = new DatabaseSync(file);
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
db.exec("CREATE TABLE events (stream INTEGER, seq INTEGER, payload TEXT, PRIMARY KEY (stream, seq)) WITHOUT ROWID");
const insert = db.prepare("INSERT INTO events VALUES (1, ?, ?)");
const started = performance.now();
for (let seq = 1; seq <= events; ) {
  db.exec("BEGIN IMMEDIATE");
  for (let i = 0; i < perCommit; i++) insert.run(seq++, payload);
  db.exec("COMMIT");
}
parentPort?.postMessage((events / (performance.now() - started)) * 1000);
