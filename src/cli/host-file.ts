// The host that runs on a home, seen from outside: what it wrote of itself, whether it answers, whether a pid is still it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { socketIn } from "./socket-path.ts";

// An import of this module evaluates all it exports, a client of 4 MB among them, and the host runs this too (N10).
const { request } = process.getBuiltinModule("node:http");

const HostFile = z.object({
  pid: z.number().int().positive(),
  address: z.string(),
  build: z.string().optional(),
  home: z.string().optional(),
  start_tick: z.string().optional(),
  boot_id: z.string().optional(),
});
export type HostFile = z.infer<typeof HostFile>;

/** What the last host of this home wrote of itself; it may be gone by now. Undefined if there is nothing legible. */
export async function readHostFile(home: string): Promise<HostFile | undefined> {
  try {
    const read = HostFile.safeParse(JSON.parse(await readFile(join(home, "host.json"), "utf8")));
    return read.success ? read.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** True if a host answers on this home's socket within `timeoutMs`, whatever it answers. */
export function answers(home: string, timeoutMs: number): Promise<boolean> {
  using socket = socketIn(home);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asking = request({ socketPath: socket.path, path: "/healthz", headers: { host: "localhost" } }, (response) => {
    response.resume();
    resolve(true);
  });
  const timer = setTimeout(() => asking.destroy(new Error("silent")), timeoutMs);
  asking.on("error", () => resolve(false));
  asking.on("close", () => clearTimeout(timer));
  asking.end();
  return promise;
}

/**
 * The kernel's start tick of a process; undefined if there is no such process or the system has no /proc. One that has ended
 * is gone, also while whoever started it has not asked how (a script that waits for our answer first, say).
 */
export async function startTickOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, brackets too: count from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** True if the process that wrote the file still lives: same pid, same start tick. A pid alone proves nothing. */
export async function isAlive(file: HostFile): Promise<boolean> {
  return file.start_tick !== undefined && (await startTickOf(file.pid)) === file.start_tick;
}
