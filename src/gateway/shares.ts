// Links that show one terminal or process and can do nothing else: who has the secret may watch, until it runs out.
import * as z from "zod";
import type { EventLog } from "../log/event-log.ts";
import { HostError } from "../protocol/errors.ts";
import { HOST_STREAM } from "../protocol/events.ts";
import { newId } from "../protocol/ids.ts";
import type { ShareRow } from "../protocol/rows.ts";
import { digest, newSecret } from "./secrets.ts";

const MAX_SHARES = 100;
const VIEW = "share";

const Share = z.object({
  share_id: z.string(),
  /** Of a terminal or a process. */
  target: z.string(),
  created_at: z.number(),
  expires_at: z.number(),
});
type Share = z.infer<typeof Share>;

/** Only digests of the secrets are kept, in memory and in the log. */
export class Shares implements Disposable {
  readonly #log: EventLog;
  readonly #now: () => number;
  /** By the digest of the secret, the oldest first; with what ends for those who watch. */
  readonly #shares = new Map<string, { share: Share; end: AbortController; timer: NodeJS.Timeout }>();

  private constructor(log: EventLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  static async open(log: EventLog, now: () => number = Date.now): Promise<Shares> {
    const shares = new Shares(log, now);
    const known = [...(await log.views(VIEW))]
      .map(([key, value]) => ({ key, share: Share.safeParse(value).data }))
      .filter((one): one is { key: string; share: Share } => one.share !== undefined)
      .sort((a, b) => a.share.created_at - b.share.created_at);
    for (const { key, share } of known) if (share.expires_at > now()) shares.#keep(key, share);
    const over = known.filter(({ share }) => share.expires_at <= now()).map(({ key }) => forgotten(key));
    if (over.length > 0) await log.append(HOST_STREAM, [], { views: over });
    return shares;
  }

  /** Durable when it resolves. Throws too_many. */
  async create(target: string, minutes: number): Promise<{ secret: string; row: ShareRow }> {
    if (this.#shares.size >= MAX_SHARES)
      throw new HostError("too_many", `${MAX_SHARES} links are in use: end some (\`hearth share --list\`).`);
    const secret = newSecret();
    const key = digest(secret);
    const created_at = this.#now();
    const share = { share_id: newId("share"), target, created_at, expires_at: created_at + minutes * 60_000 };
    this.#keep(key, share);
    await this.#log.append(HOST_STREAM, [], { views: [{ view: VIEW, key, value: share }] });
    return { secret, row: rowOf(share) };
  }

  list(): ShareRow[] {
    return [...this.#shares.values()].map(({ share }) => rowOf(share));
  }

  /** Whoever watches by it is cut off; false if there is no such link (any more). */
  async revoke(shareId: string): Promise<boolean> {
    const [key] = [...this.#shares].find(([, { share }]) => share.share_id === shareId) ?? [];
    if (key === undefined) return false;
    await this.#forget(key);
    return true;
  }

  /** What a secret shows, and what is aborted when it stops to count; undefined if it is none (any more). */
  verify(secret: string): { key: string; target: string; ended: AbortSignal; expiresAt: number } | undefined {
    const key = digest(secret);
    const found = this.#shares.get(key);
    if (found === undefined || found.share.expires_at <= this.#now()) return undefined;
    return { key, target: found.share.target, ended: found.end.signal, expiresAt: found.share.expires_at };
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#shares.values()) clearTimeout(timer);
    this.#shares.clear();
  }

  #keep(key: string, share: Share): void {
    // The log may be closed by then: what is left there is passed over by the next host.
    const expire = () => void this.#forget(key).catch(() => undefined);
    const timer = setTimeout(expire, share.expires_at - this.#now()).unref();
    this.#shares.set(key, { share, end: new AbortController(), timer });
  }

  async #forget(key: string): Promise<void> {
    const found = this.#shares.get(key);
    this.#shares.delete(key);
    clearTimeout(found?.timer);
    found?.end.abort();
    await this.#log.append(HOST_STREAM, [], { views: [forgotten(key)] });
  }
}

const forgotten = (key: string) => ({ view: VIEW, key, value: null });

function rowOf({ share_id, target, created_at, expires_at }: Share): ShareRow {
  const of = target.startsWith("term_") ? { terminal_id: target } : { process_id: target };
  return { share_id, terminal_id: null, process_id: null, ...of, created_at, expires_at };
}
