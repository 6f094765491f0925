// A backend that somebody has written: a module named in the settings. It is never found by lying somewhere (A41).
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { ModuleConfig } from "./configured.ts";
import type { Sandbox, SandboxContext } from "./types.ts";
import { SandboxFailed } from "./words.ts";

/** What such a module exports as `openSandbox`. */
export type OpenSandbox = (
  options: Readonly<Record<string, unknown>>,
  context: SandboxContext,
) => Sandbox | Promise<Sandbox>;

/** Throws SandboxFailed where there is none, it is not the one that was meant, or it is no sandbox. */
export async function openByModule(config: ModuleConfig, context: SandboxContext): Promise<Sandbox> {
  const { file, sha256 } = config;
  try {
    const digest = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    if (sha256 !== undefined && digest !== sha256)
      throw new Error(`its digest is ${digest}: look at what has changed, and set sha256`);
    // By its content: one that was edited is another module.
    const loaded: { openSandbox?: OpenSandbox } = await import(`${pathToFileURL(file).href}?${digest.slice(0, 12)}`);
    if (typeof loaded.openSandbox !== "function") throw new Error("it exports no openSandbox");
    return await loaded.openSandbox(config.options, context);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxFailed(context.name, `its module ${file} cannot be used (${why})`, { cause: error });
  }
}
