// The tool `clarify`: a question to the person. Asking, waiting and surviving a restart are the turn's business.
import * as z from "zod";
import { defineTool, ok, type Tool, type ToolContext } from "./tool.ts";
import { visible } from "./visible.ts";

/** Puts a question to the people of the session and waits for the first answer; rejects when the turn is cancelled. */
export type Ask = (ctx: ToolContext, question: string, choices: string[]) => Promise<string>;

const parameters = z.strictObject({
  question: z.string().min(1).max(10_000).describe("The question, complete in itself"),
  choices: z
    .array(z.string().min(1).max(500))
    .max(20)
    .optional()
    .describe("Answers to offer; the person may give another"),
});

export function clarifyTool(ask: Ask): Tool {
  return defineTool({
    name: "clarify",
    description:
      "Asks the person a question and waits for the answer. For what only they can decide or know; " +
      "not for permission to use a tool, which is asked for by itself.",
    parameters,
    // The question keeps its request over a restart, so asking "again" joins the one that is already shown.
    afterCrash: "again",
    plan: async ({ question }) => ({ preview: visible(`Ask: ${question}`) }),
    run: async ({ question, choices }, ctx) => ok(await ask(ctx, question, choices ?? [])),
  });
}
