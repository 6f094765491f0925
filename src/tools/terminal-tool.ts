// The tool `terminal`: a command, waited for or left running. A call and its process are one: each knows the other's name.
import * as z from "zod";
import { leftOf, systemClock } from "../processes/clock.ts";
import { type Processes, processIdOfCall } from "../processes/processes.ts";
import { HostError } from "../protocol/errors.ts";
import type { ProcessRow } from "../protocol/rows.ts";
import { shownPattern } from "../protocol/watch-pattern.ts";
import { commandApproval, grantKey, isPlainCommand } from "./approval-policy.ts";
import { commandOutput } from "./command-output.ts";
import { seconds, standing } from "./how-it-ended.ts";
import { shown, toAbsolute } from "./paths.ts";
import { BadArguments, defineTool, type Tool, type ToolContext, type ToolOutcome, type ToolSettings } from "./tool.ts";
import { visible } from "./visible.ts";

const parameters = z.strictObject({
  command: z.string().min(1).max(100_000).describe("What to run, as one would type it into the person's own shell"),
  background: z
    .boolean()
    .optional()
    .describe(
      "True: start it and go on at once; for servers, watchers and what takes minutes. Default false: wait for its end",
    ),
  pty: z
    .boolean()
    .optional()
    .describe("True: run it in a terminal of 30 rows and 120 columns, for programs that insist on one"),
  cwd: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("Directory to run in; default and start of relative paths: the workspace"),
  timeout: z
    .number()
    .min(1)
    .optional()
    .describe(
      "Seconds to wait for a foreground command; then it is killed. Not for background commands, which have no limit",
    ),
  watch_patterns: z
    .array(
      z.union([
        z.string().min(1).max(1000),
        z.strictObject({ regex: z.string().min(1).max(1000), ignore_case: z.boolean().optional() }),
      ]),
    )
    .max(50)
    .optional()
    .describe(
      "Background only: you are told when a line of the output contains one of them. A text is taken literally. " +
        'A regular expression is given as {"regex": "listening on port \\d+"}; it sees whole lines, each to its first ' +
        "64 KiB, and may not use back references, look-ahead or repetitions of more than 16",
    ),
  notify_on_complete: z
    .boolean()
    .optional()
    .describe("Background only: true if you want to be told, without asking, when it has ended"),
  check_every: z
    .number()
    .min(10)
    .max(86_400)
    .optional()
    .describe("Background only: seconds; you are told this often, while it runs, how it stands"),
});
type Arguments = z.output<typeof parameters> & { sandbox?: string | undefined };

/** Where commands can run. */
export interface SandboxChoice {
  /** What the agent may choose among; empty: it is not asked. */
  offered: readonly string[];
  /** Where they run when it does not say. */
  standard: () => string;
}
const NO_CHOICE: SandboxChoice = { offered: [], standard: () => "local" };

/** The schema, with a choice of sandboxes only where there are any. */
function parametersFor({ offered, standard }: SandboxChoice) {
  const [first, ...others] = offered;
  if (first === undefined) return parameters;
  const about = `Where to run it; default ${standard()}. What is not local is a sandbox: the workspace is there, the rest of this machine is not`;
  return parameters.extend({
    sandbox: z
      .enum([first, ...others])
      .optional()
      .describe(about),
  });
}

export function terminalTool(
  processes: Processes,
  settings: () => ToolSettings,
  sandboxes: SandboxChoice = NO_CHOICE,
): Tool {
  const sandboxOf = (args: Arguments): string => args.sandbox ?? sandboxes.standard();
  const foreground = new Foreground(processes, settings);
  return defineTool({
    name: "terminal",
    description:
      "Runs a shell command on the person's machine, in the workspace. By default it waits for the end and answers with " +
      "the output (standard output and error in the order they were written) and the exit code; standard input is empty. " +
      "A command that takes longer than its timeout is killed together with everything it has started. With background " +
      "true it answers at once with a process_id, with which the tool `process` reads the output, types into it, waits for " +
      "it or ends it; ask to be notified rather than polling.",
    parameters: parametersFor(sandboxes),
    afterCrash: "adopt",
    plan: async (args, ctx) => {
      const cwd = checked(args, ctx);
      const approval = commandApproval(args.command);
      const sandbox = sandboxOf(args);
      const where = [
        ...(cwd === ctx.workspace ? [] : [shown(ctx.workspace, cwd)]),
        ...(sandbox === "local" ? [] : [`the sandbox ${sandbox}`]),
      ];
      return {
        sandbox,
        preview: visible(`${args.command}${where.length === 0 ? "" : ` (in ${where.join(", ")})`}`),
        process_id: processIdOfCall(ctx.callId),
        approval,
        ...(!approval.dangerous &&
          isPlainCommand(args.command) && { grantKey: grantKey("terminal", { ...args, ...elsewhere(sandbox) }, cwd) }),
      };
    },
    run: async (args, ctx, plan) => {
      const cwd = checked(args, ctx);
      const row = await processes.start({
        process_id: processIdOfCall(ctx.callId),
        command: args.command,
        mode: args.pty === true ? "pty" : "pipe",
        cwd,
        session_id: ctx.sessionId,
        owner: "agent",
        origin: { turn_id: ctx.turnId, call_id: ctx.callId },
        ...(ctx.routing !== undefined && { routing: ctx.routing }),
        workspace: ctx.workspace,
        // As it was planned, and perhaps approved: the settings may be others by now.
        sandbox: plan.sandbox ?? sandboxOf(args),
        ...(args.background === true && {
          watch_patterns: args.watch_patterns ?? [],
          notify_on_complete: args.notify_on_complete ?? false,
          ...(args.check_every !== undefined && { check_every_s: args.check_every }),
        }),
      });
      return args.background === true ? inBackground(row) : foreground.follow(row, args, ctx);
    },
    // The process was started before the crash, or it was not: its id says which, and it never starts twice.
    recover: async (args, ctx) => {
      const id = processIdOfCall(ctx.callId);
      if (!processes.has(id)) return undefined;
      const row = processes.get(id);
      return args.background === true ? inBackground(row) : foreground.follow(row, args, ctx);
    },
  });
}

