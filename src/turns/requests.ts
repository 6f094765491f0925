// What an agent may wait for from a person: an approval or an answer. Durable, so it survives reload and restart.
import { createHash } from "node:crypto";
import type { ViewPut } from "../log/event-log.ts";
import { HostError } from "../protocol/errors.ts";
import { newEvent, type Payload } from "../protocol/events.ts";
import type { PendingRequest, Result } from "../protocol/methods.ts";
import type { ApprovalMode } from "../protocol/rows.ts";
import type { Redactor } from "../secrets/redactor.ts";
import type { Covers } from "../tools/line-diff.ts";
import type { Plan } from "../tools/tool.ts";
import type { Session } from "./session.ts";
import type { Call, SessionState } from "./state.ts";

type Choice = Payload<"approval.settled">["choice"];

/** A call asks at most once for each kind, so its request's name follows from its own: a restart finds the same one. */
function requestIdOf(callId: string): string {
  return `req_${createHash("sha256").update(callId).digest("hex").slice(0, 12)}`;
}

/** What was granted for always, by the exact identity of the action; kept in the view `grant`. */
export class Grants {
  readonly #keys: Set<string>;
  constructor(keys: Iterable<string>) {
    this.#keys = new Set(keys);
  }
  has(key: string | undefined): boolean {
    return key !== undefined && this.#keys.has(key);
  }
  add(key: string): ViewPut {
    this.#keys.add(key);
    return { view: "grant", key, value: { granted_at: Date.now() } };
  }
}

/** Whether a call has to be asked for, and why; undefined: it may run. */
export function mustAsk(
  plan: Plan,
  name: string,
  who: { typedByPerson: boolean; mode: ApprovalMode; session: Session; grants: Grants },
): string | undefined {
  const { approval } = plan;
  if (approval === undefined || who.typedByPerson || who.mode === "off") return undefined;
  if (who.grants.has(plan.grantKey)) return undefined;
  if (approval.dangerous) return approval.reason;
  if (who.mode === "dangerous" || who.session.state.grants.has(name)) return undefined;
  return approval.reason;
}

/**
 * How a change may be shown: what comes is decided about, so that of it only what can do nothing is hidden; what was in the
 * file before is nobody's to decide, and no secret of it goes into the journal.
 */
export const covering = (redactor: Pick<Redactor, "text" | "decision">): Covers => ({
  old: (text) => redactor.text(text),
  now: (text) => redactor.decision(text),
});

/** How a change may be shown that nobody is asked about: as everything else in the journal. */
export const covered = (redactor: Pick<Redactor, "text">): Covers => ({
  old: (text) => redactor.text(text),
  now: (text) => redactor.text(text),
});

/** Asks, unless the journal shows that it was asked already, and waits for the answer. Rejects when the turn is cancelled. */
export async function approval(
  session: Session,
  turnId: string,
  call: Call,
  plan: Plan & { arguments: Call["call"]["arguments"]; diff?: string },
  reason: string,
  signal: AbortSignal,
): Promise<Choice> {
  const { call_id, name } = call.call;
  if (call.approval === undefined) {
    const request_id = requestIdOf(call_id);
    const choices: Payload<"approval.request">["choices"] = [
      "once",
      // A grant for the session would not cover the next dangerous command anyway: do not pretend.
      ...(plan.approval?.dangerous === true ? [] : (["session"] as const)),
      ...(plan.grantKey === undefined ? [] : (["always"] as const)),
      "deny",
    ];
    const request = {
      ...{ turn_id: turnId, call_id, request_id, name, arguments: plan.arguments },
      ...{ preview: plan.preview, reason, choices },
      ...(plan.diff === undefined ? {} : { diff: plan.diff }),
    };
    await session.append([newEvent("approval.request", `${request_id}:request`, request)], { patient: true });
  }
  return session.until(() => session.state.turn?.calls.get(call_id)?.approval?.choice, signal);
}

/** A question of the agent's to the person, by the same rules. */
export async function clarify(
  session: Session,
  turnId: string,
  callId: string,
  question: string,
  choices: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const look = () => session.state.turn?.calls.get(callId)?.clarify;
  if (look() === undefined) {
    const request_id = requestIdOf(callId);
    const request = { turn_id: turnId, call_id: callId, request_id, question, choices: [...choices] };
    await session.append([newEvent("clarify.request", `${request_id}:request`, request)], { patient: true });
  }
  return session.until(() => look()?.answer ?? undefined, signal);
}

/** A person's choice. The first one counts; a later one learns what it was. */
export async function respond(
  session: Session,
  requestId: string,
  choice: Exclude<Choice, "cancelled">,
  grants: Grants,
  grantKey: string | undefined,
): Promise<Result<"approval.respond">> {
  const call = findCall(session, (candidate) => candidate.approval?.request.request_id === requestId);
  const request = call?.approval?.request;
  if (request === undefined) throw gone(requestId);
  if (!request.choices.includes(choice)) {
    throw new HostError("invalid_params", `choice: this request takes ${request.choices.join(", ")}`);
  }
  const { turn_id, call_id } = request;
  const views = choice === "always" && grantKey !== undefined ? [grants.add(grantKey)] : [];
  const settled = newEvent("approval.settled", `${requestId}:settled`, {
    turn_id,
    call_id,
    request_id: requestId,
    choice,
  });
  const [recorded] = await session.append([settled], { views });
  const winner = recorded?.type === "approval.settled" ? recorded.payload.choice : choice;
  return { settled: winner === choice, choice: winner };
}

/** A person's answer to a question. The first one counts. */
export async function answerQuestion(
  session: Session,
  requestId: string,
  answer: string,
): Promise<Result<"clarify.respond">> {
  const call = findCall(session, (candidate) => candidate.clarify?.request.request_id === requestId);
  const request = call?.clarify?.request;
  if (request === undefined) throw gone(requestId);
  const { turn_id, call_id } = request;
  const settled = newEvent("clarify.settled", `${requestId}:settled`, {
    turn_id,
    call_id,
    request_id: requestId,
    answer,
  });
  const [recorded] = await session.append([settled]);
  const winner = recorded?.type === "clarify.settled" ? recorded.payload.answer : answer;
  return { settled: winner === answer, answer: winner };
}

/** All that a session waits for. */
export function pendingOf(state: SessionState): PendingRequest[] {
  return Array.from(state.waiting(), (waiting): PendingRequest => {
    if (waiting.kind === "approval") {
      const { request_id, call_id, turn_id, preview, choices } = waiting.approval.request;
      return { kind: "approval", request_id, call_id, turn_id, text: preview, choices };
    }
    const { request_id, call_id, turn_id, question, choices } = waiting.clarify.request;
    return { kind: "clarify", request_id, call_id, turn_id, text: question, choices };
  });
}

function findCall(session: Session, which: (call: Call) => boolean): Call | undefined {
  for (const call of session.state.turn?.calls.values() ?? []) if (which(call)) return call;
  return undefined;
}

function gone(requestId: string): HostError {
  return new HostError(
    "request_not_found",
    `Nothing waits for an answer to "${requestId}": it was settled, or its turn is over`,
  );
}
