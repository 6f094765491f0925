// One WebSocket of the gateway: a dialogue, and the streams it follows, pulled from the log as fast as its peer reads.
import type { Socket } from "node:net";
import type { Logger } from "pino";
import type { RawData, WebSocket } from "ws";
import { closeCodes } from "../protocol/close-codes.ts";
import { HostError } from "../protocol/errors.ts";
import { HOST_STREAM, sessionStream } from "../protocol/events.ts";
import type { Ready } from "../protocol/frames.ts";
import { Dialogue, type DialogueOptions } from "./dialogue.ts";
import { Flood } from "./flood.ts";
import { eventFrame } from "./frames.ts";
import type { Subscriber } from "./handlers.ts";
import { keepAlive } from "./keep-alive.ts";
import { Outflow } from "./outflow.ts";
import type { Services } from "./services.ts";

/** Those that are asked for at the same time are looked at one by one: there may be as many more as requests may be open. */
const MAX_FOLLOWED = 200;
const STALLED =
  "The disk that holds the conversation is full: the turn waits. Free some space, and it goes on by itself.";
/** Time for a close frame to arrive before the socket is cut. */
const CLOSE_MS = 1_000;

export interface ConnectionOptions extends Omit<DialogueOptions, "subscriber" | "onFailure" | "onUseless"> {
  socket: Socket;
  services: Services;
  log: Logger;
  peer: string;
  /** Aborted when the login behind it ends. */
  loginEnded: AbortSignal;
}

export class Connection implements Subscriber {
  readonly #ws: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #dialogue: Dialogue;
  readonly #outflow: Outflow;
  readonly #gone = new AbortController();
  readonly #stalls: Disposable;
  /** By stream. */
  readonly #followed = new Map<string, AbortController>();
  #reason = "closed by the client";
  #failedSends = 0;

