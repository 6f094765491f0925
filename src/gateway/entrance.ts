// The two servers (TCP and Unix socket) before any route: every request and every upgrade goes through admission here.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type Admitted, type Door, judge, type Rules } from "./admission.ts";
import { Audit } from "./audit.ts";
import { leavesRoom } from "./descriptors.ts";
import type { Meter } from "./meter.ts";
import { PROBLEM_TYPE, type Problem, problemBody } from "./problem.ts";

/** Socket limits: the first of all checks (F32). A stream's own life is not limited by them. */
export const serverOptions = {
  headersTimeout: 10_000,
  // Node knows one limit for all requests: a file may take longer, everything else has `BODY_MS`.
  requestTimeout: 0,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 10_000,
  maxHeaderSize: 16 * 1024,
  // A peer that vanished without a word is noticed by the kernel where no ping of ours asks.
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  // Others (h2c, say) are answered as if they had not asked for one.
  shouldUpgradeCallback: (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket",
};
/** A request that is no file has to be there whole within this. */
const BODY_MS = 30_000;
/** All open sockets of one server; past it a new one is closed before it says anything. */
const MAX_SOCKETS = 4_000;

export type OnUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer, admitted: Admitted) => void;

export class Entrance {
  readonly #rules: Rules;
  /** Shared with the login, which refuses too. */
  readonly audit: Audit;
  readonly #meter: Meter;
  readonly #openFiles: number | undefined;
  /** What they ask for all the same has been answered already. */
  readonly #turnedAway = new WeakSet<Socket>();
  readonly #admitted = new WeakMap<IncomingMessage, Admitted>();

  /** `openFiles`: how many this process may have, sockets included. */
  constructor(options: { rules: Rules; log: Logger; meter: Meter; openFiles: number | undefined }) {
    this.#openFiles = options.openFiles;
    this.#rules = options.rules;
    this.audit = new Audit(options.log);
    this.#meter = options.meter;
  }

  /** What admission found; undefined for a request that never went through it. */
  of(request: IncomingMessage): Admitted | undefined {
    return this.#admitted.get(request);
  }

