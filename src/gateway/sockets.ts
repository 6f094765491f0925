// The WebSocket side of the gateway: which addresses can be upgraded, who is connected, and how all of them are ended.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import type { Drawn } from "../processes/attachment.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { PROTOCOL } from "../protocol/credentials.ts";
import { HostError } from "../protocol/errors.ts";
import type { Sign } from "../terminals/screen/messages.ts";
import type { Admitted, Identity } from "./admission.ts";
import { Cursor, checked } from "./checked.ts";
import { Connection } from "./connection.ts";
import { peerOf, refuseUpgrade } from "./entrance.ts";
import type { Handlers } from "./handlers.ts";
import { covered } from "./masked-spool.ts";
import type { Meter } from "./meter.ts";
import { attachmentOf } from "./output.ts";
import { type Problem, problemOf } from "./problem.ts";
import type { Services } from "./services.ts";
import { Readers } from "./terminal-frames.ts";
import { TerminalSocket } from "./terminal-socket.ts";

/** Open WebSockets: in all, and of one browser login or link (A30). */
const MAX_SOCKETS = 2_000;
const MAX_PER_LOGIN = 200;
/** Of all links together: strangers who watch leave room for those who work here. */
export const MAX_WATCHERS = 500;

export interface SocketsOptions {
  services: Services;
  handlers: Handlers;
  log: Logger;
  meter: Meter;
  maxFrameBytes: number;
  maxWatchers: number;
}
interface Arrival {
  request: IncomingMessage;
  admitted: Admitted;
  socket: Socket;
  peer: string;
  identity: Identity;
  query: URLSearchParams;
}
/** One address that can be upgraded; the router's table lists the same. */
interface Upgrade {
  readonly url: string;
  readonly pattern: RegExp;
  readonly serve: (ws: WebSocket, arrival: Arrival, id: string) => void;
}

export class Sockets {
  readonly #options: SocketsOptions;
  readonly #server: WebSocketServer;
  readonly #readers = new Readers();
  readonly #open = new Map<
    WebSocket,
    { gateway: boolean; watches: boolean; key: string; close: (code: number, reason: string) => void }
  >();
  readonly upgrades: readonly Upgrade[] = [
    { url: "/api/ws", pattern: /^\/api\/ws$/, serve: (ws, arrival) => this.#gateway(ws, arrival) },
    {
      url: "/api/terminals/:id/socket",
      pattern: /^\/api\/terminals\/([^/]+)\/socket$/,
      serve: (ws, arrival, id) => this.#terminal(ws, arrival, id),
    },
  ];

  constructor(options: SocketsOptions) {
    this.#options = options;
    const server = {
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.maxFrameBytes,
      clientTracking: false,
      // A client that names protocols gets ours back; the login's secret, which is among them, never.
      handleProtocols: (protocols: Set<string>): string | false => (protocols.has(PROTOCOL) ? PROTOCOL : false),
      // The library cuts off without a word whoever sends many pings at once: `Flood` counts them, and says why.
      maxPendingAutoPongs: 0,
    };
    this.#server = new WebSocketServer(server);
  }

  /** Connections of the gateway proper, terminals not counted. */
  clients(): number {
    let count = 0;
    for (const { gateway } of this.#open.values()) if (gateway) count++;
    return count;
  }

  /** Who watches by a link. */
  watchers(): number {
    let count = 0;
    for (const { watches } of this.#open.values()) if (watches) count++;
    return count;
  }

  /** Whether one more may come by this credential; else what it is told. */
  roomFor(identity: Identity | undefined): Problem | undefined {
    const { maxWatchers } = this.#options;
    if (identity?.watch !== undefined && this.watchers() >= maxWatchers)
      return limited(`${maxWatchers} watch by links already: try again when some have left.`);
    const of = [...this.#open.values()].filter(({ key }) => key === identity?.key).length;
    if (this.#open.size >= MAX_SOCKETS || (identity?.via !== "token" && of >= MAX_PER_LOGIN))
      return limited("Too many connections are open: close some first.");
    return undefined;
  }

  /** Takes over a socket that admission let through. */
  readonly accept = (request: IncomingMessage, socket: Socket, head: Buffer, admitted: Admitted): void => {
    const [path = "", query = ""] = admitted.target.split("?", 2);
    const found = this.#find(path);
    const problem = this.#problem(request, admitted, found !== undefined);
    if (problem !== undefined || found === undefined || admitted.identity === undefined) {
      refuseUpgrade(socket, problem ?? problemOf(new HostError("unauthorized", "A token is needed.")));
      return;
    }
    const arrival: Arrival = {
      request,
      admitted,
      socket,
      peer: peerOf(request, admitted.door),
      identity: admitted.identity,
      query: new URLSearchParams(query),
    };
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.#options.log.info(
        { peer: arrival.peer, url: found.upgrade.url, via: arrival.identity.via },
        "connection accepted",
      );
      this.#options.meter.count("hearth_connections_total", found.upgrade.url);
      found.upgrade.serve(ws, arrival, found.id);
    });
  };

  /** Says goodbye to all. */
  close(): void {
    for (const { close } of this.#open.values()) close(closeCodes.going_away, "the host stops: come back later");
    this.#server.close();
  }

  /** Resolves once the last one is gone, however it goes. */
  async allGone(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((ws) => new Promise((resolve) => ws.once("close", resolve))));
  }

  /** Ends those who have not taken the goodbye. */
  cut(): void {
    for (const ws of this.#open.keys()) ws.terminate();
  }

  #find(path: string): { upgrade: Upgrade; id: string } | undefined {
    for (const upgrade of this.upgrades) {
      const match = upgrade.pattern.exec(path);
      if (match) return { upgrade, id: match[1] ?? "" };
    }
    return undefined;
  }

  #problem(request: IncomingMessage, { identity }: Admitted, known: boolean): Problem | undefined {
    if (!known) return { status: 404, reason: "not_found", detail: "Nothing can be upgraded at this address." };
    if (request.method !== "GET")
      return { status: 405, reason: "method_not_allowed", detail: "An upgrade is a GET.", headers: { allow: "GET" } };
    return this.roomFor(identity);
  }

  #gateway(ws: WebSocket, { socket, peer, identity, admitted }: Arrival): void {
    const { services, handlers, log, meter } = this.#options;
    const door = admitted.door;
    const connection = new Connection(ws, {
      services,
      handlers,
      log,
      meter,
      socket,
      peer,
      door,
      loginEnded: identity.ended,
    });
    this.#track(ws, identity, true, (code, reason) => connection.close(code, reason));
  }

