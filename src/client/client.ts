// A client of the host, for browsers and Node alike: calls, and followed sessions that survive every reconnect.

import { CANCEL_METHOD } from "../protocol/cancel.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { errors, type WireError } from "../protocol/errors.ts";
import type { EventParams } from "../protocol/events.ts";
import type { Ready } from "../protocol/frames.ts";
import type { Method, Params, Result } from "../protocol/methods.ts";

/** What a browser's WebSocket and the one of `ws` have in common. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { code: number; reason: string }) => void): void;
}
export type ClientState = "connecting" | "ready" | "closed";
/** With `ready`: what the host said of itself. With `closed`: why, and whether another attempt will be made. */
export type StateDetail = { ready: Ready } | { code: number; reason: string; again: boolean };

/** The host's answer was an error, or there was no answer (`reason` is `disconnected` then: it may have been done). */
export class RpcError extends Error {
  readonly reason: string;
  readonly status: number;
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(error: { code: number; message: string; data?: Partial<WireError["data"]> }) {
    super(error.message);
    this.name = "RpcError";
    this.code = error.code;
    this.reason = error.data?.reason ?? "internal";
    this.status = error.data?.status ?? errors.internal.status;
    this.data = error.data ?? {};
  }
}
class Disconnected extends RpcError {
  constructor(message: string) {
    super({ code: 0, message });
    Object.assign(this, { reason: "disconnected", status: 503 });
  }
}

export interface FollowOptions {
  /** The host has another log, or its log is shorter than `after`: forget what you know, everything comes from 0. */
  onReset?: () => void;
  /** The session cannot be followed (it was deleted, say). Nothing more will come. */
  onError?: (error: RpcError) => void;
}
interface Follower {
  last: number;
  /** False until the host has answered our `session.resume`: what arrives before belongs to an older subscription. */
  attached: boolean;
  readonly listener: (event: EventParams) => void;
  readonly options: FollowOptions;
}
interface Call {
  readonly frame: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly settled: () => void;
}

const OPEN = 1;
const FIRST_DELAY_MS = 200;
const LAST_DELAY_MS = 5_000;
const READY_WITHIN_MS = 15_000;
/** A connection that dies silently (a sleeping laptop) is noticed by a question nobody answers. */
const QUIET_MS = 30_000;
const ANSWER_WITHIN_MS = 15_000;
/** Calls that wait for an answer or a connection; past it a call fails at once. */
const MAX_CALLS = 1_000;

export interface ClientOptions {
  open: () => WebSocketLike;
  onState?: (state: ClientState, detail?: StateDetail) => void;
  /** Default true: tries again for ever, 0.2 to 5 s apart, jittered. */
  reconnect?: boolean;
}