/** A grant for a sandbox is none for this machine, nor the other way round. */
const elsewhere = (sandbox: string): { sandbox?: string } => (sandbox === "local" ? {} : { sandbox });

/** The working directory. Throws BadArguments for what only goes together with `background`. */
function checked(args: Arguments, ctx: ToolContext): string {
  const { background, watch_patterns, notify_on_complete, check_every } = args;
  const asked = (watch_patterns?.length ?? 0) > 0 || notify_on_complete === true || check_every !== undefined;
  if (background !== true && asked) {
    throw new BadArguments(
      "watch_patterns, notify_on_complete and check_every need background: true; without it you see the end anyway",
    );
  }
  if (background === true && args.timeout !== undefined) {
    throw new BadArguments(
      "timeout is for foreground commands: wait for a background one with the tool process, or kill it",
    );
  }
  if (args.command.trim() === "") throw new BadArguments("command is empty: give the command to run");
  return toAbsolute(ctx.workspace, args.cwd ?? ".");
}

function inBackground(row: ProcessRow): ToolOutcome {
  const { process_id } = row;
  if (row.status === "failed_start") {
    return { status: "failed", result: `The command ${standing(row)}.`, process_id };
  }
  const told = [
    ...(row.watch_patterns.length > 0
      ? [`when its output contains ${row.watch_patterns.map((one) => quoted(shownPattern(one))).join(" or ")}`]
      : []),
    ...(row.check_every_s === null ? [] : [`every ${row.check_every_s} s how it stands`]),
    ...(row.notify_on_complete ? ["when it has ended"] : []),
  ];
  const lines = [
    `Started in the background as ${process_id}, pid ${row.pid ?? "unknown"}, in ${row.cwd}.`,
    ...row.notes,
    told.length > 0
      ? `You will be told ${told.join(", and ")}: no need to ask or to wait.`
      : "You will not be told when it ends: look with the tool process.",
  ];
  return { status: "ok", result: lines.join("\n"), process_id };
}

const quoted = (text: string): string => JSON.stringify(text);

class Foreground {
  readonly #processes: Processes;
  readonly #settings: () => ToolSettings;

  constructor(processes: Processes, settings: () => ToolSettings) {
    this.#processes = processes;
    this.#settings = settings;
  }

  /** Until the end, the timeout (counted from the start, also over a restart) or the cancel; the latter two kill the tree. */
  async follow(started: ProcessRow, args: Arguments, ctx: ToolContext): Promise<ToolOutcome> {
    const { process_id } = started;
    const { commandTimeoutS, commandTimeoutMaxS } = this.#settings();
    const limitMs = Math.min(args.timeout ?? commandTimeoutS, commandTimeoutMaxS) * 1000;
    const notes = [...started.notes];
    if ((args.timeout ?? 0) > commandTimeoutMaxS) {
      notes.push(`A timeout of ${args.timeout} s was asked for; the most is ${commandTimeoutMaxS} s.`);
    }
    // A command that reads standard input would wait for the timeout: nobody is there to type. A terminal has its person.
    if (args.pty !== true) await this.#endInput(process_id);
    const left = started.recovered ? leftOf(systemClock, started.started_at, limitMs) : limitMs;
    const timedOut = !(await this.#ended(process_id, left, ctx.signal));
    if (timedOut || ctx.signal.aborted) {
      await this.#processes.kill(process_id, { source: timedOut ? "timeout" : "cancel" });
      ctx.signal.throwIfAborted();
    }
    const row = this.#processes.get(process_id);
    const output = await commandOutput(this.#processes, process_id);
    const end = timedOut
      ? `Timeout: it did not end within ${seconds(limitMs)} and was killed, with everything it had started. ` +
        "Give a longer timeout, or run it in the background."
      : `${capital(standing(row))}.`;
    const status = row.status === "exited" && row.exit_code === 0 && !timedOut ? "ok" : "failed";
    const about = [...(output.trim() === "" ? ["No output."] : []), end, ...notes].join(" ");
    return { status, result: `${output}${gap(output)}[${about}]`, process_id };
  }

  /** False if it still runs after `limitMs`; true if it has ended or the wait was aborted. */
  async #ended(id: string, limitMs: number, signal: AbortSignal): Promise<boolean> {
    for (const deadline = systemClock.now() + limitMs; ; ) {
      // One wait may be limited to less than this command's timeout: then it is waited for again.
      const left = Math.max(0, deadline - systemClock.now());
      const { status } = await this.#processes.wait(id, { timeoutMs: left, signal });
      if (status !== "timeout") return true;
      if (systemClock.now() >= deadline) return false;
    }
  }

  async #endInput(id: string): Promise<void> {
    try {
      await this.#processes.closeInput(id);
    } catch (error) {
      if (!(error instanceof HostError) || error.reason !== "already_exited") throw error;
    }
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const gap = (output: string): string => (output === "" ? "" : output.endsWith("\n") ? "\n" : "\n\n");
