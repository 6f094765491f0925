// What the routes that stream have in common: where the client left off, and what ends them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { CursorGone } from "../log/event-log.ts";
import { HOST_STREAM, sessionStream } from "../protocol/events.ts";
import type { Identity } from "./admission.ts";
import { Cursor, checked } from "./checked.ts";
import { EventStream } from "./event-stream.ts";
import { eventMessage } from "./frames.ts";
import type { Meter } from "./meter.ts";
import type { Services } from "./services.ts";

export class StreamContext {
  readonly services: Services;
  readonly meter: Meter;
  readonly #closing: AbortSignal;
  readonly #identityOf: (request: IncomingMessage) => Identity | undefined;

  constructor(options: {
    services: Services;
    meter: Meter;
    closing: AbortSignal;
    identityOf: (request: IncomingMessage) => Identity | undefined;
  }) {
    this.services = options.services;
    this.meter = options.meter;
    this.#closing = options.closing;
    this.#identityOf = options.identityOf;
  }

  open(request: FastifyRequest, response: ServerResponse): EventStream {
    return new EventStream(request.raw, response, { meter: this.meter, until: this.endsOf(request) });
  }

  /** What ends an answer that goes on and on: the host stops, or the credential behind it does not count any more. */
  endsOf(request: FastifyRequest): readonly AbortSignal[] {
    const identity = this.#identityOf(request.raw);
    return identity === undefined ? [this.#closing] : [this.#closing, identity.ended];
  }

  /** Throws CursorGone while an answer can still have a status. */
  async checkCursor(stream: string, after: number): Promise<void> {
    const head = await this.services.log.head(stream);
    if (after > head) throw new CursorGone(stream, after, head);
  }
}

/** The number of the last event the client has seen: what a browser sends by itself counts before the address. */
export function cursorOf(request: FastifyRequest): number | undefined {
  const last = request.headers["last-event-id"];
  const query = checked(z.looseObject({ after: Cursor.optional() }), request.query);
  return typeof last === "string" && last !== "" ? checked(Cursor, last) : query.after;
}

const Events = z.object({ session_id: z.string().min(1).max(200).optional() });

/** Everything of a session (or of the host) after a number, then live. */
export function eventRoutes(app: FastifyInstance, context: StreamContext): void {
  app.get("/api/events", async (request, reply) => {
    const { session_id } = checked(Events, request.query);
    const after = cursorOf(request) ?? 0;
    if (session_id !== undefined) context.services.turns.row(session_id);
    const name = session_id === undefined ? HOST_STREAM : sessionStream(session_id);
    await context.checkCursor(name, after);
    reply.hijack();
    using stream = context.open(request, reply.raw);
    for await (const page of context.services.log.follow(name, after, stream.signal)) {
      stream.write(page.map((event) => eventMessage(name, event)).join(""));
      await stream.room();
    }
  });
}
