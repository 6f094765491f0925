// The loop of one turn: ask the journal what comes next, do it, until it says "end". After a crash it is simply run again.
import { ModelError } from "../models/model.ts";
import { HostError } from "../protocol/errors.ts";
import { type NewEvent, newEvent, type Payload, type TurnError } from "../protocol/events.ts";
import { answer } from "./answer.ts";
import { runCall } from "./call.ts";
import type { Stops, TurnParts } from "./parts.ts";
import type { Session } from "./session.ts";
import { nextStep, type OpenTurn } from "./state.ts";

/** Runs the session's open turn to its end. Never rejects for what a model or a tool does; `turn.ended` says it. */
export async function runTurn(parts: TurnParts, stops: Stops): Promise<void> {
  const { session } = parts;
  try {
    await dropDangling(session);
    await steps(parts, stops);
  } catch (thrown) {
    // What a person has cancelled is over, also where the host leaves just then.
    if (stops.leave.aborted && !stops.cancel.aborted) return;
    const closing = stops.cancel.aborted
      ? close(session, { status: "cancelled" })
      : close(session, { status: "failed", error: toTurnError(thrown, parts.warn) });
    await session.append(closing, { patient: true });
  }
}

async function steps(parts: TurnParts, stops: Stops): Promise<void> {
  const { session } = parts;
  for (;;) {
    stops.either.throwIfAborted();
    const turn = session.state.turn;
    if (turn === undefined) return;
    const step = nextStep(turn);
    switch (step.kind) {
      case "call":
        await runCall(parts, turn, step.call, stops);
        break;
      case "steer":
        await session.append(
          step.prompts.map(({ prompt_id }) =>
            newEvent("turn.steered", `${prompt_id}:steered`, { turn_id: turn.turn_id, prompt_id }),
          ),
          { patient: true },
        );
        break;
      case "ask":
        refuseEndless(turn, parts.settings().mostAnswers);
        await answer(parts, turn, stops.either);
        break;
      case "end":
        await session.append(close(session, ended(turn)), { patient: true });
        return;
      default:
        step satisfies never;
    }
  }
}

function refuseEndless(turn: OpenTurn, most: number): void {
  if (turn.answers < most) return;
  throw new ModelError(
    "error",
    `The model was asked ${most} times in this turn`,
    "Send another message to let it go on.",
  );
}

function ended(turn: OpenTurn): Pick<Payload<"turn.ended">, "status" | "error"> {
  if (turn.last?.finish !== "refusal") return { status: "done" };
  const hint = "Say it another way, or choose another model.";
  return { status: "failed", error: { type: "refusal", message: "The model refused to answer.", hint } };
}

/** A message that a crash has cut will never be completed: it is asked for again under a new id. */
async function dropDangling(session: Session): Promise<void> {
  const { turn } = session.state;
  if (turn?.message === undefined) return;
  const { message_id } = turn.message;
  const dropped = { turn_id: turn.turn_id, message_id, reason: "Hearth was restarted" };
  await session.append([newEvent("message.dropped", `${message_id}:dropped`, dropped)], { patient: true });
}

/** Everything that closes the open turn, as one append: no client sees it half closed, no event of the turn follows. */
export function close(session: Session, end: Pick<Payload<"turn.ended">, "status" | "error">): NewEvent[] {
  const { turn } = session.state;
  if (turn === undefined) return [];
  const { turn_id } = turn;
  const events: NewEvent[] = [];
  if (turn.message !== undefined) events.push(cut(turn, turn.message, end.status));
  for (const waiting of session.state.waiting()) {
    if (waiting.kind === "approval") {
      const { call_id, request_id } = waiting.approval.request;
      const settled = { turn_id, call_id, request_id, choice: "cancelled" as const };
      events.push(newEvent("approval.settled", `${request_id}:settled`, settled));
    } else {
      const { call_id, request_id } = waiting.clarify.request;
      events.push(newEvent("clarify.settled", `${request_id}:settled`, { turn_id, call_id, request_id, answer: null }));
    }
  }
  for (const { call, start, complete } of turn.calls.values()) {
    if (complete !== undefined) continue;
    const unknown = end.status === "interrupted" && start !== undefined;
    events.push(
      newEvent("tool.complete", `${call.call_id}:complete`, {
        turn_id,
        call_id: call.call_id,
        name: call.name,
        status: unknown ? "unknown" : "cancelled",
        result: unknown
          ? "Hearth stopped while this ran; nobody can tell what it did."
          : "The turn ended before this call was done.",
        ...(start?.process_id === undefined ? {} : { process_id: start.process_id }),
        duration_ms: 0,
        notices: [],
      }),
    );
  }
  events.push(newEvent("turn.ended", `${turn_id}:ended`, { turn_id, ...end }));
  return events;
}

function cut(turn: OpenTurn, open: NonNullable<OpenTurn["message"]>, status: string): NewEvent {
  const { turn_id, model } = turn;
  const { message_id, text, reasoning } = open;
  if (status !== "cancelled") {
    return newEvent("message.dropped", `${message_id}:dropped`, { turn_id, message_id, reason: "The turn failed" });
  }
  return newEvent("message.complete", `${message_id}:complete`, {
    ...{ turn_id, message_id, text, model, tool_calls: [], finish: "cut" as const },
    ...(reasoning === "" ? {} : { reasoning }),
  });
}

function toTurnError(thrown: unknown, warn: (text: string) => void): TurnError {
  if (thrown instanceof ModelError) return { type: thrown.type, message: thrown.message, hint: thrown.hint };
  if (thrown instanceof HostError) return { type: "error", message: thrown.message };
  warn(`A turn failed unexpectedly: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
  return {
    type: "error",
    message: "Something failed inside Hearth.",
    hint: "Its log says what. Try again, and report it if it stays.",
  };
}
