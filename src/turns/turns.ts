// All sessions and their turns: who runs, who waits, what wakes whom. The only part that starts turns.

import * as z from "zod";
import type { EventLog } from "../log/event-log.ts";
import type { Models } from "../models/models.ts";
import { HostError } from "../protocol/errors.ts";
import { HOST_STREAM, newEvent, type Payload, type Usage } from "../protocol/events.ts";
import { newId } from "../protocol/ids.ts";
import type { Checked, PendingRequest, Result } from "../protocol/methods.ts";
import type { ApprovalMode, SessionRow } from "../protocol/rows.ts";
import { Redactor } from "../secrets/redactor.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";
import { cleared, tell } from "./delegation.ts";
import type { Stops, TurnParts, TurnSettings } from "./parts.ts";
import { promptEvents } from "./prompts.ts";
import { answerQuestion, clarify, Grants, pendingOf, respond } from "./requests.ts";
import { close, runTurn } from "./run-turn.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { Prompt } from "./state.ts";
import { toHistory, toMarkdown } from "./transcript.ts";
import { Alarms, nextNotices, untilWake } from "./wakes.ts";
import { resolveWorkspace } from "./workspace.ts";

const MOST_QUEUED = 100;
/** How long an idle agent is left alone after a first notice, for those that come with it. */
const GATHER_MS = 100;

export interface TurnsOptions {
  log: EventLog;
  models: Pick<Models, "resolve">;
  settings: () => TurnSettings & { model: string; workspace: string };
  warn: (text: string) => void;
  /** Without it, one that knows no values. */
  redactor?: Redactor;
}
interface Running {
  turnId: string | undefined;
  cancel: AbortController;
  done: Promise<void>;
}

export class Turns {
  readonly #log: EventLog;
  readonly #models: TurnsOptions["models"];
  readonly #settings: TurnsOptions["settings"];
  readonly #warn: TurnsOptions["warn"];
  readonly #sessions: Sessions;
  readonly #grants: Grants;
  readonly #grantKeys = new Map<string, string>();
  readonly #redactor: Redactor;
  readonly #unsure = new Set<string>();
  readonly #running = new Map<string, Running>();
  /** Sessions that are being deleted. */
  readonly #retired = new Set<string>();
  /** Sessions whose notices wait until they may wake again. */
  readonly #sleeping = new Alarms((id) => this.#wake(id));
  /** Sessions that have just been sent a notice. */
  readonly #gathering = new Alarms((id) => this.#wake(id));
  readonly #leaving: AbortController;
  #tools: ReadonlyMap<string, Tool> | undefined;
  #backgroundOf: TurnParts["running"] = () => [];

  private constructor(options: TurnsOptions, sessions: Sessions, grants: Grants, leaving: AbortController) {
    this.#leaving = leaving;
    this.#log = options.log;
    this.#models = options.models;
    this.#settings = options.settings;
    this.#warn = options.warn;
    this.#redactor = options.redactor ?? new Redactor();
    this.#sessions = sessions;
    this.#grants = grants;
  }

  /** Reads the rows; nothing runs before `start`. */
  static async open(options: TurnsOptions): Promise<Turns> {
    const leaving = new AbortController();
    const [sessions, grants] = await Promise.all([
      Sessions.open({ ...options, leaving: leaving.signal }),
      options.log.views("grant"),
    ]);
    return new Turns(options, sessions, new Grants(grants.keys()), leaving);
  }

