// The way in: HTTP, server-sent events and WebSocket on one port and on the host's own socket, behind one admission.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { RequestListener, Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Logger } from "pino";
import { openFilesLimit } from "../keeper/open-files.ts";
import type { Door, Rules } from "./admission.ts";
import { Entrance, serverOptions } from "./entrance.ts";
import { Failures } from "./failures.ts";
import { MAX_UPLOAD_BYTES } from "./files.ts";
import { type Handlers, makeHandlers } from "./handlers.ts";
import { HostNames } from "./hosts.ts";
import { Logins } from "./logins.ts";
import { Meter } from "./meter.ts";
import { isPage } from "./pages.ts";
import { buildRouter, isPublicRoute, type Route, type Router } from "./routes.ts";
import type { Services } from "./services.ts";
import { Shares } from "./shares.ts";
import { MAX_WATCHERS, Sockets } from "./sockets.ts";
import { listenOn } from "./unix-socket.ts";

// An import of this module evaluates all it exports, a client of 4 MB among them (N10).
const { createServer } = process.getBuiltinModule("node:http");

export interface GatewaySettings {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Names beside loopback, `name` or `name:port`. */
  allowedHosts: readonly string[];
  /** The largest WebSocket message and HTTP body. */
  maxFrameBytes: number;
  /** The largest file that is taken into a workspace; 256 MiB unless said otherwise. */
  maxUploadBytes?: number;
  /** How many may watch by links, of all links together; 500 unless said otherwise. */
  maxWatchers?: number;
  /** Paths of PEM files. */
  tls?: { cert: string; key: string } | undefined;
}
export interface GatewayOptions {
  services: Services;
  settings: GatewaySettings;
  /** 256 random bits; whoever has it is the owner. */
  token: string;
  /** The built page. */
  webRoot: string;
  socketPath: string;
  log: Logger;
}

/** Time for goodbyes to arrive before sockets are cut: less than a stop may take in all (`shutdown.grace_s`, usually 1 s). */
const GOODBYE_MS = 500;

export class Gateway implements AsyncDisposable {
  readonly address: { host: string; port: number; url: string };
  /** Every route and upgrade, with what it asks for. */
  readonly routes: readonly Route[];
  readonly #logins: Logins;
  readonly #sockets: Sockets;
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(parts: {
    address: Gateway["address"];
    routes: readonly Route[];
    logins: Logins;
    sockets: Sockets;
    end: () => Promise<void>;
  }) {
    this.address = parts.address;
    this.routes = parts.routes;
    this.#logins = parts.logins;
    this.#sockets = parts.sockets;
    this.#end = parts.end;
  }

