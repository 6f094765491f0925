// What the tests of tools share: a directory of their own, and a turn to call a tool in.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tool, ToolContext, ToolOutcome } from "../../src/tools/tool.ts";

/** A temporary directory, removed at the end of the block. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "hearth-tools-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function context(workspace: string, more: Partial<ToolContext> = {}): ToolContext {
  const signal = new AbortController().signal;
  return { sessionId: "ses_1", turnId: "turn_1", callId: "call_1", workspace, signal, newMessage: signal, ...more };
}

/** Plan, then run: as the turn loop does when nobody has to be asked. */
export async function call(tool: Tool, args: Record<string, unknown>, ctx: ToolContext): Promise<ToolOutcome> {
  return tool.run(args, ctx, await tool.plan(args, ctx));
}
