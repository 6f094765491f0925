// One tool call, from wherever the journal stands: planned, approved, started, run or recovered, completed.
import { invalidArguments } from "../models/arguments.ts";
import { newEvent, type Payload } from "../protocol/events.ts";
import { BadArguments, type Plan, type Tool, type ToolContext, type ToolOutcome } from "../tools/tool.ts";
import type { Stops, TurnParts } from "./parts.ts";
import { approval, covered, covering, mustAsk } from "./requests.ts";
import type { Session } from "./session.ts";
import type { Call, OpenTurn } from "./state.ts";

/** How long a cancelled or late call may take to put its things away, in ms; what comes later is nobody's business. */
const CANCEL_PATIENCE_MS = 15_000;

/**
 * Brings one call to its `tool.complete`. Rejects with the signal's reason when the turn is cancelled; whoever closes the
 * turn then completes the call as cancelled.
 */
export async function runCall(parts: TurnParts, turn: OpenTurn, call: Call, stops: Stops): Promise<void> {
  const { name, arguments: args, call_id } = call.call;
  // How long a person took to say yes is not how long the call took.
  const clock = { began: Date.now() };
  const outcome = await settle(parts, turn, call, stops, clock);
  stops.either.throwIfAborted();
  const complete: Payload<"tool.complete"> = {
    turn_id: turn.turn_id,
    call_id,
    name,
    status: outcome.status,
    result: parts.redactor.text(outcome.result),
    ...(outcome.process_id === undefined ? {} : { process_id: outcome.process_id }),
    duration_ms: Date.now() - clock.began,
    notices: outcome.notices ?? [],
  };
  if (outcome.status === "unknown") parts.unsure.add(sameCall(name, args));
  parts.written.delete(call_id);
  const views = complete.notices.map((key) => ({ view: "notice", key, value: null }));
  await parts.session.append([newEvent("tool.complete", `${call_id}:complete`, complete)], { patient: true, views });
}