  /** Takes the tools and goes on with what the last host left: open turns, queued prompts, notices nobody was told. */
  async start(tools: ReadonlyMap<string, Tool>, backgroundOf: TurnParts["running"] = () => []): Promise<void> {
    this.#tools = tools;
    this.#backgroundOf = backgroundOf;
    // What is sent together is told together: ten processes that end at once are one wake-up, not ten.
    this.#sessions.whenNotified((id) => this.#gathering.set(id, GATHER_MS));
    const waiting = new Set<string>();
    for (const row of this.#sessions.rows()) if (row.turn_id !== null || row.queued > 0) waiting.add(row.session_id);
    const notices = new Set<string>();
    for (const [id, value] of await this.#log.views("notice")) {
      notices.add(id);
      const owner = z.object({ session_id: z.string() }).safeParse(value);
      if (owner.success) waiting.add(owner.data.session_id);
    }
    for (const id of waiting) {
      if (!this.#sessions.has(id)) continue;
      const session = await this.#sessions.get(id);
      for (const notice of session.state.notices.keys()) notices.delete(notice);
      if (session.state.turn !== undefined && this.#settings().onRestart === "interrupt") {
        await session.append(close(session, { status: "interrupted" }));
      }
      this.#pump(session);
    }
    // What is left was told by a tool's result before it came, or its session is gone.
    const told = [...notices].map((key) => ({ view: "notice", key, value: null }));
    if (told.length > 0) await this.#log.append(HOST_STREAM, [], { views: told });
  }

  // ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async create(params: Checked<"session.create">): Promise<{ session: SessionRow; seq: number }> {
    const settings = this.#settings();
    const named = params.workspace === undefined ? undefined : await resolveWorkspace(params.workspace);
    const { lastWorkspace } = this.#sessions;
    const remembered = lastWorkspace && (await resolveWorkspace(lastWorkspace).catch(() => undefined)); // may be gone by now
    if (params.model !== undefined) await this.#models.resolve(params.model);
    const workspace = named ?? (remembered || settings.workspace);
    const info = { title: params.title ?? "", workspace, model: params.model ?? null, approvals: settings.approvals };
    const session = await this.#sessions.create(info, named);
    return { session: this.row(session.id), seq: session.state.head };
  }

  /** The most recently used first. */
  list(limit = 1000): SessionRow[] {
    return this.#sessions.list(limit);
  }

  /** Throws session_not_found. */
  row(id: string): SessionRow {
    return this.#sessions.row(id);
  }

  async setTitle(id: string, title: string): Promise<SessionRow> {
    return this.#info(id, { title });
  }

  /** From the next turn on. Throws workspace_invalid. */
  async setWorkspace(id: string, path: string): Promise<SessionRow> {
    const workspace = await resolveWorkspace(path);
    return this.#info(id, { workspace }, workspace);
  }

  async setModel(id: string, model: string): Promise<void> {
    await this.#models.resolve(model);
    await this.#info(id, { model });
  }

  async setApprovals(id: string, approvals: ApprovalMode): Promise<void> {
    await this.#info(id, { approvals });
  }

  async history(params: Checked<"session.history">): Promise<Result<"session.history">> {
    const { state } = await this.#sessions.get(params.session_id);
    const limit = params.limit ?? 1000;
    const after = state.entries.filter((entry) => entry.seq > (params.after ?? 0));
    const messages = after.slice(0, limit).map(toHistory);
    return { session_id: params.session_id, messages, seq: state.head, more: after.length > limit };
  }

  async export(id: string, format: "json" | "markdown"): Promise<Result<"session.export">> {
    const { state } = await this.#sessions.get(id);
    const messages = state.entries.map(toHistory);
    const session = this.row(id);
    if (format === "markdown") return { format, text: toMarkdown(session.title || id, messages) };
    return { format, text: `${JSON.stringify({ session, usage: state.usage, messages }, null, 2)}\n` };
  }

  /**
   * Cancels what runs in a session and starts nothing in it, so that it can be deleted with all it has. Disposing of the
   * answer lets a session that was not deleted after all go on.
   */
  async retire(id: string): Promise<Disposable> {
    this.#sessions.stored(id);
    this.#retired.add(id);
    const running = this.#running.get(id);
    running?.cancel.abort(new Error("the conversation is deleted"));
    await running?.done;
    return {
      [Symbol.dispose]: () => {
        this.#retired.delete(id);
        this.#wake(id);
      },
    };
  }

  /** Throws session_busy while a turn runs or waits, unless the session was retired. */
  async delete(id: string): Promise<boolean> {
    const session = await this.#sessions.get(id);
    if (this.#running.has(id) || !(session.idle || this.#retired.has(id))) {
      throw new HostError("session_busy", "A turn runs in this conversation: stop it first, then delete it");
    }
    await this.#sessions.remove(id);
    return true;
  }

  usage(id?: string): { usage: Usage; turns: number } {
    return this.#sessions.usage(id);
  }

  // ── turns ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Accepts a prompt; resolves once it is durable. The same `key` twice is one prompt; with other words it is refused. */
  async submit(params: Checked<"prompt.submit">): Promise<Result<"prompt.submit">> {
    const session = await this.#sessions.get(params.session_id);
    const { state } = session;
    const workspace = params.workspace === undefined ? undefined : await resolveWorkspace(params.workspace);
    if (params.model !== undefined) await this.#models.resolve(params.model);

    const known = params.key === undefined ? undefined : state.keys.get(params.key);
    if (known !== undefined) {
      if (known.text !== params.text)
        throw new HostError("key_reused", `The key "${params.key}" belongs to another prompt: use a new one`);
      const status = state.queue.some((prompt) => prompt.turn_id === known.turn_id) ? "queued" : "started";
      return { status, turn_id: known.turn_id, stream_id: known.turn_id };
    }
    if (session.row.queued >= MOST_QUEUED) {
      throw new HostError("too_many", `${MOST_QUEUED} prompts wait in this conversation: let some of them run first`);
    }
    const mode = params.mode ?? "queue";
    const steered = mode === "steer" ? session.row.turn_id : null;
    const busy = this.#running.has(session.id);
    const turn_id = steered ?? newId("turn");
    const { text, key } = params;
    // Remembered at once: the same key may come again while the first append is on its way.
    if (key !== undefined) state.keys.set(key, { text, turn_id });
    const events = promptEvents(params, { turn_id, workspace, untitled: session.row.title === "" });
    const views = [
      ...this.#sessions.remember(workspace),
      ...(steered === null
        ? [{ view: "turn", key: turn_id, value: { session_id: session.id, after: state.head } }]
        : []),
    ];
    try {
      await session.append(events, { views });
    } catch (error) {
      if (key !== undefined) state.keys.delete(key);
      throw error;
    }
    if (mode === "interrupt") this.#running.get(session.id)?.cancel.abort(new Error("interrupted by a new prompt"));
    this.#pump(session);
    return { status: steered !== null ? "steered" : busy ? "queued" : "started", stream_id: turn_id, turn_id };
  }

  /** Cancels the running turn, or the queued one named; false if there is none. */
  async interrupt(id: string, turnId?: string): Promise<boolean> {
    const session = await this.#sessions.get(id);
    const running = this.#running.get(id);
    if (running !== undefined && (turnId === undefined || running.turnId === turnId)) {
      running.cancel.abort(new Error("cancelled by a person"));
      return true;
    }
    const queued = session.state.queue.find((prompt) => prompt.turn_id === turnId);
    if (queued === undefined || turnId === undefined) return false;
    await session.append([newEvent("turn.ended", `${turnId}:ended`, { turn_id: turnId, status: "cancelled" })]);
    return true;
  }

  /** As `interrupt`, by the turn's id alone. */
  async cancelTurn(turnId: string): Promise<boolean> {
    const stream = await this.streamOf(turnId);
    return stream === undefined || !this.#sessions.has(stream.session_id)
      ? false
      : this.interrupt(stream.session_id, turnId);
  }

  /** Where a turn's events are: its session, and a number before its first one. */
  async streamOf(turnId: string): Promise<{ session_id: string; after: number } | undefined> {
    const found = z
      .object({ session_id: z.string(), after: z.number() })
      .safeParse(await this.#log.view("turn", turnId));
    return found.success ? found.data : undefined;
  }

  async pending(id: string): Promise<PendingRequest[]> {
    const { state } = await this.#sessions.get(id);
    return pendingOf(state);
  }

  respond(requestId: string, choice: "once" | "session" | "always" | "deny"): Promise<Result<"approval.respond">> {
    const { session, callId } = this.#request(requestId, "approval");
    return respond(session, requestId, choice, this.#grants, this.#grantKeys.get(callId));
  }

  answer(requestId: string, text: string): Promise<Result<"clarify.respond">> {
    return answerQuestion(this.#request(requestId, "clarify").session, requestId, text);
  }

  /** Tells a session's agent, once, that work it had handed out is over (P30). Throws session_not_found, too_many. */
  async delegated(work: Checked<"delegation.complete">): Promise<Result<"delegation.complete">> {
    this.#sessions.stored(work.session_id);
    const clear = await cleared(work, this.#redactor);
    return tell(await this.#sessions.get(work.session_id), clear, this.#redactor);
  }

  /** For the tool `clarify`: asks the person and waits. */
  async ask(context: ToolContext, question: string, choices: readonly string[]): Promise<string> {
    const session = await this.#sessions.get(context.sessionId);
    const signal = AbortSignal.any([context.signal, this.#leaving.signal]);
    return clarify(session, context.turnId, context.callId, question, choices, signal);
  }

  /** Tells, while a turn waits for room on the disk, and when it goes on. */
  onStalled(listener: (sessionId: string, stalled: boolean) => void): Disposable {
    return this.#sessions.onStalled(listener);
  }

  /** Turns that run or wait for a person. */
  busy(): number {
    return this.#running.size;
  }

  /** Stops without ending anything: open turns stay open in the journal, and the next host goes on. */
  async close(): Promise<void> {
    this.#sleeping.stop();
    this.#gathering.stop();
    this.#sessions.quiet();
    this.#leaving.abort(new Error("the host stops"));
    await Promise.allSettled([...this.#running.values()].map((running) => running.done));
    this.#sessions[Symbol.dispose]();
  }

  // ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #request(requestId: string, kind: "approval" | "clarify"): { session: Session; callId: string } {
    for (const id of this.#running.keys()) {
      const session = this.#sessions.loaded(id);
      for (const call of session?.state.turn?.calls.values() ?? []) {
        if (session !== undefined && call[kind]?.request.request_id === requestId)
          return { session, callId: call.call.call_id };
      }
    }
    throw new HostError(
      "request_not_found",
      `Nothing waits for an answer to "${requestId}": it was settled, or its turn is over`,
    );
  }

  async #info(id: string, patch: Payload<"session.info">, named?: string): Promise<SessionRow> {
    const session = await this.#sessions.get(id);
    const views = this.#sessions.remember(named);
    await session.append([newEvent("session.info", `${id}:info:${crypto.randomUUID()}`, patch)], { views });
    return this.row(id);
  }

  #warnOfWakes(id: string): void {
    const { wakesPerHour } = this.#settings();
    this.#warn(`Session ${id} was woken ${wakesPerHour} times within an hour: notices wait, and are told together`);
  }

  #wake(id: string): void {
    if (!this.#sessions.has(id)) return;
    this.#sessions.get(id).then(
      (session) => this.#pump(session),
      (error) => this.#warn(`A notice could not wake its agent: ${String(error)}`),
    );
  }

  #allowedTools(): ReadonlyMap<string, Tool> {
    const { tools } = this.#settings();
    return new Map([...(this.#tools ?? [])].filter(([name]) => tools?.includes(name) ?? true));
  }

  /** Sees to it that what can run in a session runs. Harmless at any time. */
  #pump(session: Session): void {
    const { state, id } = session;
    if (this.#tools === undefined || this.#leaving.signal.aborted || this.#running.has(id) || this.#retired.has(id))
      return;
    if (state.turn === undefined && state.queue.length === 0) {
      if (state.notices.size === 0) return;
      const wait = untilWake(state.wakes, this.#settings().wakesPerHour, Date.now());
      if (wait > 0) {
        // A model that answers each notice by starting what sends the next one must not run for ever unasked.
        if (this.#sleeping.set(id, wait)) this.#warnOfWakes(id);
        return;
      }
    }
    const cancel = new AbortController();
    const leave = this.#leaving.signal;
    const stops: Stops = { cancel: cancel.signal, leave, either: AbortSignal.any([cancel.signal, leave]) };
    const parts: TurnParts = {
      session,
      models: this.#models,
      tools: () => this.#allowedTools(),
      settings: this.#settings,
      running: this.#backgroundOf,
      ...{ redactor: this.#redactor, written: new Map(), grants: this.#grants },
      grantKeys: this.#grantKeys,
      unsure: this.#unsure,
      warn: this.#warn,
    };
    const prompt = state.queue[0];
    const running: Running = {
      turnId: state.turn?.turn_id ?? prompt?.turn_id ?? undefined,
      cancel,
      done: Promise.resolve(),
    };
    this.#running.set(id, running);
    running.done = this.#run(parts, prompt, running, stops)
      .then(
        () => true,
        (error) => {
          if (!this.#leaving.signal.aborted) this.#warn(`A turn could not be recorded: ${String(error)}`);
          return false;
        },
      )
      .then((recorded) => {
        this.#running.delete(id);
        // After a failure of the log nothing is tried again by itself: the next prompt or notice does.
        if (recorded) this.#pump(session);
      });
  }

  async #run(parts: TurnParts, prompt: Prompt | undefined, running: Running, stops: Stops): Promise<void> {
    const { session } = parts;
    if (session.state.turn === undefined) await this.#begin(session, prompt, running);
    await runTurn(parts, stops);
    // Of this session alone: another's may wait for its person.
    const open = [...this.#running.keys()].map((id) => this.#sessions.loaded(id)?.state.turn?.calls);
    for (const call of this.#grantKeys.keys())
      if (!open.some((calls) => calls?.has(call))) this.#grantKeys.delete(call);
  }

  async #begin(session: Session, prompt: Prompt | undefined, running: Running): Promise<void> {
    const settings = this.#settings();
    const { row, state } = session;
    const turn_id = prompt?.turn_id ?? newId("turn");
    running.turnId = turn_id;
    const notices = nextNotices(state.notices);
    const workspace = prompt?.workspace ?? row.workspace;
    const model = prompt?.model ?? row.model ?? settings.model;
    const started = newEvent("turn.started", `${turn_id}:started`, {
      ...{ turn_id, notices, workspace, model },
      ...(prompt === undefined ? {} : { prompt_id: prompt.prompt_id }),
    });
    const patch = {
      ...(workspace === row.workspace ? {} : { workspace }),
      ...(prompt?.model === undefined || prompt.model === row.model ? {} : { model: prompt.model }),
    };
    const info = Object.keys(patch).length === 0 ? [] : [newEvent("session.info", `${turn_id}:info`, patch)];
    const views = notices.map((key) => ({ view: "notice", key, value: null as unknown }));
    if (prompt === undefined)
      views.push({ view: "turn", key: turn_id, value: { session_id: session.id, after: state.head } });
    await session.append([...info, started], { views, patient: true });
  }
}
