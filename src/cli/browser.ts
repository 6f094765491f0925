// Opens the page where a person is there to see it.
import { spawn } from "node:child_process";
import type { Environment } from "../config/environment.ts";
import { findProgram } from "../sandboxes/find-program.ts";

/** The program that opens addresses, if this session has a screen to open them on. */
export function openerOf(env: Environment, platform: NodeJS.Platform = process.platform): string | undefined {
  if (env.SSH_CONNECTION || env.SSH_TTY || env.CI) return undefined;
  if (platform === "darwin") return "open";
  return env.DISPLAY || env.WAYLAND_DISPLAY ? "xdg-open" : undefined;
}

/** Opens `address`. False if there is no one to see it, or nothing to open it with. */
export async function openBrowser(address: string, env: Environment): Promise<boolean> {
  const opener = openerOf(env);
  if (opener === undefined || (await findProgram(opener, env.PATH)) === undefined) return false;
  const child = spawn(opener, [address], { stdio: "ignore", detached: true });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once("error", () => resolve(false));
  child.once("spawn", () => resolve(true));
  child.unref();
  return promise;
}
