// Who gets in: the one place where every request is looked at, HTTP, SSE and upgrade alike, before any route is.
import { LOGIN_HEADER, LOGIN_PROTOCOL, WATCH_HEADER, WATCH_PROTOCOL } from "../protocol/credentials.ts";
import { errors } from "../protocol/errors.ts";
import type { Failures } from "./failures.ts";
import type { Logins } from "./logins.ts";
import type { Problem } from "./problem.ts";
import { same } from "./secrets.ts";
import type { Shares } from "./shares.ts";

/** Which of the host's two listeners a request came through. */
export type Door = "tcp" | "unix";
/** What a request says of itself, unparsed: parsers differ in what they let pass. */
export interface Inbound {
  method: string;
  /** The request target as it was sent. */
  target: string;
  rawHeaders: readonly string[];
  door: Door;
}
/** Bound to the credential, never to anything the client says of itself. */
export interface Identity {
  via: "token" | "login" | "share";
  /** Names the credential within this host; not a secret. */
  key: string;
  /** Aborted when the credential stops to count. The token's never is. */
  ended: AbortSignal;
  /** The one terminal or process that may be watched; nothing else may be done then. Undefined: everything may. */
  watch?: { target: string; expiresAt: number };
}
export interface Admitted {
  /** Undefined on public routes. */
  identity: Identity | undefined;
  /** Path and query, always beginning with a slash. */
  target: string;
  door: Door;
}
export type Verdict = ({ ok: true } & Admitted) | { ok: false; problem: Problem };

export interface Rules {
  token: string;
  cookieName: string;
  logins: Logins;
  shares: Shares;
  failures: Failures;
  /** `host[:port]` in lower case, as a Host header may say it; per door. */
  hosts: (door: Door) => ReadonlySet<string>;
  /** Whole origins a browser's page of ours may have, for a host that was accepted. */
  origins: (host: string) => readonly string[];
  isPublic: (method: string, path: string) => boolean;
  /** Page files may be opened by a link on another site; nothing else may be asked for from there. */
  isPage: (path: string) => boolean;
}

const NEVER = new AbortController().signal;
/** A credential in an address ends up in histories, Referer headers and other programs' logs. */
const CREDENTIAL_NAMES = new Set([
  "token",
  "access_token",
  "auth_token",
  "ticket",
  "secret",
  "authorization",
  "login",
  "watch",
]);

const refuse = (status: number, reason: string, detail: string, headers?: Record<string, string>): Verdict => ({
  ok: false,
  problem: { status, reason, detail, ...(headers === undefined ? {} : { headers }) },
});

/** Host, origin, address, credential, in this order. What a route asks for beyond (method, type, size) comes after. */
export function judge(inbound: Inbound, rules: Rules): Verdict {
  const headers = collect(inbound.rawHeaders);
  const host = headers.get("host") ?? [];
  if (host.length > 1) return refuse(400, "bad_request", "A request names one host, this one names several.");
  const name = (host[0] ?? "").toLowerCase();
  const target = originForm(inbound.target, name);
  if (target === undefined) return refuse(400, "bad_request", "The address in the request line is not of this host.");
  if (!rules.hosts(inbound.door).has(name))
    return refuse(421, "wrong_host", "This host does not go by that name: use the address that `hearth up` printed.");

  const path = target.split("?", 1)[0] ?? target;
  const origin = headers.get("origin") ?? [];
  if (origin.length > 1 || (origin.length === 1 && !rules.origins(name).includes(origin[0] ?? "")))
    return refuse(403, "wrong_origin", "Pages of other sites have no access.");
  const site = headers.get("sec-fetch-site")?.[0];
  if (site !== undefined && site !== "same-origin" && site !== "none" && !rules.isPage(path))
    return refuse(403, "wrong_origin", "Pages of other sites have no access.");

  if (hasCredential(target, rules.token))
    return refuse(400, "bad_request", "Credentials belong in a header, never in an address.");

  if (rules.isPublic(inbound.method, path)) return { ok: true, identity: undefined, target, door: inbound.door };
  const identity = identify(headers, rules);
  if (identity?.watch !== undefined && !mayWatch(inbound.method, path, identity.watch.target))
    return refuse(403, "forbidden", "This link shows one terminal, and can do nothing else.");
  if (identity) return { ok: true, identity, target, door: inbound.door };
  return unauthorized(rules.failures);
}

