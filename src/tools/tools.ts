// The agent's tools, put together.
import type { Processes } from "../processes/processes.ts";
import { type Ask, clarifyTool } from "./clarify.ts";
import { Keepout } from "./paths.ts";
import { processTool } from "./process-tool.ts";
import { readFileTool } from "./read-file.ts";
import { searchFilesTool } from "./search-files.ts";
import { type SandboxChoice, terminalTool } from "./terminal-tool.ts";
import type { Tool, ToolSettings } from "./tool.ts";
import { writeFileTool } from "./write-file.ts";

export type { Ask } from "./clarify.ts";
export { dangerous } from "./dangerous.ts";
export {
  BadArguments,
  defaultToolSettings,
  type Plan,
  type Tool,
  type ToolContext,
  type ToolOutcome,
  type ToolSettings,
  type ToolSpec,
} from "./tool.ts";

/** All tools by their names, in the order models are shown them. Settings are read at each call. */
export function buildTools(options: {
  processes: Processes;
  settings: () => ToolSettings;
  ask: Ask;
  /** The host's own directory: no file tool reads, writes or searches there. */
  stateDirectory?: string;
  /** The settings: they hold keys and decide what is asked about, so they are as far away. */
  configFile?: string;
  /** Where commands can run: the names the agent may choose among, and where they run when it names none. */
  sandboxes?: SandboxChoice;
}): ReadonlyMap<string, Tool> {
  const keepout = new Keepout(options.stateDirectory, options.configFile);
  const tools = [
    terminalTool(options.processes, options.settings, options.sandboxes),
    processTool(options.processes),
    readFileTool(keepout),
    writeFileTool(keepout),
    searchFilesTool(keepout),
    clarifyTool(options.ask),
  ];
  return new Map(tools.map((tool) => [tool.spec.name, tool]));
}
