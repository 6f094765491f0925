// A provider on loopback that speaks the real wire formats of OpenAI and Anthropic, answers from a script, and remembers what it was asked.
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { anthropic, errorBody, type Fault, type Format, openai, type Reply, streamError } from "./fake-wire.ts";

export type { Fault, Reply } from "./fake-wire.ts";

/** One request as it came. `closed` resolves when its connection is gone or its answer complete, and says which. */
export interface Asked {
  method: string;
  path: string;
  format: Format;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into a body of either format
  body: any;
  closed: Promise<"complete" | "aborted">;
}

/**
 * `await using fake = await FakeProvider.start(); fake.script([{ text: "Hello there" }])`, then point a provider's
 * `baseUrl` at `fake.url`: both formats are served under it. Replies go out in order, one per chat request; past the last
 * one the answer is status 500, so that a request too many does not pass unseen.
 */
export class FakeProvider implements AsyncDisposable {
  readonly requests: Asked[] = [];
  /** What `GET /models` lists; undefined: 404. */
  models: readonly string[] | undefined = ["fake-small", "fake-large"];
  /** Milliseconds between two events of a stream. */
  eventDelayMs = 0;
  readonly #server: Server;
  readonly #replies: Reply[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(): Promise<FakeProvider> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeProvider(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The next replies, after those that are still to come. */
  script(replies: readonly Reply[]): void {
    this.#replies.push(...replies);
  }

  /** Chat requests alone, in order. */
  get chats(): Asked[] {
    return this.requests.filter((request) => request.method === "POST");
  }

  /** Resolves once this many chat requests have come in. */
  async asked(count: number): Promise<void> {
    if (this.chats.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const format =
      path.includes("/messages") || request.headers["anthropic-version"] !== undefined ? "anthropic" : "openai";
    const { promise: closed, resolve } = Promise.withResolvers<"complete" | "aborted">();
    response.once("close", () => resolve(response.writableFinished ? "complete" : "aborted"));
    const written = await text(request);
    const body: unknown = written === "" ? undefined : JSON.parse(written);
    const { method = "", headers } = request;
    this.requests.push({ method, path, format, headers, body, closed });
    for (const waiting of this.#waiting) if (this.chats.length >= waiting.count) waiting.resolve();
    if (method === "GET" && path.startsWith("/v1/models")) this.#list(response);
    else if (method === "POST" && /^\/v1\/(chat\/completions|messages)$/.test(path)) {
      await this.#answer(format, request, response, String((body as { model?: unknown } | undefined)?.model));
    } else fail(response, format, { status: 404, message: `Nothing at ${path}` }, request);
  }

  #list(response: ServerResponse): void {
    if (this.models === undefined) {
      response.writeHead(404).end();
      return;
    }
    const data = this.models.map((id) => ({ id, object: "model", type: "model", created: 1_700_000_000 }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ object: "list", data }));
  }

  async #answer(format: Format, request: IncomingMessage, response: ServerResponse, model: string): Promise<void> {
    const reply: Reply = this.#replies.shift() ?? {
      fault: { status: 500, message: "The script has no further reply" },
    };
    const { fault } = reply;
    if (fault === "silent") return;
    if (typeof fault === "object" && "redirect" in fault) {
      response.writeHead(307, { location: fault.redirect }).end();
      return;
    }
    const status = fault === undefined ? undefined : asStatus(fault, format);
    if (status !== undefined) {
      fail(response, format, status, request);
      return;
    }
    if (fault === "html") {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Log in</title>");
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.flushHeaders();
    const { content, end } = (format === "openai" ? openai : anthropic)(reply, model);
    await this.#send(response, content);
    switch (fault) {
      case undefined:
        await this.#send(response, end);
        response.end();
        break;
      case "cut":
        response.end();
        break;
      case "reset":
        response.destroy();
        break;
      case "not-json":
        response.end("data: {not json at all\n\n");
        break;
      case "error-in-stream":
        response.end(streamError(format));
        break;
      default: // stall: the connection stays open and nothing comes
        break;
    }
  }

  async #send(response: ServerResponse, events: readonly string[]): Promise<void> {
    for (const event of events) {
      if (this.eventDelayMs > 0) await delay(this.eventDelayMs);
      if (response.destroyed) return;
      if (!response.write(event)) await Promise.race([once(response, "drain"), once(response, "close")]);
    }
  }

  /** Drops every connection and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

type HttpFault = Extract<Fault, { status: number }>;

function asStatus(fault: Fault, format: Format): HttpFault | undefined {
  if (typeof fault === "object" && "status" in fault) return fault;
  if (fault === "context-too-long") {
    return format === "openai"
      ? {
          status: 400,
          code: "context_length_exceeded",
          message:
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        }
      : { status: 400, message: "prompt is too long: 210000 tokens > 200000 maximum" };
  }
  if (fault === "content-filter") {
    return { status: 400, code: "content_filter", message: "The request was blocked by the content filter." };
  }
  return undefined;
}

function fail(response: ServerResponse, format: Format, fault: HttpFault, request: IncomingMessage): void {
  const { status, retryAfter, headers = {}, code } = fault;
  const key = request.headers.authorization?.replace(/^Bearer /, "") ?? request.headers["x-api-key"];
  const message = `${fault.message ?? "It did not work"}${fault.echoKey === true ? ` (key ${String(key)})` : ""}`;
  const retry = retryAfter === undefined ? {} : { "retry-after": retryAfter };
  response.writeHead(status, { "content-type": "application/json", ...retry, ...headers });
  response.end(errorBody(format, status, message, code));
}