  constructor(ws: WebSocket, options: ConnectionOptions) {
    this.#ws = ws;
    this.#options = options;
    const { log, peer, socket, meter } = options;
    const flood = new Flood((reason) => {
      if (this.#gone.signal.aborted) return;
      meter.count("hearth_given_up_total", "flood");
      this.close(closeCodes.flood, reason);
    });
    this.#dialogue = new Dialogue({
      ...options,
      subscriber: this,
      onUseless: flood.count,
      onFailure: (method, err) => log.error({ peer, method, err }, "a handler failed"),
    });
    this.#outflow = new Outflow({
      socket,
      waiting: () => ws.bufferedAmount,
      pause: () => ws.pause(),
      resume: () => ws.resume(),
      onStuck: () => {
        meter.count("hearth_given_up_total", "websocket");
        this.close(closeCodes.too_slow, "nothing was read for 10 s: come back and read on");
      },
    });
    ws.on("message", (data, isBinary) => this.#receive(data, isBinary));
    ws.on("error", (error: Error & { code?: string }) => {
      // ws has sent the close frame that fits (1002, 1007, 1009); a reset has none.
      this.#reason = error.code ?? error.name;
    });
    // Answers to a flood of pings pile up like any other output.
    ws.on("ping", () => {
      this.#outflow.wrote();
      flood.count();
    });
    ws.once("close", (code) => this.#ended(code));
    keepAlive(ws, () => {
      this.#reason = "no answer to pings";
    });
    this.#stalls = options.services.turns.onStalled((session_id, stalled) => this.#stalled(session_id, stalled));
    options.loginEnded.addEventListener("abort", this.#loginEnded);
    if (options.loginEnded.aborted) this.#loginEnded();
    void this.#welcome();
  }

  /** Ends it with a code and a sentence; cut if the peer does not even take that. */
  close(code: number, reason: string): void {
    this.#reason = reason;
    this.#gone.abort();
    if (this.#ws.isPaused) this.#ws.resume();
    this.#ws.close(code, reason);
    setTimeout(() => this.#ws.terminate(), CLOSE_MS).unref();
  }

  mayFollow(sessionId?: string): void {
    if (sessionId !== undefined && this.#followed.has(sessionStream(sessionId))) return;
    if (this.#followed.size < MAX_FOLLOWED) return;
    throw new HostError("too_many", `A connection follows at most ${MAX_FOLLOWED} sessions: close some first.`);
  }

  follow(sessionId: string, after: number): void {
    this.#follow(sessionStream(sessionId), after);
  }

  unfollow(sessionId: string): boolean {
    const stream = sessionStream(sessionId);
    this.#followed.get(stream)?.abort();
    return this.#followed.delete(stream);
  }

  async #welcome(): Promise<void> {
    const { services, log, peer } = this.#options;
    try {
      const seq = await services.log.head(HOST_STREAM);
      const payload: Ready = {
        skin: { name: "hearth" },
        log_id: services.log.logId,
        build: services.host.build,
        host_seq: seq,
      };
      this.#send(JSON.stringify({ jsonrpc: "2.0", method: "event", params: { type: "gateway.ready", payload } }));
      this.#follow(HOST_STREAM, seq);
    } catch (err) {
      log.error({ peer, err }, "the first frame failed");
      this.close(closeCodes.internal, "the host's log cannot be read");
    }
  }

  /** Not an event of the log: the disk that it would be kept on is full. */
  #stalled(session_id: string, stalled: boolean): void {
    if (!this.#followed.has(sessionStream(session_id))) return;
    const message = stalled ? STALLED : "There is room on the disk again: the turn goes on.";
    const params = { type: "turn.stalled", payload: { session_id, stalled, message } };
    this.#send(JSON.stringify({ jsonrpc: "2.0", method: "event", params }));
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (isBinary || this.#gone.signal.aborted) {
      if (isBinary) this.close(closeCodes.wrong_kind, "only text frames here");
      return;
    }
    void this.#answer(String(data));
  }

  async #answer(text: string): Promise<void> {
    const reply = await this.#dialogue.receive(text);
    if (!reply || this.#gone.signal.aborted) return;
    this.#send(reply.text);
    reply.sent();
  }

  #follow(stream: string, after: number): void {
    if (this.#gone.signal.aborted) return;
    this.#followed.get(stream)?.abort();
    const end = new AbortController();
    this.#followed.set(stream, end);
    void this.#pull(stream, after, end);
  }

  async #pull(stream: string, after: number, end: AbortController): Promise<void> {
    const { services, log, peer } = this.#options;
    const { signal } = end;
    try {
      for await (const page of services.log.follow(stream, after, signal)) {
        // One packet for a page, not one for each of its events.
        this.#options.socket.cork();
        for (const event of page) if (!signal.aborted) this.#send(eventFrame(stream, event));
        this.#options.socket.uncork();
        await this.#outflow.room(signal);
      }
    } catch (err) {
      // A session that was deleted under its followers ends like this; so does the log at the host's end.
      log.debug({ peer, stream, err }, "a subscription ended");
    }
    if (this.#followed.get(stream) === end) this.#followed.delete(stream);
  }

  #send(frame: string | Buffer): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.send(frame, { binary: false }, (error) => {
      if (error) this.#failedSends++;
    });
    this.#outflow.wrote();
  }

  readonly #loginEnded = (): void => this.close(closeCodes.login_over, "the login of this connection has ended");

  #ended(code: number): void {
    this.#gone.abort();
    this.#stalls[Symbol.dispose]();
    this.#dialogue.end();
    for (const end of this.#followed.values()) end.abort();
    const sessions = [...this.#followed.keys()].filter((stream) => stream !== HOST_STREAM).length;
    this.#followed.clear();
    const { log, peer, loginEnded } = this.#options;
    loginEnded.removeEventListener("abort", this.#loginEnded);
    const { messages, parseErrors, failures } = this.#dialogue;
    const facts = { peer, code, reason: this.#reason, messages, parse_errors: parseErrors, failed_handlers: failures };
    log.info({ ...facts, failed_sends: this.#failedSends, sessions }, "connection ended");
  }
}
