// One server-sent event stream: opened, written with back pressure, kept alive, ended once.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Meter } from "./meter.ts";
import { Outflow } from "./outflow.ts";

/** Keeps proxies from closing a quiet stream (S13). */
const COMMENT_MS = 15_000;

export interface EventStreamOptions {
  meter: Meter;
  /** Ends the stream when aborted: the login behind it is over, or the host stops. */
  until: readonly AbortSignal[];
}

export class EventStream implements Disposable {
  readonly #response: ServerResponse;
  readonly #outflow: Outflow;
  readonly #gone = new AbortController();
  readonly #comments: NodeJS.Timeout;
  /** Aborted when nobody reads it any more. */
  readonly signal: AbortSignal = this.#gone.signal;

  constructor(request: IncomingMessage, response: ServerResponse, { meter, until }: EventStreamOptions) {
    this.#response = response;
    meter.count("hearth_connections_total", "sse");
    this.#outflow = new Outflow({
      socket: request.socket,
      waiting: () => response.writableLength,
      pause: () => undefined,
      resume: () => undefined,
      onStuck: () => {
        meter.count("hearth_given_up_total", "sse");
        response.destroy();
      },
    });
    response.on("error", () => this.#gone.abort());
    response.once("close", () => {
      this.#outflow[Symbol.dispose]();
      this.#gone.abort();
    });
    // Whoever opened this may have awaited something first, and a reader who left meanwhile is not heard leaving any more.
    if (response.destroyed) this.#gone.abort();
    for (const end of until) {
      const stop = () => this.end();
      end.addEventListener("abort", stop, { once: true, signal: this.signal });
      if (end.aborted) stop();
    }
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      // For proxies that would gather what should flow.
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
    this.#comments = setInterval(() => this.write(":\n\n"), COMMENT_MS).unref();
    this.signal.addEventListener("abort", () => clearInterval(this.#comments));
    if (this.signal.aborted) clearInterval(this.#comments);
  }

  write(text: string): void {
    if (this.signal.aborted || this.#response.writableEnded) return;
    this.#response.write(text);
    this.#outflow.wrote();
  }

  /** Resolves when the reader has room for more, or is gone. */
  room(): Promise<void> {
    return this.#outflow.room(this.signal);
  }

  /** Ends it after what was written. */
  end(): void {
    this.#response.end();
    this.#gone.abort();
  }

  [Symbol.dispose](): void {
    if (!this.signal.aborted) this.end();
  }
}
