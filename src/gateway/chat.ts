// The routes of a turn as a stream of its own: start, follow, cancel (S12, S13).
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { HostError, toWire } from "../protocol/errors.ts";
import { type RecordedOf, sessionStream, type Usage } from "../protocol/events.ts";
import { type HistoryMessage, methods } from "../protocol/methods.ts";
import { type ChatEvent, chatEnd, chatEvent } from "./chat-events.ts";
import { checked } from "./checked.ts";
import { sseMessage } from "./frames.ts";
import type { TurnService } from "./services.ts";
import { cursorOf, type StreamContext } from "./streams.ts";

const submit = methods["prompt.submit"].params.shape;
const Start = z.object({
  session_id: submit.session_id,
  message: submit.text,
  workspace: submit.workspace,
  model: submit.model,
  attachments: submit.attachments,
  mode: submit.mode,
  key: submit.key,
});
const Stream = z.object({ stream_id: z.string().min(1).max(200), after: z.string().optional() });
const Cancel = Stream.pick({ stream_id: true });

export function chatRoutes(app: FastifyInstance, context: StreamContext): void {
  const { turns } = context.services;

  app.post("/api/chat/start", async (request) => {
    const { message, ...rest } = checked(Start, request.body);
    return await turns.submit({ ...rest, text: message });
  });

  app.post("/api/chat/cancel", async (request) => {
    const { stream_id } = checked(Cancel, request.body);
    const cancelled = await turns.cancelTurn(stream_id);
    return { ok: true, cancelled, stream_id };
  });

  app.get("/api/chat/stream", async (request, reply) => {
    const { stream_id } = checked(Stream, request.query);
    const begin = await turns.streamOf(stream_id);
    if (begin === undefined) throw new HostError("turn_not_found", `There is no turn "${stream_id}".`);
    turns.row(begin.session_id);
    const seen = Math.max(cursorOf(request) ?? 0, begin.after);
    await context.checkCursor(sessionStream(begin.session_id), seen);
    reply.hijack();
    await sendTurn(request, context, { turnId: stream_id, ...begin, seen }, reply.raw);
  });
}

interface TurnStream {
  turnId: string;
  session_id: string;
  /** A number before the turn's first event. */
  after: number;
  /** What the client has seen already. */
  seen: number;
}

async function sendTurn(
  request: FastifyRequest,
  context: StreamContext,
  { turnId, session_id, after, seen }: TurnStream,
  response: ServerResponse,
): Promise<void> {
  const { log, turns } = context.services;
  using stream = context.open(request, response);
  const usage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0 };
  // From the turn's beginning also for one who comes back in its middle: its usage has to be summed up.
  for await (const page of log.follow(sessionStream(session_id), after, stream.signal)) {
    for (const event of page) {
      const { payload } = event;
      const others = "turn_id" in payload && payload.turn_id !== turnId;
      if (stream.signal.aborted || others) continue;
      if (event.type === "usage") {
        usage.input_tokens += event.payload.input_tokens;
        usage.output_tokens += event.payload.output_tokens;
        usage.cached_tokens += event.payload.cached_tokens;
      }
      if (event.type === "turn.ended") {
        // The turn loop hears of its own event in this round of the event loop too: let it be first.
        await setImmediate();
        if (event.seq <= seen) return;
        const { name, data } = await lastEvent(turns, session_id, event, usage);
        stream.write(sseMessage(event.seq, name, data));
        return;
      }
      const shown = event.seq > seen ? chatEvent(event) : undefined;
      if (shown) stream.write(sseMessage(event.seq, shown.name, shown.data));
    }
    await stream.room();
  }
}

/** What was saved, as it can be read again; where it cannot, that is said, and no stream just ends (S15). */
async function lastEvent(
  turns: TurnService,
  session_id: string,
  event: RecordedOf<"turn.ended">,
  usage: Usage,
): Promise<ChatEvent> {
  try {
    const messages = await wholeHistory(turns, session_id);
    return chatEnd(event, usage, { row: turns.row(session_id), messages });
  } catch (thrown) {
    const hint = "The turn's events are kept: /api/events has them. Look at the host's log, then ask again.";
    return { name: "apperror", data: { type: "error", message: toWire(thrown).message, hint } };
  }
}

async function wholeHistory(turns: TurnService, session_id: string): Promise<HistoryMessage[]> {
  const messages: HistoryMessage[] = [];
  for (let after = 0; ; ) {
    const page = await turns.history({ session_id, after, limit: 1000 });
    messages.push(...page.messages);
    const last = page.messages.at(-1);
    if (!page.more || last === undefined) return messages;
    after = last.seq;
  }
}
