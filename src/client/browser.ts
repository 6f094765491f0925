// What is special about a browser: the login by a one-time ticket, and sockets that carry the login's secret.
import { LOGIN_HEADER, LOGIN_PROTOCOL, PROTOCOL, WATCH_HEADER, WATCH_PROTOCOL } from "../protocol/credentials.ts";
import type { WebSocketLike } from "./client.ts";

/** The cookie alone opens nothing (cookies ignore ports): this secret is the other half, and only our own page reads it. */
const SECRET_KEY = "hearth.login";
/** These questions are small: a host that does not answer one by then is stuck, and so would be whoever waits for it. */
const PATIENCE_MS = 10_000;

function loginSecret(): string | null {
  return localStorage.getItem(SECRET_KEY);
}
export function loggedIn(): boolean {
  return loginSecret() !== null;
}

/**
 * Uses up the ticket in `location.hash` (`#ticket=…`), if there is one, and takes it out of the address; a folder that came
 * with it (`&dir=…`) stays there as `#/in/…`. Answers whether the page now has a login; `message` says why a ticket was
 * refused.
 */
export async function login(): Promise<{ ok: boolean; message?: string }> {
  const given = new URLSearchParams(location.hash.slice(1));
  const ticket = given.get("ticket");
  if (ticket === null) return { ok: loggedIn() };
  const dir = given.get("dir");
  const rest = dir === null ? "" : `#/in/${encodeURIComponent(dir)}`;
  history.replaceState(null, "", location.pathname + location.search + rest);
  const answer = await soon((signal) =>
    fetch("/api/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ticket }),
      signal,
    }),
  );
  const body = (await answer.json()) as { secret?: string; detail?: string };
  if (answer.ok && body.secret) {
    localStorage.setItem(SECRET_KEY, body.secret);
    return { ok: true };
  }
  // A ticket that was used already (a reload of the first address) does no harm to a login that works.
  return { ok: loggedIn(), message: body.detail ?? "The login was refused." };
}

/** `out`: the host does not know this login (any more); a new ticket is needed (`hearth open`). */
export async function checkLogin(): Promise<"in" | "out" | "unreachable"> {
  try {
    const answer = await soon((signal) =>
      authorizedFetch("/api/rpc", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "host.status", params: {} }),
        signal,
      }),
    );
    if (answer.status === 401) return "out";
    return answer.ok ? "in" : "unreachable";
  } catch {
    return "unreachable";
  }
}

export async function logout(): Promise<void> {
  await authorizedFetch("/api/logout", { method: "POST" });
  localStorage.removeItem(SECRET_KEY);
}

/** Throws an Error in words where no answer comes in time. */
async function soon(ask: (signal: AbortSignal) => Promise<Response>): Promise<Response> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await ask(late);
  } catch (cause) {
    if (!late.aborted) throw cause;
    const message = `nothing for ${PATIENCE_MS / 1000} s: it may be stuck, see \`hearth status\` where it runs`;
    throw new Error(message, { cause });
  }
}

/** `fetch` with the login's secret; for our own host's addresses only. */
export function authorizedFetch(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const secret = loginSecret();
  if (secret !== null) headers.set(LOGIN_HEADER, secret);
  return fetch(path, { ...init, headers });
}

/** For HearthClient's `open`. */
export function openGateway(): WebSocketLike {
  return openSocket("/api/ws");
}

/** For TerminalStream's `open`: output as text, with its secrets covered, and no screen. */
export function openText(id: string, from?: number): WebSocketLike {
  return openSocket(
    `/api/terminals/${encodeURIComponent(id)}/socket?text=1${from === undefined ? "" : `&from=${from}`}`,
  );
}

/** For TerminalStream's `open`. `id` of a terminal or a process. */
export function openTerminal(id: string, from?: number): WebSocketLike {
  return openSocket(`/api/terminals/${encodeURIComponent(id)}/socket${from === undefined ? "" : `?from=${from}`}`);
}

/** What a link to watch shows. */
export interface Watched {
  id: string;
  /** As people call it; null: only its id is known. */
  name: string | null;
  mode: "pipe" | "pty";
  expires_at: number;
}
/** A status where it shows nothing: 401 once the link is over, 404 once what it showed is gone. */
export async function watched(secret: string): Promise<Watched | { status: number }> {
  const answer = await soon((signal) => fetch("/api/watch", { headers: { [WATCH_HEADER]: secret }, signal }));
  return answer.ok ? ((await answer.json()) as Watched) : { status: answer.status };
}

/** For TerminalStream's `open`, by a link to watch and no other right that this browser may have. */
export function openWatched(secret: string, id: string, from?: number): WebSocketLike {
  const query = from === undefined ? "" : `?from=${from}`;
  return openSocket(`/api/terminals/${encodeURIComponent(id)}/socket${query}`, `${WATCH_PROTOCOL}${secret}`);
}

function openSocket(path: string, credential = loginCredential()): WebSocketLike {
  const protocols = credential === null ? [PROTOCOL] : [PROTOCOL, credential];
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`, protocols);
}

function loginCredential(): string | null {
  const secret = loginSecret();
  return secret === null ? null : `${LOGIN_PROTOCOL}${secret}`;
}
