// Where a path of a model leads, and the only way tools open files: regular ones, without waiting, and never Hearth's own.
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { isKernelView } from "../protocol/file-systems.ts";
import { BadArguments } from "./tool.ts";

/** The absolute form of `path`: relative ones start at `workspace`, `~` is the home directory. Throws BadArguments. */
export function toAbsolute(workspace: string, path: string): string {
  if (path === "") throw new BadArguments("The path is empty: give the path of a file");
  if (path.includes("\0")) throw new BadArguments("The path contains a NUL character: no file has such a name");
  const expanded = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  return resolve(workspace, expanded);
}

/** How a path is told to a model: relative where it lies in the workspace, absolute elsewhere. Both are accepted back. */
export function shown(workspace: string, path: string): string {
  const inside = relative(workspace, path);
  if (inside === "") return ".";
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside;
}

/**
 * What tools keep away from: the host's state directory, with its token, its log and the secrets of its children, and its
 * settings, which hold keys and say what is asked about.
 */
export class Keepout {
  readonly #places: readonly string[];
  constructor(...places: readonly (string | undefined)[]) {
    this.#places = places.filter((place) => place !== undefined);
  }
  /** True for those places and everything in them. `path` must be free of links (a real path). */
  async covers(path: string): Promise<boolean> {
    for (const place of this.#places) {
      // Also one that is not there yet: whoever makes it decides what is in it.
      const real = await realpathOfExisting(resolve(place)).catch(() => resolve(place));
      if (path === real || path.startsWith(real + sep)) return true;
    }
    return false;
  }
  async check(path: string): Promise<void> {
    if (await this.covers(path)) throw new Error(`${path} belongs to Hearth itself: tools do not touch it`);
  }
}

/** An open regular file. Whoever opens it closes it: `await using file = await openRegular(…)`. */
export interface RegularFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/**
 * Opens for reading, without ever waiting for a FIFO or a device. Errors are sentences for the model: not there, not
 * allowed, a directory, something else that is no regular file, a view of the kernel, Hearth's own.
 */
export async function openRegular(path: string, keepout: Keepout): Promise<RegularFile> {
  // Looked at before it is opened, since opening some devices already does something; and again once open, since the
  // name can have been given to something else in between.
  refuseIrregular(path, await stat(path).catch(explain(path)));
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(explain(path));
  try {
    const stats = await handle.stat();
    refuseIrregular(path, stats);
    const real = await openedPath(handle, path);
    await keepout.check(real);
    if (isKernelView((await statfs(real)).type)) {
      throw new Error(`${path} is a view of the kernel, not a regular file: use the terminal if you need it`);
    }
    return { handle, stats, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The path that was opened, read back from the open file where the system can tell: no link can lie about it then. */
async function openedPath(handle: FileHandle, path: string): Promise<string> {
  return readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(path));
}

/**
 * Where a write to `path` ends: links are followed, also one whose target is not there yet, so that the link stays and
 * its target changes. `stats` is undefined where there is no file. Refuses what is no regular file.
 */
export async function writeTarget(path: string, keepout: Keepout): Promise<{ path: string; stats: Stats | undefined }> {
  let at = path;
  for (let links = 0; links < 40; links += 1) {
    const directory = await realpathOfExisting(dirname(at));
    at = join(directory, basename(at));
    await keepout.check(at);
    const stats = await lstat(at).catch(absent(at));
    if (!stats?.isSymbolicLink()) {
      if (stats) refuseIrregular(path, stats);
      return { path: at, stats };
    }
    at = resolve(directory, await readlink(at));
  }
  throw new Error(`${path}: too many links, one points to another in a circle`);
}

/** The real path of the nearest existing ancestor, with the rest (which is yet to be made) behind it. */
async function realpathOfExisting(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    const parent = dirname(directory);
    if (codeOf(error) !== "ENOENT" || parent === directory) return explain(directory)(error);
    return join(await realpathOfExisting(parent), basename(directory));
  }
}

function refuseIrregular(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new Error(`${path} is a directory, not a file`);
  const kind = stats.isFIFO() ? "a named pipe" : stats.isSocket() ? "a socket" : "a device";
  throw new Error(`${path} is ${kind}, not a regular file: tools read and write regular files only`);
}

const sentences: Record<string, string> = {
  ENOENT: "there is no such file",
  EACCES: "you may not access it",
  EPERM: "it may not be accessed",
  ENOTDIR: "a part of the path is a file, not a directory",
  ELOOP: "too many links, one points to another in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
  ENXIO: "nothing is behind it",
};

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** Rethrows a system error as a sentence that names the path. */
export function explain(path: string): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    const why = code === undefined ? undefined : sentences[code];
    if (why === undefined) throw error;
    throw new Error(`${path}: ${why} (${code})`, { cause: error });
  };
}

/** Undefined for what does not exist; other errors as `explain`. */
export function absent(path: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) === "ENOENT") return undefined;
    return explain(path)(error);
  };
}
