// What a tool is to the turn loop: a plan that can be shown and recorded before anything happens, then the act itself.
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import type { Routing } from "../protocol/rows.ts";
import type { Covers } from "./line-diff.ts";

/** What a model is told of a tool. The models part reads the same shape; neither part needs the other for it. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: Record<string, unknown>;
}
/** The arguments as a model sent them: not yet checked. */
export type RawArguments = Readonly<Record<string, unknown>>;

/** Where and for whom a call runs. `signal` aborts when the turn is cancelled. */
export interface ToolContext {
  sessionId: string;
  turnId: string;
  callId: string;
  /** Absolute path; relative paths in arguments start here. */
  workspace: string;
  signal: AbortSignal;
  /** Aborts when the person has sent another message: whoever merely waits stops waiting (P14). */
  newMessage: AbortSignal;
  /** Where the person's words came from, if that was given: processes that are started keep it. */
  routing?: Routing;
}

export interface ToolOutcome {
  /** `unknown` comes from `recover` alone: nobody can tell whether the effect has happened. */
  status: "ok" | "failed" | "unknown";
  /** What the model is told; at most MAX_RESULT characters. */
  result: string;
  process_id?: string;
  /** Ids of notices that this result has told the agent already. */
  notices?: string[];
}

/** What a call is about to do: decided without doing any of it, recorded in `tool.start`. */
export interface Plan {
  /** One line for people. */
  preview: string;
  process_id?: string;
  /** SHA-256 (hex) of the file to be written, null if there is none, undefined where the tool writes no file. */
  before?: string | null;
  after?: string;
  /** What a write changes, as unified diff, for the person who is asked; undefined where there is nothing to compare. */
  change?: (covers: Covers) => string | undefined;
  /** Where a command is to run, `local` or a sandbox: what was approved for one is not run in another. */
  sandbox?: string;
  /** Undefined: needs no approval. `dangerous`: asks even where a grant for the session exists. */
  approval?: { reason: string; dangerous: boolean };
  /** Exact identity of the call for "always" grants; undefined: it cannot be granted for always. */
  grantKey?: string;
}

export interface Tool {
  readonly spec: ToolSpec;
  /** What a restart does with a call that has a start and no result: run it again, adopt its process, compare, or ask. */
  readonly afterCrash: "again" | "adopt" | "compare" | "unknown";
  /** Throws BadArguments, or the signal's reason when aborted. */
  plan(args: RawArguments, ctx: ToolContext): Promise<Plan>;
  /** Every failure is an outcome; throws only BadArguments, or the signal's reason when aborted. */
  run(args: RawArguments, ctx: ToolContext, plan: Plan): Promise<ToolOutcome>;
  /** After a crash, given what `tool.start` recorded: an outcome, or undefined where the call is to be run (again). */
  recover?(args: RawArguments, ctx: ToolContext, plan: Plan): Promise<ToolOutcome | undefined>;
}

/** Limits of the tools, all from the configuration. */
export interface ToolSettings {
  /** Foreground commands without a `timeout` of their own, in seconds. */
  commandTimeoutS: number;
  /** The longest `timeout` a call may ask for, in seconds; more is cut to it, and the result says so. */
  commandTimeoutMaxS: number;
}
export const defaultToolSettings: ToolSettings = { commandTimeoutS: 180, commandTimeoutMaxS: 600 };

/** No result is longer than this, in UTF-16 units (a page of 256 KiB with its footer). */
export const MAX_RESULT = 270_000;

/** The model's arguments cannot be meant; the message is one sentence that it can act on. */
export class BadArguments extends HostError {
  constructor(message: string, options?: ErrorOptions) {
    super("invalid_params", message, options);
  }
}

/** A tool written against checked arguments. */
export interface Definition<S extends z.ZodType> {
  name: string;
  description: string;
  parameters: S;
  afterCrash: Tool["afterCrash"];
  plan(args: z.output<S>, ctx: ToolContext): Promise<Plan>;
  run(args: z.output<S>, ctx: ToolContext, plan: Plan): Promise<ToolOutcome>;
  recover?(args: z.output<S>, ctx: ToolContext, plan: Plan): Promise<ToolOutcome | undefined>;
}

/**
 * Makes a tool of its definition: arguments are checked at every door, failures become results, results are bounded.
 * The JSON schema that models see is generated from the same zod schema that checks their arguments.
 */
export function defineTool<S extends z.ZodType>(definition: Definition<S>): Tool {
  const { name, recover } = definition;
  const check = (args: RawArguments): z.output<S> => {
    // Models fill in null for what they leave out.
    const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
    const checked = definition.parameters.safeParse(given);
    if (checked.success) return checked.data;
    throw new BadArguments(`Bad arguments for ${name}: ${sentence(checked.error)}`);
  };
  const settle = async (ctx: ToolContext, act: () => Promise<ToolOutcome | undefined>) => {
    ctx.signal.throwIfAborted();
    try {
      const outcome = await act();
      return outcome && { ...outcome, result: bounded(outcome.result) };
    } catch (error) {
      // A cancelled turn records its own end; whatever the abort broke on its way is not the model's business.
      ctx.signal.throwIfAborted();
      if (error instanceof BadArguments) throw error;
      return failed(inWords(error));
    }
  };
  return {
    spec: { name, description: definition.description, parameters: jsonSchema(definition.parameters) },
    afterCrash: definition.afterCrash,
    plan: async (args, ctx) => {
      ctx.signal.throwIfAborted();
      const checked = check(args);
      try {
        return await definition.plan(checked, ctx);
      } catch (error) {
        // What cannot even be planned (a path that is a directory) is the arguments' fault, whoever noticed it.
        throw error instanceof BadArguments ? error : new BadArguments(inWords(error), { cause: error });
      }
    },
    run: async (args, ctx, plan) => {
      const checked = check(args);
      return (await settle(ctx, () => definition.run(checked, ctx, plan))) ?? failed(`${name} gave no result`);
    },
    ...(recover && {
      recover: async (args, ctx, plan) => {
        const checked = check(args);
        return settle(ctx, () => recover(checked, ctx, plan));
      },
    }),
  };
}

export const ok = (result: string, more?: Partial<ToolOutcome>): ToolOutcome => ({ status: "ok", result, ...more });
export const failed = (result: string, more?: Partial<ToolOutcome>): ToolOutcome => ({
  status: "failed",
  result,
  ...more,
});

/** An error as a sentence for a model: no stack, and the path that a system error names. */
export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}

/** All complaints in one sentence: `timeout: expected number; comand: not an argument of this tool`. */
function sentence(error: z.ZodError): string {
  const complaints = error.issues.slice(0, 5).map((issue) => {
    if (issue.code === "unrecognized_keys") return `no such argument: ${issue.keys.slice(0, 5).join(", ")}`;
    const at = issue.path.join(".");
    const message = issue.message.replace(/^Invalid input: /, "");
    return at === "" ? message : `${at}: ${message}`;
  });
  return complaints.join("; ");
}

function bounded(text: string): string {
  return text.length <= MAX_RESULT ? text : `${text.slice(0, MAX_RESULT - 40)}\n[cut: the result was longer]`;
}
