// What is special about Node: sockets over the host's Unix socket or TCP, with the token as a header.
import { connect } from "node:net";
import { WebSocket } from "ws";
import { PROTOCOL } from "../protocol/credentials.ts";
import type { WebSocketLike } from "./client.ts";

export type Where = ({ socketPath: string } | { url: string }) & { token: string };

/** For HearthClient's `open`: `new HearthClient({ open: () => openGateway({ socketPath, token }) })`. */
export function openGateway(where: Where): WebSocketLike {
  return openSocket(where, "/api/ws");
}

/** For TerminalStream's `open`. `id` of a terminal or a process. */
export function openTerminal(where: Where, id: string, from?: number): WebSocketLike {
  return openSocket(
    where,
    `/api/terminals/${encodeURIComponent(id)}/socket${from === undefined ? "" : `?from=${from}`}`,
  );
}

function openSocket(where: Where, path: string): WebSocketLike {
  const options = {
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
    handshakeTimeout: 10_000,
    headers: { authorization: `Bearer ${where.token}` },
  };
  if ("socketPath" in where) {
    // `ws` drops an option `socketPath`, and its `ws+unix:` addresses cannot hold a path with a colon.
    const createConnection = () => connect(where.socketPath);
    return new WebSocket(`ws://localhost${path}`, [PROTOCOL], { ...options, createConnection });
  }
  return new WebSocket(new URL(path, where.url.replace(/^http/, "ws")), [PROTOCOL], options);
}
