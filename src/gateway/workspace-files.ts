// Files of a workspace and nothing beside it: each component is opened in the open directory before it, and no link is followed.
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, link, lstat, open, rename, stat, statfs, unlink } from "node:fs/promises";
import { HostError } from "../protocol/errors.ts";
import { isKernelView } from "../protocol/file-systems.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
/** Opens a directory as a place only, which needs no permission to list it. Node does not name it; Linux numbers it so. */
const O_PATH = 0x200000;
const LONGEST_PATH = 4096;

/** The path leads, or tries to lead, out of the workspace. For a client the same as a file that is not there. */
export class PathEscape extends HostError {
  constructor() {
    super("path_refused", "There is no such file or directory in the workspace.");
  }
}
const notThere = (): HostError =>
  new HostError("file_not_found", "There is no such file or directory in the workspace.");
const notRegular = (what: string): HostError =>
  new HostError("not_regular", `This is ${what}, no regular file: only those can be sent.`);

export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: Stats;
  readonly name: string;
}

/**
 * The names of a relative path. Throws PathEscape for every form of going up or elsewhere (A21), invalid_params for a NUL,
 * which no file's name has.
 */
export function namesOf(path: string): string[] {
  if (path.includes("\0")) throw new HostError("invalid_params", "path: no file has a NUL in its name");
  const names = path.split("/");
  // What is no UTF-8 has become U+FFFD by now; a backslash is a separator for whoever tries.
  const odd = path.length > LONGEST_PATH || path.includes("\\") || path.includes("\ufffd");
  if (odd || names.some((name) => name === "" || name === "." || name === "..")) throw new PathEscape();
  return names;
}

