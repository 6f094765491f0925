// How a browser gets in: a one-time ticket becomes a login, a cookie and a secret that count only together.
import * as z from "zod";
import type { EventLog } from "../log/event-log.ts";
import { HOST_STREAM } from "../protocol/events.ts";
import { digest, newSecret, same } from "./secrets.ts";

const TICKET_MS = 10 * 60 * 1000;
const LOGIN_MS = 30 * 24 * 60 * 60 * 1000;
/** Oldest first out: a person has some browsers, not hundreds. */
const MAX_TICKETS = 100;
const MAX_LOGINS = 100;
const VIEW = "login";
/** A timer cannot be set further ahead than this, and a login lasts longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const Login = z.object({ secret: z.string(), created_at: z.number(), expires_at: z.number() });
type Login = z.infer<typeof Login>;

export interface NewLogin {
  cookie: string;
  secret: string;
  expiresAt: number;
}

/** Only digests are kept, in memory and in the log: a stolen log opens no door. */
export class Logins implements Disposable {
  readonly #log: EventLog;
  readonly #now: () => number;
  /** Digest of a ticket → until when. In memory only: a new host prints a new one. */
  readonly #tickets = new Map<string, number>();
  /** Digest of a cookie → the login, the oldest first. */
  readonly #logins: Map<string, Login>;
  /** What ends with a login: made when first asked for. */
  readonly #ends = new Map<string, { controller: AbortController; timer: NodeJS.Timeout }>();

  private constructor(log: EventLog, logins: Map<string, Login>, now: () => number) {
    this.#log = log;
    this.#logins = logins;
    this.#now = now;
  }

  static async open(log: EventLog, now: () => number = Date.now): Promise<Logins> {
    const logins = [...(await log.views(VIEW))]
      .map(([key, value]) => [key, Login.safeParse(value).data] as const)
      .filter((entry): entry is [string, Login] => entry[1] !== undefined && entry[1].expires_at > now())
      .sort(([, a], [, b]) => a.created_at - b.created_at);
    return new Logins(log, new Map(logins), now);
  }

  /** A ticket for one login, good for ten minutes. */
  mint(): string {
    const ticket = newSecret();
    this.#tickets.set(digest(ticket), this.#now() + TICKET_MS);
    while (this.#tickets.size > MAX_TICKETS) this.#tickets.delete(this.#tickets.keys().next().value ?? "");
    return ticket;
  }

  /** Uses a ticket up. `undefined`: unknown, used or too old. The login is durable when this resolves. */
  async redeem(ticket: string): Promise<NewLogin | undefined> {
    const key = digest(ticket);
    const until = this.#tickets.get(key);
    // Gone before anything is awaited: two who come at once are not both let in.
    if (until === undefined || !this.#tickets.delete(key) || until <= this.#now()) return undefined;
    const cookie = newSecret();
    const secret = newSecret();
    const login = { secret: digest(secret), created_at: this.#now(), expires_at: this.#now() + LOGIN_MS };
    this.#logins.set(digest(cookie), login);
    const tooMany = [...this.#logins.keys()].slice(0, Math.max(0, this.#logins.size - MAX_LOGINS));
    for (const old of tooMany) this.#forget(old);
    await this.#log.append(HOST_STREAM, [], {
      views: [
        { view: VIEW, key: digest(cookie), value: login },
        ...tooMany.map((old) => ({ view: VIEW, key: old, value: null })),
      ],
    });
    return { cookie, secret, expiresAt: login.expires_at };
  }

  /** The login's name inside the host, if cookie and secret belong together and are not too old. */
  verify(cookie: string, secret: string): string | undefined {
    const key = digest(cookie);
    const login = this.#logins.get(key);
    const right = same(login?.secret ?? "", digest(secret));
    return login !== undefined && right && login.expires_at > this.#now() ? key : undefined;
  }

  /** Aborted when the login ends: by logout, or by age. */
  ended(key: string): AbortSignal {
    const known = this.#ends.get(key);
    if (known) return known.controller.signal;
    const controller = new AbortController();
    const left = (this.#logins.get(key)?.expires_at ?? 0) - this.#now();
    if (left <= 0) controller.abort();
    this.#ends.set(key, { controller, timer: this.#endLater(key, left) });
    return controller.signal;
  }

  #endLater(key: string, left: number): NodeJS.Timeout {
    const look = () => {
      const end = this.#ends.get(key);
      const still = (this.#logins.get(key)?.expires_at ?? 0) - this.#now();
      if (end === undefined || still <= 0) this.#forget(key);
      else end.timer = this.#endLater(key, still);
    };
    return setTimeout(look, Math.min(Math.max(left, 0), LONGEST_TIMER_MS)).unref();
  }

  async end(key: string): Promise<void> {
    this.#forget(key);
    await this.#log.append(HOST_STREAM, [], { views: [{ view: VIEW, key, value: null }] });
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
  }

  #forget(key: string): void {
    this.#logins.delete(key);
    const end = this.#ends.get(key);
    this.#ends.delete(key);
    clearTimeout(end?.timer);
    end?.controller.abort();
  }
}
