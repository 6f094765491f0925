// One answer of the model: asked for, streamed into the log, completed or dropped.
import { type Model, ModelError, type ModelPart } from "../models/model.ts";
import { type NewEvent, newEvent, type ToolCall, type Usage } from "../protocol/events.ts";
import { newId } from "../protocol/ids.ts";
import { Deltas } from "./deltas.ts";
import type { TurnParts } from "./parts.ts";
import type { OpenTurn } from "./state.ts";
import { systemMessage } from "./system-message.ts";
import { toModel } from "./transcript.ts";

/** Characters of one answer, and calls in it; a model that goes past them is broken and is stopped. */
const MOST_TEXT = 4_000_000;
const MOST_CALLS = 128;

/**
 * Asks the turn's model for the next message, the fallback model where the first is overloaded or out of reach.
 * Throws ModelError, model_not_found, or the signal's reason; a message that had begun is dropped or left open for the
 * one who closes the turn.
 */
export async function answer(parts: TurnParts, turn: OpenTurn, signal: AbortSignal): Promise<void> {
  const fallback = parts.settings().fallbackModel;
  try {
    await ask(parts, turn, await parts.models.resolve(turn.model), signal);
  } catch (thrown) {
    const worthAnother = thrown instanceof ModelError && (thrown.type === "rate_limit" || thrown.type === "network");
    if (!worthAnother || signal.aborted) throw thrown;
    if (fallback === undefined || fallback === turn.model) {
      throw new ModelError(
        thrown.type,
        thrown.message,
        `${thrown.hint} No fallback model is set (setting fallback_model).`,
        {
          cause: thrown,
        },
      );
    }
    try {
      await ask(parts, turn, await parts.models.resolve(fallback), signal);
    } catch (second) {
      if (!(second instanceof ModelError)) throw second;
      const hint = `${second.hint} The fallback model ${fallback} was tried too, after: ${thrown.message}`;
      throw new ModelError(second.type, second.message, hint, { cause: second });
    }
  }
}

interface Gathered {
  text: string;
  reasoning: string;
  calls: ToolCall[];
  end: Extract<ModelPart, { type: "finish" }> | undefined;
}

async function ask(parts: TurnParts, turn: OpenTurn, model: Model, signal: AbortSignal): Promise<void> {
  const { session } = parts;
  const messageId = newId("message");
  const deltas = new Deltas(turn.turn_id, messageId, (events) => session.append(events, { patient: true }));
  const settings = parts.settings();
  const request = {
    system: systemMessage({
      workspace: turn.workspace,
      personality: settings.personality,
      running: parts.running(session.id),
    }),
    messages: toModel(session.state.entries, !model.typedByPerson),
    tools: [...parts.tools().values()].map((tool) => tool.spec),
    signal,
  };
  try {
    const gathered = await gather(model.stream(request), deltas, signal);
    await deltas.settled();
    const calls = gathered.calls.map((call) => storable(parts, call));
    await session.append(completed(turn, messageId, model, { ...gathered, calls }), { patient: true });
  } catch (thrown) {
    // Whatever was on its way must be in the log before anything that closes the message.
    await deltas.settled();
    if (!signal.aborted && deltas.count > 0) {
      const reason = thrown instanceof ModelError ? thrown.message : "The answer failed";
      const dropped = { turn_id: turn.turn_id, message_id: messageId, reason };
      await session.append([newEvent("message.dropped", `${messageId}:dropped`, dropped)], { patient: true });
    }
    throw thrown;
  }
}

async function gather(stream: AsyncGenerator<ModelPart>, deltas: Deltas, signal: AbortSignal): Promise<Gathered> {
  const gathered: Gathered = { text: "", reasoning: "", calls: [], end: undefined };
  for await (const part of stream) {
    signal.throwIfAborted();
    switch (part.type) {
      case "text":
        gathered.text += part.text;
        await deltas.add("message.delta", part.text);
        break;
      case "reasoning":
        gathered.reasoning += part.text;
        await deltas.add("reasoning.delta", part.text);
        break;
      case "tool_call":
        gathered.calls.push({ call_id: newId("call"), name: part.name, arguments: part.arguments });
        break;
      case "finish":
        gathered.end = part;
        break;
      default:
        part satisfies never;
    }
    if (gathered.text.length + gathered.reasoning.length > MOST_TEXT || gathered.calls.length > MOST_CALLS) {
      throw new ModelError("error", "The model's answer does not end", "Try again, or choose another model.");
    }
  }
  signal.throwIfAborted();
  return gathered;
}

/** The call as it may be stored; its own words are kept until it has run. */
function storable({ redactor, written }: TurnParts, call: ToolCall): ToolCall {
  const clean = redactor.value(call.arguments);
  if (clean === call.arguments) return call;
  written.set(call.call_id, call.arguments);
  return { ...call, arguments: clean, redacted: true };
}

function completed(turn: OpenTurn, messageId: string, model: Model, gathered: Gathered): NewEvent[] {
  const { end, calls, text, reasoning } = gathered;
  if (end === undefined) throw new ModelError("network", "The model's answer broke off", "Try again.");
  const finish = calls.length > 0 ? "tool_calls" : end.finish === "tool_calls" ? "stop" : end.finish;
  const usage: Usage = end.usage;
  return [
    newEvent("message.complete", `${messageId}:complete`, {
      turn_id: turn.turn_id,
      message_id: messageId,
      text,
      ...(reasoning === "" ? {} : { reasoning }),
      tool_calls: calls,
      finish,
      model: model.id,
    }),
    newEvent("usage", `${messageId}:usage`, { turn_id: turn.turn_id, model: model.id, ...usage }),
  ];
}