  #terminal(ws: WebSocket, { socket, peer, identity, query }: Arrival, rawId: string): void {
    const { services, log, meter } = this.#options;
    this.#track(ws, identity, false, (code, reason) => ws.close(code, reason));
    try {
      const id = decodeURIComponent(rawId);
      const from = query.has("from") ? checked(Cursor, query.get("from")) : undefined;
      const raw = attachmentOf(services, id);
      // Who only watches, and whoever asks for text, gets what is no screen with its secrets covered.
      const asText = query.get("text") === "1" || (identity.watch !== undefined && raw.mode === "pipe");
      const attachment = asText ? covered(raw, services.redactor) : raw;
      const borrowed = this.#readers.borrow(asText ? `${id} as text` : id, attachment);
      ws.once("close", () => borrowed[Symbol.dispose]());
      const { shared } = borrowed;
      const snapshot = (drawn: Drawn, budget: number) => services.terminals.snapshot(drawn, budget);
      const options = {
        socket,
        attachment,
        shared,
        snapshot,
        // As a snapshot, it shows secrets as they are: who gets them covered gets neither.
        watch: asText ? undefined : (watcher: (sign: Sign) => void) => services.terminals.watch(id, watcher),
        from,
        log,
        meter,
        peer,
        id,
        loginEnded: identity.ended,
        watchOnly: identity.watch !== undefined,
      };
      const viewer = new TerminalSocket(ws, options);
      this.#track(ws, identity, false, (code, reason) => viewer.close(code, reason));
      void viewer.run();
    } catch (thrown) {
      // After the upgrade, so that a browser learns why: it hides the status of a refused one.
      const { reason, detail } = problemOf(
        thrown instanceof URIError ? new HostError("process_not_found", "No such id.") : thrown,
      );
      ws.on("error", () => ws.terminate());
      ws.send(JSON.stringify({ type: "error", reason, message: detail }));
      ws.close(closeCodes.not_found, reason);
    }
  }

  #track(
    ws: WebSocket,
    { key, watch }: Identity,
    gateway: boolean,
    close: (code: number, reason: string) => void,
  ): void {
    if (!this.#open.has(ws)) ws.once("close", () => this.#open.delete(ws));
    this.#open.set(ws, { gateway, watches: watch !== undefined, key, close });
  }
}

const limited = (detail: string): Problem => ({ status: 429, reason: "connection_limit", detail });
