// Every method of the protocol, and which part answers it. A method without a handler does not compile.

import { join } from "node:path";
import { CursorGone } from "../log/event-log.ts";
import { HostError } from "../protocol/errors.ts";
import { sessionStream } from "../protocol/events.ts";
import type { Checked, Method, Result } from "../protocol/methods.ts";
import type { Services } from "./services.ts";
import type { Shares } from "./shares.ts";
import { asListed, killedShell } from "./shells.ts";

const SHARE_MINUTES = 60;

/** The connection a call came over, where it can carry events. */
export interface Subscriber {
  /** Throws too_many. Without an id: a session that is still to be made. To be asked before anything is done. */
  mayFollow(sessionId?: string): void;
  /**
   * Sends every event after `after`, then live ones; takes the place of an older subscription to this session. Never throws:
   * by then it was promised.
   */
  follow(sessionId: string, after: number): void;
  /** False if it did not follow it. */
  unfollow(sessionId: string): boolean;
}
/** One request on its way. */
export interface Call {
  /** Aborted when the client cancels it or its connection ends. */
  readonly signal: AbortSignal;
  readonly subscriber: Subscriber | undefined;
  /** Runs once the answer was handed to the connection: what follows from it must not come before it. */
  afterwards(step: () => void): void;
}
export type Handlers = {
  [M in Method]: (params: Checked<M>, call: Call) => Result<M> | Promise<Result<M>>;
};
type AnyHandler = (params: unknown, call: Call) => unknown;
/** The one place where the table's types are set aside: the dispatcher has checked `params` against the same table. */
export const handlerOf = (handlers: Handlers, method: Method): AnyHandler => handlers[method] as AnyHandler;

export interface HandlerOptions {
  services: Services;
  mintTicket: () => { ticket: string; url: string };
  shares: Shares;
  /** Of the page, as a browser on this machine opens it. */
  address: () => string;
}