  /** For the server's constructor: `route` sees admitted requests only. */
  listener(door: Door, route: RequestListener): RequestListener {
    return (request, response) => {
      if (this.#turnedAway.has(request.socket)) return;
      const verdict = this.#judge(request, door);
      if (!verdict.ok) {
        void this.#refuse(request, door, verdict.problem).then(() => respond(response, verdict.problem));
        return;
      }
      // Whoever asks before sending a body is told to go on here, and not by Node before anything was looked at.
      if (expectsContinue(request)) response.writeContinue();
      request.url = verdict.target;
      if (hasBody(request) && !isUpload(request.method, request.url)) limitBody(request, response);
      route(request, response);
    };
  }

  /** What comes by other ways than a plain request: upgrades, expectations, malformed requests; and the limit of sockets. */
  guard(server: Server, door: Door, listener: RequestListener, onUpgrade: OnUpgrade): void {
    server.maxConnections = MAX_SOCKETS;
    // Before Node's own listener, which would begin to read.
    server.prependListener("connection", (socket: Socket) => this.#refuseIfFull(server, door, socket));
    for (const expectation of ["checkContinue", "checkExpectation"] as const) server.on(expectation, listener);
    server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      const socket = stream as Socket;
      if (this.#turnedAway.has(socket)) return;
      // Between here and its new owner nobody else would hear of a reset.
      socket.on("error", () => socket.destroy());
      const verdict = this.#judge(request, door);
      if (!verdict.ok) {
        void this.#refuse(request, door, verdict.problem).then(() => refuseUpgrade(socket, verdict.problem));
        return;
      }
      request.url = verdict.target;
      onUpgrade(request, socket, head, verdict);
    });
    server.on("clientError", (error: Error & { code?: string }, stream: Duplex) => {
      const [status, detail] = clientErrors[error.code ?? ""] ?? [400, "This is not a request that can be read."];
      this.#meter.count("hearth_refused_total", String(status));
      if (!stream.writable || (error.code ?? "") === "ECONNRESET") stream.destroy();
      else refuseUpgrade(stream, { status, reason: "bad_request", detail });
    });
  }

  /** Said rather than dropped, which is what Node does with a connection for which it has no descriptor left (F24). */
  #refuseIfFull(server: Server, door: Door, socket: Socket): void {
    if (leavesRoom(socket, this.#openFiles, door === "unix")) return;
    this.#meter.count("hearth_refused_total", "503");
    this.audit.refused({ status: 503, reason: "no_descriptors", peer: peerOf({ socket }, door), door });
    this.#turnedAway.add(socket);
    socket.on("error", () => socket.destroy());
    // Over TLS nothing can be said before a handshake, for which there is no room.
    if ("setSecureContext" in server) socket.destroy();
    else refuseUpgrade(socket, NO_ROOM);
  }

  #judge(request: IncomingMessage, door: Door) {
    const { method = "GET", url: target = "/", rawHeaders } = request;
    const verdict = judge({ method, target, rawHeaders, door }, this.#rules);
    if (verdict.ok) this.#admitted.set(request, verdict);
    return verdict;
  }

  /** One line for the audit, and the delay that a wrong credential earns. */
  async #refuse(request: IncomingMessage, door: Door, { status, reason }: Problem): Promise<void> {
    this.#meter.count("hearth_refused_total", String(status));
    const peer = peerOf(request, door);
    // The path without its query; cut, since it is anybody's text; and a token in it is still a token.
    const path = (request.url ?? "").split("?", 1)[0]?.replaceAll(this.#rules.token, "[token]").slice(0, 200);
    this.audit.refused({ status, reason, peer, door, method: request.method, path });
    if (status === 401) await this.#rules.failures.delayed();
  }
}

const NO_ROOM: Problem = {
  status: 503,
  reason: "too_many",
  detail: "This host has no room for more connections: close some, or raise its limit of open files.",
  headers: { "retry-after": "1" },
};
const clientErrors: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The headers are too long."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request took too long to arrive."],
};

/** As Node tells one from the other; it answers HTTP/1.0 with neither. */
const expectsContinue = ({ headers, httpVersion }: IncomingMessage): boolean =>
  httpVersion === "1.1" && /(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect ?? "");

/** Who is at the other end, for the log: `unix`, or address and port. */
export function peerOf(request: { socket: Socket }, door: Door): string {
  return door === "unix" ? "unix" : `${request.socket.remoteAddress ?? "?"}:${request.socket.remotePort ?? "?"}`;
}

/** The one address whose bodies are as large as files, and have a patience of their own. */
const isUpload = (method: string | undefined, target: string | undefined): boolean =>
  method === "PUT" && /^\/api\/sessions\/[^/]+\/files\?/.test(target ?? "");
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";

/** Ends a request whose body does not arrive (F32). */
function limitBody(request: IncomingMessage, response: ServerResponse): void {
  const late = setTimeout(() => {
    if (request.complete) return;
    if (response.headersSent) request.socket.destroy();
    else
      respond(response, { status: 408, reason: "timeout", detail: "The body did not arrive in time: send it again." });
  }, BODY_MS).unref();
  request.once("close", () => clearTimeout(late));
}

/** Answers with a problem document, and ends the response. */
export function respond(response: ServerResponse, problem: Problem): void {
  const body = problemBody(problem);
  response.writeHead(problem.status, headersOf(problem, body));
  response.end(body);
}

/** An answer on a socket that no response object belongs to. */
export function refuseUpgrade(socket: Duplex, problem: Problem): void {
  if (!socket.writable) return void socket.destroy();
  const body = problemBody(problem);
  const lines = Object.entries(headersOf(problem, body)).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${problem.status} Refused\r\n${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

function headersOf(problem: Problem, body: string): Record<string, string> {
  return {
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // What else was on its way is not read.
    connection: "close",
    ...problem.headers,
  };
}