async function settle(
  parts: TurnParts,
  turn: OpenTurn,
  call: Call,
  stops: Stops,
  clock: { began: number },
): Promise<ToolOutcome> {
  const { name, call_id } = call.call;
  const args = parts.written.get(call_id) ?? call.call.arguments;
  // What the model wrote was kept in memory alone, and a host that ended has forgotten it.
  const forgotten = call.call.redacted === true && !parts.written.has(call_id);
  const tools = parts.tools();
  const tool = tools.get(name);
  if (tool === undefined) {
    return {
      status: "failed",
      result: `There is no tool "${name}". There are: ${[...tools.keys()].join(", ")}.`,
    };
  }
  const nonsense = invalidArguments(args);
  if (nonsense !== undefined) return { status: "failed", result: nonsense };
  using person = listen(parts.session, stops.either);
  let deadline: AbortSignal | undefined;
  const limited = (work: (ctx: ToolContext) => Promise<ToolOutcome>): Promise<ToolOutcome> => {
    if (name === "clarify") return patiently(() => work(context), stops); // waits for a person, who may take a night
    const late = AbortSignal.timeout(parts.settings().toolLimitMs);
    deadline = late;
    // Not `either`: when the host leaves, what the tool has started lives on and the next host adopts it.
    return patiently(() => work({ ...context, signal: AbortSignal.any([stops.cancel, late]) }), stops, late);
  };
  const context: ToolContext = {
    sessionId: parts.session.id,
    turnId: turn.turn_id,
    callId: call_id,
    workspace: turn.workspace,
    signal: stops.cancel,
    newMessage: person.spoke,
    ...(parts.session.state.routing !== undefined && { routing: parts.session.state.routing }),
  };
  try {
    if (call.start !== undefined) {
      const plan = recordedPlan(call.start);
      return await limited((ctx) => recovered(tool, { args, plan, forgotten }, ctx));
    }
    if (forgotten) return { status: "failed", result: NOT_RUN };
    const plan = await patiently(() => tool.plan(args, context), stops);
    const answer = await ask(parts, turn, call, plan, stops.either);
    clock.began = Date.now();
    if (typeof answer !== "string") return answer;
    const diff = answer === "unasked" ? plan.change?.(covered(parts.redactor)) : undefined;
    const { process_id, before, after } = plan;
    const preview = parts.redactor.text(plan.preview);
    const start: Payload<"tool.start"> = {
      ...{ turn_id: turn.turn_id, call_id, name, arguments: call.call.arguments, preview },
      ...(process_id === undefined ? {} : { process_id }),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(diff === undefined ? {} : { diff }),
    };
    await parts.session.append([newEvent("tool.start", `${call_id}:start`, start)], { patient: true });
    return await limited((ctx) => tool.run(args, ctx, plan));
  } catch (thrown) {
    if (thrown instanceof BadArguments) return { status: "failed", result: thrown.message };
    stops.either.throwIfAborted();
    if (deadline?.aborted === true) {
      return { status: "failed", result: `Stopped: it took longer than ${parts.settings().toolLimitMs / 1000} s.` };
    }
    parts.warn(
      `Tool ${name} failed unexpectedly: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
    );
    return { status: "failed", result: "The tool failed inside Hearth; its log says why." };
  }
}

/** Hears whether the person sends a message from now on. */
function listen(session: Session, signal: AbortSignal): { spoke: AbortSignal } & Disposable {
  const spoke = new AbortController();
  const deaf = new AbortController();
  const prompts = () => session.state.queue.length + (session.state.turn?.steers.length ?? 0);
  const before = prompts();
  session
    .until(() => (prompts() > before ? true : undefined), AbortSignal.any([signal, deaf.signal]))
    .then(
      () => spoke.abort(),
      () => undefined, // the call is over, or the turn is
    );
  return { spoke: spoke.signal, [Symbol.dispose]: () => deaf.abort() };
}

/** What is to be told instead, where it may not run. */
async function ask(
  parts: TurnParts,
  turn: OpenTurn,
  call: Call,
  plan: Plan,
  signal: AbortSignal,
): Promise<"unasked" | "allowed" | ToolOutcome> {
  const { call_id, name, arguments: args } = call.call;
  const { redactor, session, grants } = parts;
  const model = await parts.models.resolve(turn.model);
  const typedByPerson = model.typedByPerson && model.isOwn?.(name, args) !== true;
  const again = parts.unsure.has(sameCall(name, args));
  const reason = again
    ? "It was running when Hearth stopped, and nobody can tell whether it took effect"
    : mustAsk(plan, name, { typedByPerson, mode: session.row.approvals, session, grants });
  if (reason === undefined) return "unasked";
  if (plan.grantKey !== undefined) parts.grantKeys.set(call_id, plan.grantKey);
  const diff = plan.change?.(covering(redactor));
  const shown = {
    ...plan,
    ...(diff === undefined ? {} : { diff }),
    preview: redactor.decision(plan.preview),
    arguments: redactor.decisions(parts.written.get(call_id) ?? args),
  };
  const choice = await approval(session, turn.turn_id, call, shown, reason, signal);
  if (choice === "deny")
    return { status: "failed", result: "The person denied this call. Do not try it again unasked." };
  if (choice === "cancelled") throw new Error("The approval was cancelled");
  parts.unsure.delete(sameCall(name, args));
  return "allowed";
}

function recordedPlan(start: Payload<"tool.start">): Plan {
  return {
    preview: start.preview,
    ...(start.process_id === undefined ? {} : { process_id: start.process_id }),
    ...(start.before === undefined ? {} : { before: start.before }),
    ...(start.after === undefined ? {} : { after: start.after }),
  };
}

/** A call that had started when the host ended: adopted, compared or run again as its tool says, else unknown. */
async function recovered(
  tool: Tool,
  { args, plan, forgotten }: { args: Readonly<Record<string, unknown>>; plan: Plan; forgotten: boolean },
  context: ToolContext,
): Promise<ToolOutcome> {
  const outcome = await tool.recover?.(args, context, plan);
  if (outcome !== undefined) return outcome;
  if (forgotten) return { status: "unknown", result: NOT_RUN_AGAIN };
  if (tool.recover === undefined && tool.afterCrash !== "again") {
    return {
      status: "unknown",
      result: "Hearth stopped while this ran, and nobody can tell whether it took effect. Look before you repeat it.",
    };
  }
  return tool.run(args, context, plan);
}

const SECRET_GONE = "Its arguments held a secret, which Hearth keeps in memory alone, and Hearth was restarted since";
const NOT_RUN = `It was not run. ${SECRET_GONE}: make the call again, with the secret.`;
const NOT_RUN_AGAIN = `It had begun, and it is not known whether it took effect. ${SECRET_GONE}, so it was not run again: look before you repeat it.`;

/**
 * After a cancel or its deadline the call gets a while to end what it started, then is left behind; when the host leaves, at
 * once. Work that was cancelled before it began does not begin.
 */
async function patiently<T>(begin: () => Promise<T>, stops: Stops, deadline?: AbortSignal): Promise<T> {
  stops.either.throwIfAborted();
  const over = new AbortController();
  const once = { once: true, signal: over.signal };
  const late = new Promise<never>((_, reject) => {
    stops.leave.addEventListener("abort", () => reject(stops.leave.reason), once);
    for (const end of deadline === undefined ? [stops.cancel] : [stops.cancel, deadline]) {
      const leaveBehind = () => {
        const timer = setTimeout(() => reject(end.reason), CANCEL_PATIENCE_MS).unref();
        over.signal.addEventListener("abort", () => clearTimeout(timer));
      };
      end.addEventListener("abort", leaveBehind, once);
    }
  });
  try {
    return await Promise.race([begin(), late]);
  } finally {
    over.abort();
  }
}

function sameCall(name: string, args: Record<string, unknown>): string {
  return `${name} ${JSON.stringify(args)}`;
}