  /**
   * Serves until `close`. Throws the system's error when the port cannot be had (`EADDRINUSE`), and config_refused when
   * the socket's place is not safe.
   */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const { services, settings, token, webRoot, socketPath, log } = options;
    if (token.length < 32) throw new Error("The gateway needs a token of at least 32 characters");
    const { log: events } = services;
    const tls = settings.tls && {
      cert: await readFile(settings.tls.cert),
      key: await readFile(settings.tls.key),
    };
    const meter = new Meter();
    const failures = new Failures();
    const logins = await Logins.open(events);
    const shares = await Shares.open(events);
    const closing = new AbortController();
    let names: HostNames | undefined;
    let gateway: Gateway | undefined;
    const rules: Rules = {
      token,
      // Cookies know no ports: two hosts on one machine must not overwrite each other's.
      cookieName: `hearth_${events.logId.replaceAll(/[^\w]/g, "").slice(0, 12)}`,
      logins,
      shares,
      failures,
      hosts: (door) => names?.hosts(door) ?? new Set(),
      origins: (host) => names?.origins(host) ?? [],
      isPublic: (method, path) => (method === "GET" && isPage(path)) || isPublicRoute(method, path),
      isPage,
    };
    const handlers: Handlers = makeHandlers({
      services,
      mintTicket: () => {
        if (!gateway) throw new Error("asked for a ticket before the gateway was open");
        return gateway.mintTicket();
      },
      shares,
      address: () => gateway?.address.url ?? "",
    });
    const entrance = new Entrance({ rules, log, meter, openFiles: await openFilesLimit() });
    const { maxFrameBytes, maxWatchers = MAX_WATCHERS } = settings;
    const sockets = new Sockets({ services, handlers, log, meter, maxFrameBytes, maxWatchers });
    const make = (route: RequestListener, door: Door): Server => {
      const listener = entrance.listener(door, route);
      const secured = tls !== undefined && door === "tcp";
      const server = secured
        ? createTlsServer({ ...serverOptions, ...tls }, listener)
        : createServer(serverOptions, listener);
      entrance.guard(server, door, listener, sockets.accept);
      return server;
    };
    const router: Router = await buildRouter({
      ...{ services, handlers, logins, failures, entrance, meter, log, webRoot, socketPath },
      cookieName: rules.cookieName,
      maxBodyBytes: settings.maxFrameBytes,
      maxUploadBytes: settings.maxUploadBytes ?? MAX_UPLOAD_BYTES,
      secure: tls !== undefined,
      isListed: (host) => names?.isListed(host) ?? false,
      closing: closing.signal,
      upgrades: sockets.upgrades,
      roomFor: (identity) => sockets.roomFor(identity),
      gauges: () => ({
        hearth_clients: sockets.clients(),
        hearth_watchers: sockets.watchers(),
        hearth_turns_running: services.turns.busy(),
        hearth_processes_running: services.processes.running(),
        hearth_terminals_running: services.terminals.running(),
        process_resident_memory_bytes: process.memoryUsage.rss(),
        process_uptime_seconds: process.uptime(),
      }),
      server: (route) => make(route, "tcp"),
    });
    const local = make(router.route, "unix");

    // The socket first: it is what the next host looks for, and it fails for reasons a port never has.
    const place = await listenOn(local, socketPath);
    try {
      await router.app.listen({ host: settings.host, port: settings.port });
    } catch (error) {
      local.close();
      await place[Symbol.asyncDispose]();
      throw error;
    }
    const bound = router.app.server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : settings.port;
    names = new HostNames({ host: settings.host, port, allowed: settings.allowedHosts, tls: tls !== undefined });
    const shown = settings.host === "0.0.0.0" || settings.host === "::" ? "127.0.0.1" : settings.host;
    const url = `${tls ? "https" : "http"}://${shown.includes(":") ? `[${shown}]` : shown}:${port}`;

    const end = async () => {
      closing.abort();
      sockets.close();
      // Nobody new from here on, and those who are there have a moment to hear why, or what came of what they asked.
      const localGone = once(local, "close");
      local.close();
      router.app.server.close();
      const heard = Promise.all([sockets.allGone(), router.answered()]);
      await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, GOODBYE_MS))]);
      // Node's own way to cut all connections does not know those that were upgraded.
      sockets.cut();
      local.closeAllConnections();
      await router.app.close();
      await localGone;
      await place[Symbol.asyncDispose]();
      logins[Symbol.dispose]();
      shares[Symbol.dispose]();
    };
    gateway = new Gateway({ address: { host: settings.host, port, url }, routes: router.table, logins, sockets, end });
    return gateway;
  }

  /** Connected gateway clients. */
  clients(): number {
    return this.#sockets.clients();
  }

  /** Who watches by a link. */
  watchers(): number {
    return this.#sockets.watchers();
  }

  /** An address that logs a browser in, once, within ten minutes. The ticket is in the fragment, which no server sees. */
  mintTicket(): { ticket: string; url: string } {
    const ticket = this.#logins.mint();
    return { ticket, url: `${this.address.url}/#ticket=${ticket}` };
  }

  /** Says goodbye to all connections (1001) and stops listening. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
