// What of this machine may be shared with a sandbox: a session's folder, and never one that holds what is to stay out.
import { constants } from "node:fs";
import { open, readFile, readlink, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { SandboxContext, SandboxRequest } from "./types.ts";
import { SandboxFailed } from "./words.ts";

/** Without links, as far as it exists: what is mounted over a link would be somewhere else. */
export async function real(file: string): Promise<string> {
  return realpath(file).catch(() => path.resolve(file));
}

/** True for the folder itself too. Both must be absolute and without links (`real`). */
export function within(inner: string, outer: string): boolean {
  const way = path.relative(outer, inner);
  return way === "" || (way !== ".." && !way.startsWith("../"));
}

export interface Shared {
  /** The folder to share, without links; null: there is none, or it would bring in all that is to stay out. */
  workspace: string | null;
  /** Words for the inside half, before `inside`: nothing runs unless that very folder is what it finds there. */
  only: readonly string[];
  notes: string[];
}

/** Throws SandboxFailed where the folder is Hearth's own, or a session's that something has put a link in the place of. */
export async function sharedFolder(context: SandboxContext, request: SandboxRequest): Promise<Shared> {
  const [workspace, hearth] = await Promise.all([real(request.workspace), real(context.home)]);
  if (within(workspace, hearth))
    throw new SandboxFailed(context.name, `${workspace} lies in Hearth's own folder, which is hidden inside`);
  // A session's folder was without links when it was named: who may write above it could share any other by one.
  if (request.session_id !== null && workspace !== path.resolve(request.workspace))
    throw new SandboxFailed(
      context.name,
      `${request.workspace} leads to ${workspace} by now: set the session's workspace again if that is meant`,
    );
  const found = await stat(workspace).catch(() => undefined);
  if (!found?.isDirectory())
    return { workspace: null, only: [], notes: [`The folder ${workspace} is not there: no folder is shared.`] };
  const hidden = [hearth, ...(await Promise.all([context.configFile, context.environment.HOME ?? "/root"].map(real)))];
  if (!hidden.some((one) => within(one, workspace)))
    return { workspace, only: await onlyThis(context.name, workspace), notes: [] };
  const note = `${workspace} holds what is hidden inside, so it is not shared: give the session a folder of its own.`;
  return { workspace: null, only: [], notes: [note] };
}

/** A look that needs no permission to read (Linux; Node has no name for it). */
const O_PATH = 0o10000000;

/**
 * A path is looked at here and mounted by another program later: whoever may write above the folder can put a link into the
 * way in between. So the folder is told by its numbers, and the inside half compares them before anything runs.
 */
async function onlyThis(name: string, workspace: string): Promise<string[]> {
  if (process.platform !== "linux") return []; // what runs inside has a kernel of its own, with other numbers
  const folder = await open(workspace, O_PATH | constants.O_DIRECTORY);
  try {
    const [is, { dev, ino }, boot] = await Promise.all([
      readlink(`/proc/self/fd/${folder.fd}`),
      folder.stat({ bigint: true }),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    if (is !== workspace) throw new SandboxFailed(name, `${workspace} leads to ${is} by now`);
    return ["same", boot.trim(), `${dev}:${ino}`, workspace];
  } finally {
    await folder.close();
  }
}
