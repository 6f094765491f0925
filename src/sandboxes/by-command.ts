// Any other backend by its command line alone: what it takes is a word for each thing that Hearth knows.
import type { CommandConfig } from "./configured.ts";
import { environmentFor } from "./errands.ts";
import type { Sandbox, SandboxContext, SandboxRequest } from "./types.ts";
import { lastWords } from "./words.ts";

export function openByCommand(config: CommandConfig, context: SandboxContext): Sandbox {
  const { clean_up } = config;
  return {
    kind: "command",
    about: config.argv[0] ?? "",
    sameSystem: false,
    shell: config.shell,
    limited: "here",
    startMs: config.start_s * 1000,
    enter: async (request) => ({
      transport: {
        argv: filled(config.argv, context, request),
        env: environmentFor(context.environment, config.environment),
        cwd: "/",
      },
    }),
    ...(clean_up !== undefined && {
      cleanUp: async (id) => {
        const words = filled(clean_up, context, { id, cwd: "/", workspace: "/" });
        const said = await context.run(words, { environment: config.environment });
        if (said.code !== 0) context.warn(`Cleaning up after ${id} in ${context.name}: ${lastWords(said.text)}`);
      },
    }),
  };
}

function filled(
  words: readonly string[],
  { keeperBinary }: SandboxContext,
  { id, cwd, workspace }: Pick<SandboxRequest, "id" | "cwd" | "workspace">,
): string[] {
  const values: Readonly<Record<string, string>> = { keeper: keeperBinary, id, cwd, workspace };
  return words.map((word) => word.replace(/\{(keeper|id|cwd|workspace)\}/g, (_, name: string) => values[name] ?? ""));
}