export class HearthClient {
  readonly #options: ClientOptions;
  readonly #calls = new Map<number, Call>();
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #hostListeners = new Set<(event: EventParams) => void>();
  #socket: WebSocketLike | undefined;
  #ready: Ready | undefined;
  #logId: string | undefined;
  #nextId = 1;
  #attempts = 0;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#connect();
  }

  /** What the host said of itself on the connection of now; undefined while there is none. */
  get ready(): Ready | undefined {
    return this.#ready;
  }

  /**
   * Calls a method. While there is no connection the call waits for one. Throws RpcError; with an aborted `signal` the
   * signal's reason (the host is told to cancel).
   */
  call<M extends Method>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    signal?.throwIfAborted();
    if (this.#closed) return Promise.reject(new Disconnected("This client is closed."));
    if (this.#calls.size >= MAX_CALLS)
      return Promise.reject(new Disconnected("Too many calls wait for the host: try again when some are answered."));
    return new Promise<Result<M>>((resolve, reject) => {
      const settled = () => signal?.removeEventListener("abort", onAbort);
      const id = this.#ask(method, params, { resolve: (value) => resolve(value as Result<M>), reject, settled });
      const onAbort = () => {
        if (!this.#calls.delete(id)) return;
        if (this.#ready) this.#send(JSON.stringify({ jsonrpc: "2.0", method: CANCEL_METHOD, params: { id } }));
        reject(signal?.reason instanceof Error ? signal.reason : new Error("cancelled"));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Every event of a session after number `after`, each once, in order, over any number of reconnects. The listener must
   * not throw.
   */
  follow(
    sessionId: string,
    after: number,
    listener: (event: EventParams) => void,
    options: FollowOptions = {},
  ): Disposable {
    const follower: Follower = { last: after, attached: false, listener, options };
    const followers = this.#followers.get(sessionId) ?? new Set();
    this.#followers.set(sessionId, followers.add(follower));
    if (this.#ready) this.#attach(sessionId);
    const stop = () => {
      if (!followers.delete(follower) || followers.size > 0) return;
      this.#followers.delete(sessionId);
      this.#detach(sessionId);
    };
    return { [Symbol.dispose]: stop };
  }

  /**
   * Events of the `host` stream from now on. What came while disconnected is not repeated: read the lists again whenever
   * the state becomes `ready`.
   */
  onHost(listener: (event: EventParams) => void): Disposable {
    this.#hostListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#hostListeners.delete(listener) };
  }

  /** Ends the connection for good; open calls fail as `disconnected`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket) this.#lost(socket, 1000, "closed by us");
    socket?.close(1000);
    this.#failAll("This client was closed.");
  }

  /** Sends a request now or as soon as there is a connection. What is to be done with the answer is done at once. */
  #ask(method: Method, params: unknown, then: Omit<Call, "frame">): number {
    const id = this.#nextId++;
    const frame = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    this.#calls.set(id, { frame, ...then });
    if (this.#ready) this.#send(frame);
    return id;
  }

  #connect(): void {
    this.#options.onState?.("connecting");
    let socket: WebSocketLike;
    try {
      socket = this.#options.open();
    } catch (thrown) {
      this.#again(1006, thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    this.#socket = socket;
    this.#expect(socket, READY_WITHIN_MS);
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket && typeof data === "string") this.#receive(socket, data);
    });
    socket.addEventListener("close", ({ code, reason }) => this.#lost(socket, code, reason));
    socket.addEventListener("error", () => {
      // A close always follows, with the code; without a listener `ws` would throw here.
    });
  }

  #receive(socket: WebSocketLike, text: string): void {
    this.#expectLater(socket);
    const frame = JSON.parse(text) as {
      id?: number | null;
      method?: string;
      params?: EventParams;
      result?: unknown;
      error?: WireError;
    };
    if (frame.method === "event" && frame.params) {
      if (frame.params.type === "gateway.ready") this.#welcome(frame.params.payload as Ready);
      else this.#event(frame.params);
      return;
    }
    if (typeof frame.id !== "number") return;
    const call = this.#calls.get(frame.id);
    if (!call || !this.#calls.delete(frame.id)) return;
    call.settled();
    if (frame.error) call.reject(new RpcError(frame.error));
    else call.resolve(frame.result);
  }

  #welcome(ready: Ready): void {
    const otherLog = this.#logId !== undefined && this.#logId !== ready.log_id;
    this.#ready = ready;
    this.#logId = ready.log_id;
    this.#attempts = 0;
    if (otherLog) for (const followers of this.#followers.values()) for (const follower of followers) reset(follower);
    for (const call of this.#calls.values()) this.#send(call.frame);
    for (const sessionId of this.#followers.keys()) this.#attach(sessionId);
    this.#options.onState?.("ready", { ready });
  }

  /** One subscription serves all followers of a session: it starts where the one furthest behind is. */
  #attach(sessionId: string): void {
    const followers = [...(this.#followers.get(sessionId) ?? [])];
    if (followers.length === 0) return;
    const after = Math.min(...followers.map((follower) => follower.last));
    for (const follower of followers) follower.attached = false;
    const connection = this.#ready;
    // Not by a promise: events may stand right behind the answer, and a promise would tell us too late.
    this.#ask(
      "session.resume",
      { session_id: sessionId, after },
      {
        settled: () => undefined,
        resolve: (result) => {
          if (connection !== this.#ready) return;
          const { seq } = result as Result<"session.resume">;
          const stale = followers.filter((follower) => follower.last > seq);
          for (const follower of followers) follower.attached = true;
          // All of them left while the host was being asked.
          if (!this.#followers.has(sessionId)) this.#detach(sessionId);
          if (stale.length > 0) this.#startOver(sessionId, stale);
        },
        reject: (error) => {
          if (connection !== this.#ready || !(error instanceof RpcError)) return;
          if (error.reason === "disconnected") return; // the next `ready` attaches again
          if (error.reason === "cursor_gone" && after > 0) {
            this.#startOver(sessionId, followers);
            return;
          }
          for (const follower of followers) {
            this.#followers.get(sessionId)?.delete(follower);
            follower.options.onError?.(error);
          }
        },
      },
    );
  }

  #detach(sessionId: string): void {
    if (!this.#ready) return;
    this.#send(JSON.stringify({ jsonrpc: "2.0", method: "session.close", params: { session_id: sessionId } }));
  }

  #startOver(sessionId: string, followers: readonly Follower[]): void {
    for (const follower of followers) reset(follower);
    this.#attach(sessionId);
  }

  #event(event: EventParams): void {
    if (event.session_id === undefined) {
      for (const listener of this.#hostListeners) listener(event);
      return;
    }
    const seq = event.seq ?? 0;
    for (const follower of this.#followers.get(event.session_id) ?? []) {
      if (!follower.attached || seq <= follower.last) continue;
      if (seq > follower.last + 1) {
        // Numbers are dense: something was missed. Asking again costs a page; going on would lose it for ever.
        this.#attach(event.session_id);
        return;
      }
      follower.last = seq;
      follower.listener(event);
    }
  }

  #send(frame: string): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(frame);
  }

  #lost(socket: WebSocketLike, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    const wasReady = this.#ready !== undefined;
    this.#socket = undefined;
    this.#ready = undefined;
    clearTimeout(this.#watch);
    // What was sent may have been done; only the caller can know whether doing it twice is harmless.
    if (wasReady) this.#failAll("The connection to the host ended before its answer came: look before you try again.");
    this.#again(code, reason);
  }

  #again(code: number, reason: string): void {
    const again = !this.#closed && this.#options.reconnect !== false && code !== closeCodes.login_over;
    this.#options.onState?.("closed", { code, reason, again });
    if (!again || this.#closed) {
      this.#closed = true;
      this.#failAll(`The host cannot be reached (${reason || code}).`);
      return;
    }
    const ceiling = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#attempts++, 10));
    // Half of it at random, so that a thousand clients of a restarted host do not come back in one moment.
    this.#retry = setTimeout(() => this.#connect(), ceiling / 2 + Math.random() * (ceiling / 2));
  }

  #failAll(message: string): void {
    for (const call of this.#calls.values()) {
      call.settled();
      call.reject(new Disconnected(message));
    }
    this.#calls.clear();
  }

  /** Gives the connection up if nothing at all arrives in time. */
  #expect(socket: WebSocketLike, withinMs: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (socket !== this.#socket) return;
      this.#lost(socket, 1006, "no answer");
      socket.close();
    }, withinMs);
    unref(this.#watch);
  }

  #expectLater(socket: WebSocketLike): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (socket !== this.#socket) return;
      this.#expect(socket, ANSWER_WITHIN_MS);
      // A cancel of nothing: the smallest question that every host answers.
      this.#send(JSON.stringify({ jsonrpc: "2.0", id: this.#nextId++, method: CANCEL_METHOD, params: { id: null } }));
    }, QUIET_MS);
    unref(this.#watch);
  }
}

function reset(follower: Follower): void {
  follower.last = 0;
  follower.attached = false;
  follower.options.onReset?.();
}

/** A watch alone never keeps a Node program running. */
export function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function")
    timer.unref();
}
