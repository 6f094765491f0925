// Which shell a person means when they have not said.
import { access, constants } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "./environment.ts";

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** `$SHELL` if it is there, else the first of zsh, bash, sh in PATH, else /bin/sh (T2). An absolute path. */
export async function chooseShell(environment: Environment): Promise<string> {
  const chosen = environment.SHELL;
  if (chosen !== undefined && path.isAbsolute(chosen) && (await executable(chosen))) return chosen;
  const folders = (environment.PATH ?? "").split(":").filter((folder) => path.isAbsolute(folder));
  for (const name of ["zsh", "bash", "sh"])
    for (const folder of folders) {
      const file = path.join(folder, name);
      if (await executable(file)) return file;
    }
  return "/bin/sh";
}

/** How a shell is started for a person who types into it. */
export function interactive(shell: string): string[] {
  return ["zsh", "bash", "sh"].includes(path.basename(shell)) ? [shell, "-i"] : [shell];
}
