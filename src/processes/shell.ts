// Which shell a person means when they have not said.
import path from "node:path";
import { findProgram } from "../sandboxes/find-program.ts";
import type { Environment } from "./environment.ts";

/** `$SHELL` if it is there, else the first of zsh, bash, sh in PATH, else /bin/sh (T2). An absolute path. */
export async function chooseShell({ SHELL, PATH = "" }: Environment): Promise<string> {
  const chosen = SHELL !== undefined && path.isAbsolute(SHELL) ? await findProgram(SHELL) : undefined;
  if (chosen !== undefined) return chosen;
  for (const name of ["zsh", "bash", "sh"]) {
    const found = await findProgram(name, PATH);
    if (found !== undefined) return found;
  }
  return "/bin/sh";
}

/** How a shell is started for a person who types into it. */
export function interactive(shell: string): string[] {
  return ["zsh", "bash", "sh"].includes(path.basename(shell)) ? [shell, "-i"] : [shell];
}
