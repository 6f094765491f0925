// What a process's limits mean while it lives: which one it ran into, when output was dropped for the quota, and in which
// words that is told.
import type { Child } from "../keeper/keepers.ts";
import type { Hit, LimitSettings, Limits } from "../limits/limits.ts";
import { bytesShown, shown } from "../limits/words.ts";
import type { Payload } from "../protocol/events.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import type { Sandbox } from "../sandboxes/sandboxes.ts";
import { limitsInside } from "./placement.ts";
import type { Prepared, StartProcess } from "./preparation.ts";
import { toFacts } from "./record.ts";

export type Limited = Payload<"process.limited">;

export interface LimitedOptions {
  child: Child;
  limits: Limits | null;
  row: () => ProcessRow;
  /** Called once for each limit. */
  tell: (limited: Limited) => Promise<void>;
  onError: (error: unknown) => void;
}

/** What the keeper and the row are told of a start's limits. Errors: not_supported where they are required and cannot be. */
export async function limitsOf(
  prepared: Prepared,
  o: {
    limits: Limits | null;
    settings: LimitSettings;
    asked: StartProcess["limits"];
    where: Sandbox["limited"];
  },
): Promise<Prepared> {
  if (o.limits === null) return prepared;
  if (o.where !== "here") return limitsInside(prepared, o.where, o);
  const { process_id: id, session_id } = prepared.row;
  const { limits, groups, required, notes } = await o.limits.prepare(
    { id, session_id, asked: o.asked ?? {} },
    o.settings,
  );
  const row = { ...prepared.row, limits, notes: [...prepared.row.notes, ...notes] };
  const facts = toFacts(row, prepared.book);
  return { ...prepared, row, spec: { ...prepared.spec, groups, groupsRequired: required, facts } };
}

/** The row once the keeper has said whether it could put the child where its limits are. */
export function withLimits(row: ProcessRow, { live }: Child): ProcessRow {
  if (row.limits === null || live === undefined || live.unlimited === null) return row;
  const note = `Its limits are not enforced: it could not be put into its control group (${live.unlimited}).`;
  return { ...row, limits: { ...row.limits, enforced: false }, notes: [...row.notes, note] };
}

/** Why it stops. Without a word of its own each abort would make an error, with its stack, that nobody reads. */
const OVER = "over";

export class LimitWatch {
  readonly #o: LimitedOptions;
  readonly #stopped = new AbortController();
  readonly #followed: { look(): Promise<void>; stop(): void } | undefined;
  readonly #telling: Promise<void>[] = [];
  #spoolTold = false;

  constructor(o: LimitedOptions) {
    this.#o = o;
    const { dir, spec } = o.child;
    const { limits } = o.row();
    const inside = spec.transport !== undefined && limits?.enforced === true ? dir : null;
    const followed = { groups: spec.groups ?? [], limits, inside };
    this.#followed = o.limits?.follow(followed, (hit) => this.#tell(limitedBy(o.row(), hit)));
    this.#watchSpool().catch(o.onError);
  }

  /** A full disk makes telling wait; nobody else waits for it before the end. */
  #tell(limited: Limited): void {
    this.#telling.push(this.#o.tell(limited).catch(this.#o.onError));
  }

  /** Costs nothing until as much was printed as is kept. */
  async #watchSpool(): Promise<void> {
    const { spool, spec } = this.#o.child;
    const quota = spec.quotaBytes ?? 0;
    for (let seen = quota; quota > 0 && !this.#stopped.signal.aborted && !this.#spoolTold; seen = spool.length) {
      if (spool.ended && spool.length <= seen) return;
      await spool.grown(seen, this.#stopped.signal);
      if (!this.#stopped.signal.aborted) this.#lookAtSpool();
    }
  }

  #lookAtSpool(): void {
    const { spool, spec } = this.#o.child;
    if (this.#spoolTold || spool.firstKept === 0) return;
    this.#spoolTold = true;
    const value = spec.quotaBytes ?? 0;
    const text = `Its output is longer than the ${bytesShown(value)} that are kept: the oldest goes.`;
    this.#tell({ process_id: this.#o.child.id, limit: "spool", scope: "process", value, text });
  }

  /** Once more, at its end: what was hit is told before this resolves. */
  async finish(): Promise<void> {
    this.#stopped.abort(OVER);
    await this.#followed?.look();
    this.#followed?.stop();
    this.#lookAtSpool();
    await Promise.all(this.#telling);
  }

  /** Lets go; a next host goes on. */
  leave(): void {
    this.#stopped.abort(OVER);
    this.#followed?.stop();
  }
}

function limitedBy({ process_id }: ProcessRow, { limit, scope, value }: Hit): Limited {
  const whose = scope === "session" ? "of its session " : "";
  const amount = limit === "memory" ? bytesShown(value) : shown("pids", value);
  const text =
    limit === "memory"
      ? `It ran into the memory limit ${whose}of ${amount}: something of it was killed.`
      : `It ran into the limit ${whose}of ${amount}: it could not start more.`;
  return { process_id, limit, scope, value, text };
}

/** What the limit has to do with its end, for `reason` in the row; null if nothing. */
export function limitReason(end: { signal: string | null; asked: boolean }, limited: Limited | null): string | null {
  if (limited === null || limited.limit === "spool") return null;
  const whose = limited.scope === "session" ? "session's " : "";
  if (limited.limit === "pids") return `it ran into the ${whose}limit of ${shown("pids", limited.value)}`;
  const amount = bytesShown(limited.value);
  return end.signal === "SIGKILL" && !end.asked
    ? `killed by the ${whose}memory limit of ${amount}`
    : `something it started was killed by the ${whose}memory limit of ${amount}`;
}