/** The same for whatever was wrong with a credential. The caller waits for `failures.delayed()` before it sends a 401. */
export function unauthorized(failures: Failures): Verdict & { ok: false } {
  const late = failures.note() === "too_many";
  const problem: Problem = late
    ? {
        status: errors.too_many.status,
        reason: "too_many",
        detail: "Too many attempts with a wrong credential: wait some seconds.",
        headers: { "retry-after": "5" },
      }
    : {
        status: errors.unauthorized.status,
        reason: "unauthorized",
        detail: "A token is needed (`hearth token` prints it), or a browser login (`hearth open`).",
        headers: { "www-authenticate": 'Bearer realm="hearth"' },
      };
  return { ok: false, problem };
}

function identify(headers: ReadonlyMap<string, string[]>, rules: Rules): Identity | undefined {
  const authorization = headers.get("authorization");
  if (authorization) {
    const bearer = authorization.length === 1 ? /^Bearer +(\S+)$/i.exec(authorization[0] ?? "")?.[1] : undefined;
    // Compared even where it is missing: the time does not tell which.
    return same(bearer ?? "", rules.token) ? { via: "token", key: "token", ended: NEVER } : undefined;
  }
  // Before the login: who opened a link to watch does not act by it, even where the browser could.
  const watching = headers.get(WATCH_HEADER)?.[0] ?? protocolsOf(headers).find((one) => one.startsWith(WATCH_PROTOCOL));
  if (watching !== undefined) {
    const share = rules.shares.verify(watching.replace(WATCH_PROTOCOL, ""));
    if (share === undefined) return undefined;
    const { key, ended, target, expiresAt } = share;
    return { via: "share", key, ended, watch: { target, expiresAt } };
  }
  const cookie = cookieOf(headers, rules.cookieName);
  const secret = headers.get(LOGIN_HEADER)?.[0] ?? protocolsOf(headers).find((one) => one.startsWith(LOGIN_PROTOCOL));
  if (cookie === undefined || secret === undefined) return undefined;
  const key = rules.logins.verify(cookie, secret.replace(LOGIN_PROTOCOL, ""));
  return key === undefined ? undefined : { via: "login", key, ended: rules.logins.ended(key) };
}

/** Ids need no escapes: another spelling of the address is another address. */
const mayWatch = (method: string, path: string, target: string): boolean =>
  method === "GET" && (path === "/api/watch" || path === `/api/terminals/${target}/socket`);

/** All values of each header, names in lower case: Node itself silently drops a second Host. */
function collect(raw: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const values = headers.get(name);
    if (values) values.push(raw[i + 1] ?? "");
    else headers.set(name, [raw[i + 1] ?? ""]);
  }
  return headers;
}

/** Path and query of a target. The absolute form is allowed only with the authority that the Host header names. */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith("/")) return target;
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  if (!absolute || absolute[1]?.toLowerCase() !== host) return undefined;
  const rest = absolute[2] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function hasCredential(target: string, token: string): boolean {
  if (token.length > 0 && target.includes(token)) return true;
  const query = target.indexOf("?");
  if (query === -1) return false;
  for (const name of new URLSearchParams(target.slice(query + 1)).keys())
    if (CREDENTIAL_NAMES.has(name.toLowerCase())) return true;
  return false;
}

function cookieOf(headers: ReadonlyMap<string, string[]>, name: string): string | undefined {
  for (const line of headers.get("cookie") ?? [])
    for (const pair of line.split(";")) {
      const at = pair.indexOf("=");
      if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
    }
  return undefined;
}

function protocolsOf(headers: ReadonlyMap<string, string[]>): string[] {
  return (headers.get("sec-websocket-protocol") ?? []).flatMap((line) => line.split(",").map((one) => one.trim()));
}
