// The tool `process`: looking after what runs in the background. What it has told the agent about an end is not told again.
import * as z from "zod";
import { endedNotice, type Processes } from "../processes/processes.ts";
import { HostError } from "../protocol/errors.ts";
import { Id } from "../protocol/ids.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import { endApproval, inputApproval } from "./approval-policy.ts";
import { standing } from "./how-it-ended.ts";
import {
  BadArguments,
  defineTool,
  failed,
  ok,
  type Plan,
  type Tool,
  type ToolContext,
  type ToolOutcome,
} from "./tool.ts";
import { visible } from "./visible.ts";

const actions = ["list", "poll", "log", "wait", "kill", "write", "submit", "close"] as const;
type Action = (typeof actions)[number];

const parameters = z.strictObject({
  action: z
    .enum(actions)
    .describe(
      "list: all processes of this conversation. poll: how one stands, with its latest output. log: lines of its output. " +
        "wait: until it ends or timeout. kill: end it and everything it has started. write: send text to its standard " +
        "input as it is. submit: send text and the Enter key. close: end its standard input",
    ),
  process_id: Id.optional().describe("Which one; needed by all actions but list"),
  data: z.string().max(1_000_000).optional().describe("The text for write and submit"),
  offset: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("log: first line wanted, counted from 1; default 0: the last lines"),
  limit: z.number().int().min(1).max(5000).optional().describe("log: how many lines; default 200"),
  timeout: z.number().min(0).optional().describe("wait: seconds; without it as long as the host's settings allow"),
});
type Arguments = z.output<typeof parameters>;

export function processTool(processes: Processes): Tool {
  const desk = new Desk(processes);
  return defineTool({
    name: "process",
    description:
      "Looks after processes that run in the background: those that the tool `terminal` has started in this conversation, " +
      "and those that the person has started outside of any. You are told by itself about the end of a process and about " +
      "matching output where you asked for it at its start; wait and poll are for the rest.",
    parameters,
    // Reading, ending and closing may be done twice; typing may not, and nobody can tell whether it has happened.
    afterCrash: "unknown",
    plan: async (args, ctx) => desk.plan(args, ctx),
    run: (args, ctx) => desk.act(args, ctx),
    recover: async (args) => (args.action === "write" || args.action === "submit" ? notKnown(args.action) : undefined),
  });
}

function notKnown(action: Action): ToolOutcome {
  return {
    status: "unknown",
    result: `The host restarted during this ${action}: nobody can tell whether the program has got the text. Look at its output.`,
  };
}

class Desk {
  readonly #processes: Processes;
  constructor(processes: Processes) {
    this.#processes = processes;
  }

  plan(args: Arguments, ctx: ToolContext): Plan {
    if (args.action === "list") return { preview: "List processes" };
    const row = this.#row(args, ctx);
    const { process_id } = row;
    const about = `${process_id} (${row.command})`;
    if (args.action === "write" || args.action === "submit") {
      const text = this.#data(args);
      return {
        preview: visible(`Type into ${about}: ${text}${args.action === "submit" ? "\n" : ""}`),
        process_id,
        approval: inputApproval(text),
      };
    }
    const preview = visible(`${args.action.charAt(0).toUpperCase()}${args.action.slice(1)} ${about}`);
    const ends = args.action === "kill" || args.action === "close";
    const own = row.owner === "agent" && row.session_id === ctx.sessionId;
    return { preview, process_id, ...(ends && !own && { approval: endApproval() }) };
  }

