// What the address bar says: which session is open, or that a login ticket has just arrived.

export interface Route {
  /** The session to show; null: none chosen. */
  session: string | null;
  /** Its terminals have the whole page. */
  terminals: boolean;
  /** A one-time login ticket, which must leave the address bar before anything else happens. */
  ticket: string | null;
}

const SESSION_ID = /^[\w.:-]{1,200}$/;
const TICKET = /^[\w.~-]{8,500}$/;

/** Reads a location hash (`#/s/ses_…`, `#ticket=…`). Anything else means "no session", never an error. */
export function parseHash(hash: string): Route {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  if (text.startsWith("ticket=")) {
    const ticket = decoded(text.slice("ticket=".length));
    return { session: null, terminals: false, ticket: ticket !== null && TICKET.test(ticket) ? ticket : null };
  }
  const match = /^\/s\/([^/?]+)(\/t)?\/?$/.exec(text);
  const session = match?.[1] === undefined ? null : decoded(match[1]);
  if (session === null || !SESSION_ID.test(session)) return { session: null, terminals: false, ticket: null };
  return { session, terminals: match?.[2] !== undefined, ticket: null };
}

/** The hash that shows a session (or its terminals alone), or with null the empty page. */
export function sessionHash(session: string | null, terminals = false): string {
  return session === null ? "#/" : `#/s/${encodeURIComponent(session)}${terminals ? "/t" : ""}`;
}

/** The ticket in what a person pasted: a whole link, a fragment, or the bare ticket. Null if there is none. */
export function pastedTicket(text: string): string | null {
  const trimmed = text.trim();
  const at = trimmed.indexOf("#ticket=");
  if (at >= 0) return parseHash(trimmed.slice(at)).ticket;
  return TICKET.test(trimmed) ? trimmed : null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
