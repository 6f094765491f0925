// Finds again what earlier hosts have started: the rows of the log and what the keepers found are put together.
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import type { Limits } from "../limits/limits.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import type { Sandboxes } from "../sandboxes/sandboxes.ts";
import type { Redactor } from "../secrets/redactor.ts";
import type { Known } from "./known.ts";
import { withLive } from "./preparation.ts";
import { type Book, fromFacts, parseStored, type Recorder, VIEW } from "./record.ts";
import type { Supervised } from "./supervised.ts";

/** Ids of processes begin with it; what the keepers found under others belongs to other parts. */
export const PREFIX = "proc_";
const FOREIGN = "The log did not know of it: it was found beside it and taken over.";

interface Stored {
  row: ProcessRow;
  book: Book;
}

interface Options {
  log: EventLog;
  /** All that the keepers found. */
  adopted: readonly Adopted[];
  keepers: Pick<Keepers, "forget">;
  recorder: Recorder;
  redactor: Redactor;
  known: Known;
  limits?: Limits;
  sandboxes?: Sandboxes;
  onWarning: (text: string) => void;
  supervised: (row: ProcessRow, book: Book, child: Child | null) => Supervised;
  /** Takes it among those that are known, and goes on with it. */
  add: (process: Supervised) => void;
  /** Writes down and tells that it never started. */
  failed: (row: ProcessRow, book: Book, why: string) => Promise<void>;
}

/** Takes over all there is. Answers with the ends of those that ended meanwhile: resolved once they are recorded. */
export async function recover(o: Options): Promise<Promise<void>[]> {
  const stored = new Map<string, Stored>();
  for (const [id, value] of await o.log.views(VIEW)) {
    const parsed = parseStored(value);
    if (parsed === null) o.onWarning(`The stored row of process ${id} is not readable and is passed over`);
    else stored.set(id, parsed);
  }
  const ends: Promise<void>[] = [];
  for (const one of o.adopted) {
    const id = "child" in one ? one.child.id : one.id;
    if (!id.startsWith(PREFIX)) continue;
    const row = stored.get(id) ?? null;
    if (one.state === "torn") o.onWarning(`The files of process ${id} are passed over: ${one.warning}`);
    else if (one.state === "failed_start") await recoverFailed(o, id, row, one);
    else {
      stored.delete(id);
      await recoverChild(o, one.child, row, ends);
    }
  }
  for (const row of stored.values()) await recoverRow(o, row);
  return ends;
}

async function recoverChild(o: Options, child: Child, stored: Stored | null, ends: Promise<void>[]): Promise<void> {
  const known = stored ?? fromFacts(child.spec.facts);
  if (known === null) {
    o.onWarning(`The files of process ${child.id} do not say what it is: it is left alone`);
    return;
  }
  const { book } = known;
  o.redactor.learnEnvironment(child.spec.env);
  o.limits?.adopt(child.spec.groups ?? []);
  const row = known.row.status === "running" ? { ...known.row, recovered: true } : known.row;
  const seen = (await o.sandboxes?.adopted(row.environment, child)) ?? child;
  // No row: the host died before it could write one, or somebody has put back an older log. It is never ended for that.
  const found = stored === null ? { ...withLive(row, seen), foreign: true, notes: [...row.notes, FOREIGN] } : row;
  const process = o.supervised(found, book, seen);
  // The host may have died between the keeper's start and its own record of it; else this only notes `recovered`.
  if (process.running) await o.recorder.started(process.row, book);
  o.add(process);
  if (process.running && child.end !== undefined) ends.push(process.ended);
}

async function recoverFailed(
  o: Options,
  id: string,
  stored: Stored | null,
  one: Adopted & { state: "failed_start" },
): Promise<void> {
  const known = stored ?? fromFacts(one.spec?.facts);
  const why =
    one.errno === undefined
      ? "the host ended while it was being started"
      : `${one.errno} at step "${one.step ?? "start"}"`;
  if (known !== null && known.row.status === "running") await o.failed(known.row, known.book, why);
  await o.keepers.forget(id);
}

/** A row whose child has no files (any more). */
async function recoverRow(o: Options, { row, book }: Stored): Promise<void> {
  if (o.known.has(row.process_id)) return;
  const gone: ProcessRow =
    row.status !== "running"
      ? row
      : {
          ...row,
          status: "lost",
          completion_reason: "lost",
          reason: "its files are gone",
          ended_at: Date.now(),
          closed: true,
        };
  if (gone !== row) await o.recorder.ended(gone, book, "");
  o.known.add(o.supervised({ ...gone, closed: true }, book, null));
}
