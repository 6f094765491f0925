// What the address bar says: which session is open, or that a login ticket has just arrived.

export interface Route {
  /** The session to show; null: none chosen. */
  session: string | null;
  /** Its terminals have the whole page. */
  terminals: boolean;
  /** The tool call in it that is to be shown; null: none. */
  call: string | null;
  /** The board of all processes has the page. */
  board: boolean;
  /** The process on the board that is looked into; null: none. */
  process: string | null;
  /** The folder that is to be worked in, an absolute path; null: none is named. */
  folder: string | null;
  /** A one-time login ticket, which must leave the address bar before anything else happens. */
  ticket: string | null;
}

const ID = /^[\w.:-]{1,200}$/;
const LONGEST_PATH = 4096;
const TICKET = /^[\w.~-]{8,500}$/;

const nowhere: Route = {
  session: null,
  terminals: false,
  call: null,
  board: false,
  process: null,
  ...{ folder: null, ticket: null },
};

/**
 * Reads a location hash (`#/s/ses_…`, `#/s/ses_…/c/CALL`, `#/processes/proc_…`, `#/in/DIR`, `#ticket=…`). Anything else means "no
 * session", never an error.
 */
export function parseHash(hash: string): Route {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  if (text.startsWith("ticket=")) {
    const ticket = decoded(text.slice("ticket=".length).replace(/&dir=.*$/, ""));
    return { ...nowhere, ticket: ticket !== null && TICKET.test(ticket) ? ticket : null };
  }
  const board = /^\/processes(?:\/([^/?]+))?\/?$/.exec(text);
  if (board !== null) return { ...nowhere, board: true, process: idOf(board[1]) };
  const folder = /^\/in\/([^/?]+)$/.exec(text);
  if (folder !== null) return { ...nowhere, folder: folderOf(folder[1]) };
  const match = /^\/s\/([^/?]+)(?:(\/t)|\/c\/([^/?]+))?\/?$/.exec(text);
  const session = idOf(match?.[1]);
  if (session === null) return nowhere;
  return { ...nowhere, session, terminals: match?.[2] !== undefined, call: idOf(match?.[3]) };
}

function idOf(part: string | undefined): string | null {
  const id = part === undefined ? null : decoded(part);
  return id !== null && ID.test(id) ? id : null;
}

function folderOf(part: string | undefined): string | null {
  const folder = part === undefined ? null : decoded(part);
  if (!folder?.startsWith("/") || folder.length > LONGEST_PATH || folder.includes("\0")) return null;
  // A link on another site may name one: it is where it reads.
  return /\/\.\.?(?:\/|$)/.test(folder) ? null : folder;
}

/** The hash of the board, with a process looked into. */
export function boardHash(process: string | null = null): string {
  return process === null ? "#/processes" : `#/processes/${encodeURIComponent(process)}`;
}

/** The hash that shows where in a session a tool was called. */
export function callHash(session: string, call: string): string {
  return `${sessionHash(session)}/c/${encodeURIComponent(call)}`;
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