  async act(args: Arguments, ctx: ToolContext): Promise<ToolOutcome> {
    if (args.action === "list") return ok(await this.#list(ctx));
    const row = this.#row(args, ctx);
    try {
      return await this.#actOn(row.process_id, args.action, args, ctx);
    } catch (error) {
      if (!(error instanceof HostError) || error.reason !== "already_exited") throw error;
      return failed(`${row.process_id} has ended: ${standing(this.#processes.get(row.process_id))}.`);
    }
  }

  async #actOn(id: string, action: Exclude<Action, "list">, args: Arguments, ctx: ToolContext): Promise<ToolOutcome> {
    const processes = this.#processes;
    switch (action) {
      case "poll": {
        const { output, detached, ...row } = await processes.poll(id);
        return this.#seen(
          row,
          ctx,
          `${heading(row)}${detached ? " Taken over from an earlier host." : ""}${latest(output)}`,
        );
      }
      case "log": {
        const page = await processes.log(id, {
          ...(args.offset !== undefined && { offset: args.offset }),
          ...(args.limit !== undefined && { limit: args.limit }),
        });
        const row = { ...processes.get(id), status: page.status };
        return this.#seen(
          row,
          ctx,
          `${page.output}${page.output === "" ? "" : "\n\n"}[${id}, ${page.status}; ${page.showing}.]`,
        );
      }
      case "wait": {
        const { output, note, status } = await processes.wait(id, {
          ...(args.timeout !== undefined && { timeoutMs: args.timeout * 1000 }),
          signal: AbortSignal.any([ctx.signal, ctx.newMessage]),
        });
        ctx.signal.throwIfAborted();
        const row = processes.get(id);
        const why = status === "interrupted" ? " The wait ended early: the person has sent a new message." : "";
        const text = `${heading(row)}${note === undefined ? "" : ` ${note}`}${why}${latest(output)}`;
        return status === "exited" ? this.#seen(row, ctx, text) : ok(text, { process_id: id });
      }
      case "kill": {
        const { status, process, note } = await processes.kill(id, { source: "agent" });
        const text = status === "already_exited" ? `It had already ended. ${heading(process)}` : heading(process);
        return this.#seen(process, ctx, note === undefined ? text : `${text} ${note}`);
      }
      case "write":
      case "submit": {
        const text = this.#data(args);
        const taken =
          action === "submit" ? await processes.submit(id, text) : await processes.write(id, Buffer.from(text));
        const sent = Buffer.byteLength(text) + (action === "submit" ? 1 : 0);
        const part = taken < sent ? ` of ${sent}: the program does not read the rest now, send it again later` : "";
        return ok(`${id} took ${taken} bytes${part}.`, { process_id: id });
      }
      case "close":
        await processes.closeInput(id);
        return ok(`The standard input of ${id} is at its end.`, { process_id: id });
      default:
        return action satisfies never;
    }
  }

  /** An answer that shows the end of the session's own process has consumed its notice (P12, P13, P14). */
  #seen(row: ProcessRow, ctx: ToolContext, result: string): ToolOutcome {
    const over = row.status !== "running" && row.session_id === ctx.sessionId;
    return ok(result, { process_id: row.process_id, ...(over && { notices: [endedNotice(row.process_id)] }) });
  }

  async #list(ctx: ToolContext): Promise<string> {
    const rows = (await this.#processes.list({})).filter((row) => mayUse(row, ctx));
    if (rows.length === 0) return "No processes.";
    const shownRows = rows.slice(0, 100).map((row) => {
      const facts = [
        ...(row.name === null ? [] : [`name ${row.name}`]),
        ...(row.pid === null || row.status !== "running" ? [] : [`pid ${row.pid}`]),
        `in ${row.cwd}`,
        ...(row.watch_patterns.length === 0
          ? []
          : [`watches ${row.watch_patterns.map((text) => JSON.stringify(text)).join(", ")} (${row.watch_hits} hits)`]),
        ...(row.notify_on_complete && row.status === "running" ? ["you will be told when it ends"] : []),
        ...(row.session_id === null ? ["the person's, started outside of this conversation"] : []),
        ...(row.recovered ? ["taken over from an earlier host"] : []),
      ];
      const tail = row.tail.trim() === "" ? "" : `\n${row.tail.trimEnd().replace(/^/gm, "  | ")}`;
      return `${row.process_id}: ${row.command}\n  ${standing(row)}; ${facts.join("; ")}${tail}`;
    });
    const more = rows.length > 100 ? [`[${rows.length - 100} older ones are not shown.]`] : [];
    return [...shownRows, ...more].join("\n");
  }

  #row(args: Arguments, ctx: ToolContext): ProcessRow {
    const id = args.process_id;
    if (id === undefined)
      throw new BadArguments(`${args.action} needs a process_id: the action list shows those there are`);
    const row = this.#processes.has(id) ? this.#processes.get(id) : undefined;
    // Another conversation's process is answered like one that does not exist: its id is nobody else's business.
    if (row !== undefined && mayUse(row, ctx)) return row;
    throw new BadArguments(`There is no process ${visible(id)} here: the action list shows those there are`);
  }

  #data(args: Arguments): string {
    if (args.data === undefined && args.action === "submit") return "";
    if (args.data === undefined) throw new BadArguments("write needs data: the text to send");
    return args.data;
  }
}

/** This conversation's own, and those of no conversation, which the person has started (P16). */
function mayUse(row: Pick<ProcessRow, "session_id">, ctx: ToolContext): boolean {
  return row.session_id === null || row.session_id === ctx.sessionId;
}

function heading(row: ProcessRow): string {
  const pid = row.pid !== null && row.status === "running" ? `, pid ${row.pid}` : "";
  return `${row.process_id} (${row.command.slice(0, 200)}): ${standing(row)}${pid}.`;
}

function latest(output: string): string {
  return output.trim() === "" ? "\nNo output." : `\nLatest output:\n${output}`;
}