/** What answers each method of the protocol; parameters were checked against its schema before. */
export function makeHandlers({ services, mintTicket, shares, address }: HandlerOptions): Handlers {
  const { log, turns, processes, sandboxes, usage, terminals, models, config, host, tools } = services;
  const clean = <T>(value: T): T => services.redactor?.value(value) ?? value;
  return {
    "session.create": async (params, { subscriber, afterwards }) => {
      subscriber?.mayFollow();
      const { session, seq } = await turns.create(params);
      afterwards(() => subscriber?.follow(session.session_id, seq));
      return { session_id: session.session_id, session, seq };
    },
    "session.list": ({ limit }) => ({ sessions: turns.list(limit) }),
    "session.resume": async ({ session_id, after }, { subscriber, afterwards }) => {
      subscriber?.mayFollow(session_id);
      turns.row(session_id);
      const stream = sessionStream(session_id);
      const [seq, pending] = await Promise.all([log.head(stream), turns.pending(session_id)]);
      if (after !== undefined && after > seq) throw new CursorGone(stream, after, seq);
      afterwards(() => subscriber?.follow(session_id, after ?? seq));
      // Read last: it says no less than the numbers before it.
      return { session_id, session: turns.row(session_id), seq, pending };
    },
    "session.history": (params) => turns.history(params),
    "session.title": async ({ session_id, title }) => {
      await turns.setTitle(session_id, title);
      return { session: turns.row(session_id) };
    },
    "session.workspace": async ({ session_id, workspace }) => ({
      session: await turns.setWorkspace(session_id, workspace),
    }),
    "session.interrupt": async ({ session_id, turn_id }) => ({
      interrupted: await turns.interrupt(session_id, turn_id),
    }),
    "session.close": ({ session_id }, { subscriber }) => ({ closed: subscriber?.unfollow(session_id) ?? false }),
    "session.delete": async ({ session_id, end }) => {
      turns.row(session_id);
      using _retired = end === true ? await turns.retire(session_id) : undefined;
      if (end === true) {
        const open = terminals.list({ session_id });
        await Promise.all([
          processes.killAll({ session_id }, "session.delete"),
          ...open.map((row) => terminals.end(row.terminal_id)),
        ]);
      }
      const running = [...(await processes.list({ session_id })), ...terminals.list({ session_id })];
      if (running.some((row) => row.status === "running")) {
        throw new HostError("session_busy", "Processes or terminals of this conversation run: end them first");
      }
      const deleted = await turns.delete(session_id);
      await processes.forgetSession(session_id);
      return { deleted };
    },
    "session.export": ({ session_id, format }) => turns.export(session_id, format ?? "json"),

    "prompt.submit": (params) => turns.submit(params),
    "approval.respond": ({ request_id, choice }) => turns.respond(request_id, choice),
    "clarify.respond": ({ request_id, answer }) => turns.answer(request_id, answer),

    "delegation.complete": (params) => turns.delegated(params),

    "sandbox.list": () => sandboxes.list(),
    "process.start": (params) => {
      // In a session's directory, or one seen from there; an unknown session is an error here.
      const workspace = params.session_id === undefined ? undefined : turns.row(params.session_id).workspace;
      const cwd = from(workspace, params.cwd);
      return processes.start({ ...given(params), ...given({ cwd, workspace }), owner: "person" });
    },
    "process.list": async ({ terminals: shells, ...filter }) => {
      const rows = await processes.list(given(filter));
      // A terminal is nobody's task.
      const also = shells === true && filter.task_id === undefined ? terminals.list(given(filter)) : [];
      return { processes: [...rows, ...also.map(asListed)].sort((a, b) => b.started_at - a.started_at) };
    },
    "process.activity": (about) => processes.activity(given(about)),
    "process.poll": ({ process_id }) => processes.poll(process_id),
    "process.log": ({ process_id, ...range }) => processes.log(process_id, given(range)),
    "process.wait": ({ process_id, timeout }, { signal }) =>
      processes.wait(process_id, { signal, ...given({ timeoutMs: inMs(timeout) }) }),
    "process.kill": async ({ process_id, grace }) => {
      const shell = terminals.list({}).find((row) => row.terminal_id === process_id);
      if (shell === undefined)
        return await processes.kill(process_id, { source: "process.kill", ...given({ graceMs: inMs(grace) }) });
      await terminals.end(process_id);
      return killedShell(shell);
    },
    "process.kill_all": async (filter) => ({ killed: await processes.killAll(given(filter), "kill_all") }),
    "process.write": async ({ process_id, data }) => ({ bytes: await processes.write(process_id, toBytes(data)) }),
    "process.submit": async ({ process_id, data }) => ({ bytes: await processes.submit(process_id, data ?? "") }),
    "process.close": async ({ process_id }) => {
      await processes.closeInput(process_id);
      return { closed: true };
    },
    "process.signal": async ({ process_id, signal }) => {
      await processes.signal(process_id, signal);
      return { process_id, signal };
    },
    "process.usage": ({ process_ids }) => usage.of(process_ids),
    "process.top": ({ process_id }) => usage.top(process_id),
    "process.resize": ({ process_id, rows, cols }) => processes.resize(process_id, rows, cols),

    "terminal.open": (params) => {
      const { workspace } = turns.row(params.session_id);
      return terminals.open({ workspace, anywhere: params.workspace === undefined, ...given(params) });
    },
    "terminal.list": (filter) => ({ terminals: terminals.list(given(filter)) }),
    "terminal.rename": ({ terminal_id, title }) => terminals.rename(terminal_id, title),
    "terminal.inside": async ({ terminal_id }) => clean({ processes: await terminals.inside(terminal_id) }),
    "terminal.input": async ({ terminal_id, data }) => ({ bytes: await terminals.input(terminal_id, toBytes(data)) }),
    "terminal.resize": ({ terminal_id, rows, cols }) => terminals.resize(terminal_id, rows, cols),
    "terminal.close": async ({ terminal_id }) => ({ closed: await terminals.end(terminal_id) }),

    "share.create": async ({ terminal_id, process_id, minutes }) => {
      const target = terminal_id ?? process_id ?? "";
      const there = terminal_id === undefined ? processes.has(target) : terminals.has(target);
      if (!there) {
        const reason = terminal_id === undefined ? "process_not_found" : "terminal_not_found";
        throw new HostError(reason, `There is no terminal or process "${target.slice(0, 100)}" to watch.`);
      }
      const { secret, row } = await shares.create(target, minutes ?? SHARE_MINUTES);
      return { ...row, url: `${address()}/#watch=${secret}` };
    },
    "share.list": () => ({ shares: shares.list() }),
    "share.revoke": async ({ share_id }) => ({ revoked: await shares.revoke(share_id) }),

    "model.list": async (_, { signal }) => ({
      models: await models.list(signal),
      current: currentModel(config.get("model")),
      help: models.help(),
    }),
    "model.set": async ({ model, session_id }) => {
      await models.resolve(model);
      await (session_id === undefined ? config.setModel(model) : turns.setModel(session_id, model));
      return { model };
    },
    "config.get": ({ key }) => ({ config: config.get(key) }),
    "config.set": async ({ key, value, session_id }) => {
      await (session_id === undefined ? config.setApprovals(value) : turns.setApprovals(session_id, value));
      return { key, value };
    },
    "usage.get": ({ session_id }) => turns.usage(session_id),
    "tools.list": () => ({
      tools: [...tools.values()].map(({ spec: { name, description, parameters } }) => ({
        name,
        description,
        parameters,
      })),
    }),
    "host.status": () => host.status(),
    "host.stop": ({ all }, { afterwards }) => {
      afterwards(() => host.stop(all ?? false));
      return { stopping: true };
    },
    "ticket.mint": () => mintTicket(),
  };
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };
/** Without the keys whose value is undefined: absent and undefined differ for those who spread. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
/** A relative path as it is meant in a workspace; absolute ones and those of somebody's home stand for themselves. */
const from = (workspace: string | undefined, path: string | undefined): string | undefined =>
  workspace === undefined || path === undefined || /^[/~]/.test(path) ? (path ?? workspace) : join(workspace, path);
const inMs = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : seconds * 1000);
const toBytes = (data: string | { base64: string }): Uint8Array =>
  typeof data === "string" ? Buffer.from(data) : Buffer.from(data.base64, "base64");
const currentModel = ({ model }: Record<string, unknown>): string => (typeof model === "string" ? model : "offline");
