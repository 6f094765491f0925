// A workspace is a directory a person named: made absolute, and checked before anything runs in it.
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { HostError } from "../protocol/errors.ts";

/** The absolute path without links; `~` is the home directory. Throws workspace_invalid with what is wrong. */
export async function resolveWorkspace(text: string): Promise<string> {
  const expanded = text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
  if (!isAbsolute(expanded)) {
    throw new HostError(
      "workspace_invalid",
      `"${text}" is not an absolute path: give the whole path, or one that begins with ~/`,
    );
  }
  try {
    const path = await realpath(expanded);
    if ((await stat(path)).isDirectory()) return path;
  } catch (error) {
    throw new HostError(
      "workspace_invalid",
      `"${text}" cannot be opened as a workspace: name a directory that exists`,
      { cause: error },
    );
  }
  throw new HostError("workspace_invalid", `"${text}" is not a directory: name one`);
}