/** Controls, and marks that reorder or hide text: a name that looks like another one. */
const DECEIVING = /\p{Cc}|[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/** Throws name_refused for a new file's name that deceives people or programs (A24). */
function checkNewName(name: string): void {
  const why = DECEIVING.test(name)
    ? "holds characters that cannot be seen"
    : name !== name.trim()
      ? "begins or ends with a space"
      : name.startsWith("-")
        ? "begins with a dash, which programs take for an option"
        : undefined;
  if (why !== undefined) throw nameRefused(why);
}
const nameRefused = (why: string): HostError => new HostError("name_refused", `The name ${why}: give it another one.`);

export class WorkspaceFiles {
  readonly #root: string;
  readonly #keepOut: string;

  /** @param root the workspace, absolute and without links @param keepOut a directory that counts as not there: Hearth's own */
  constructor(root: string, keepOut: string) {
    this.#root = root;
    this.#keepOut = keepOut;
  }

  /** Opens a regular file for reading. Throws PathEscape, file_not_found, not_regular, forbidden. */
  async open(path: string): Promise<OpenFile> {
    const { folders, name } = split(path);
    await using folder = await this.#folder(folders);
    const at = inside(folder, name);
    // Looked at first, since opening some devices already does something; and again once open.
    refuseIrregular(await lstat(at).catch(explained));
    const handle = await open(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY).catch(explained);
    try {
      const stats = await handle.stat();
      refuseIrregular(stats);
      if (isKernelView((await statfs(`/proc/self/fd/${handle.fd}`)).type)) throw notRegular("a view of the kernel");
      return { handle, stats, name, [Symbol.asyncDispose]: () => handle.close() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Writes a new file: whole, or not at all. An older one is replaced only with `overwrite` (and keeps its permissions); a
   * link or anything else in its place never. Throws PathEscape, file_not_found (no such directory), name_refused,
   * not_regular, file_exists, too_large, forbidden, storage_full. Answers the bytes written.
   */
  async write(
    path: string,
    pieces: AsyncIterable<Buffer>,
    options: { overwrite: boolean; maxBytes: number },
  ): Promise<{ bytes: number; replaced: boolean }> {
    const { folders, name } = split(path);
    checkNewName(name);
    await using folder = await this.#folder(folders);
    const at = inside(folder, name);
    const old = await this.#placeFor(at, options.overwrite);
    const draft = inside(folder, `.${randomBytes(6).toString("hex")}.hearth-upload`);
    const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666).catch(explained);
    let isDraft = true;
    try {
      let bytes = 0;
      try {
        for await (const piece of pieces) {
          bytes += piece.length;
          if (bytes > options.maxBytes)
            throw new HostError("too_large", `At most ${options.maxBytes} bytes can be sent as one file.`);
          for (let from = 0; from < piece.length; )
            from += (await handle.write(piece, from).catch(explained)).bytesWritten;
        }
        if (old !== undefined) await handle.chmod(old.mode & 0o7777).catch(explained);
        await handle.sync().catch(explained);
      } finally {
        await handle.close();
      }
      if (options.overwrite) {
        await rename(draft, at).catch(explained);
        isDraft = false;
      } else await claim(draft, at);
      return { bytes, replaced: old !== undefined };
    } finally {
      if (isDraft) await unlink(draft).catch(() => undefined);
    }
  }

  /** What is in the place of a file to be written: nothing, or a regular file that may be replaced. */
  async #placeFor(at: string, overwrite: boolean): Promise<Stats | undefined> {
    const old = await lstat(at).catch((error: unknown) => {
      const code = codeOf(error);
      if (code === "ENOENT") return undefined;
      // How long it may be is for the file system to say: 255 bytes for most, fewer for some.
      throw code === "ENAMETOOLONG" ? nameRefused("is too long") : failure(error);
    });
    if (old === undefined) return undefined;
    refuseIrregular(old);
    if (!overwrite) throw exists();
    return old;
  }

  /** Walks down from the root of the file system, holding each directory until the next one is open. */
  async #folder(names: readonly string[]): Promise<FileHandle> {
    if (process.platform !== "linux")
      throw new HostError("not_supported", "Files can be sent on Linux only: use the terminal.");
    const own = await stat(this.#keepOut).catch(() => undefined);
    let folder = await open("/", O_PATH | O_DIRECTORY);
    try {
      for (const name of [...this.#root.split("/").filter((one) => one !== ""), ...names]) {
        const at = inside(folder, name);
        const next = await open(at, O_PATH | O_DIRECTORY | O_NOFOLLOW).catch(async (error: unknown) => {
          const isLink = await lstat(at).then(
            (found) => found.isSymbolicLink(),
            () => false,
          );
          throw isLink ? new PathEscape() : failure(error);
        });
        await folder.close();
        folder = next;
        const here = await folder.stat();
        if (own !== undefined && here.ino === own.ino && here.dev === own.dev) throw new PathEscape();
      }
      return folder;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }
}

/** A name in an open directory: whatever its path leads to by now, it is this directory. */
const inside = (folder: FileHandle, name: string): string => `/proc/self/fd/${folder.fd}/${name}`;

function split(path: string): { folders: string[]; name: string } {
  const folders = namesOf(path);
  return { folders, name: folders.pop() ?? "" };
}

const exists = (): HostError =>
  new HostError("file_exists", "There is a file of this name already: replace it on purpose, or choose another name.");

/** Gives the file its name where nothing has it yet, in one step. */
async function claim(draft: string, at: string): Promise<void> {
  try {
    await link(draft, at);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw exists();
    // Some file systems know no second name for a file: there the name is taken first, empty, and then filled.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error) ?? "")) throw failure(error);
    const taken = await open(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666).catch((again: unknown) => {
      throw codeOf(again) === "EEXIST" ? exists() : failure(again);
    });
    await taken.close();
    await rename(draft, at).catch(explained);
  }
}

function refuseIrregular(stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isSymbolicLink()) throw new PathEscape();
  if (stats.isDirectory()) throw notRegular("a directory");
  throw notRegular(stats.isFIFO() ? "a named pipe" : stats.isSocket() ? "a socket" : "a device");
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** What a system error means to a client; others are nobody's business but the host's log's. */
function failure(error: unknown): unknown {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENAMETOOLONG":
      return notThere();
    case "ELOOP":
      return new PathEscape();
    case "ENXIO":
      return notRegular("a socket or a device");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new HostError("forbidden", "The host may not do this with files there: look at their permissions.");
    case "EISDIR":
      return notRegular("a directory");
    case "ENOSPC":
    case "EDQUOT":
      return new HostError("storage_full", "The disk is full: make room and send it again.");
    default:
      return error;
  }
}
const explained = (error: unknown): never => {
  throw failure(error);
};
