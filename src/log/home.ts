// Is this directory a safe and suitable place for the log? Asked before anything in it is touched.
import { constants } from "node:fs";
import { lstat, mkdir, open, readFile, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { networkFileSystem } from "../protocol/file-systems.ts";

/** The home cannot be used; `message` says why and what to do. */
export class HomeRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "HomeRefused";
  }
}

/** What the checks ask the system; tests put in what they cannot mount. */
export interface System {
  /** The `f_type` of the file system that holds `path`. */
  fileSystem(path: string): Promise<number>;
  /** The text of /proc/self/mountinfo; empty where there is none. */
  mounts(): Promise<string>;
  uid: number;
}

export const thisSystem: System = {
  fileSystem: async (path) => (await statfs(path)).type,
  mounts: () => readFile("/proc/self/mountinfo", "utf8").catch(() => ""),
  uid: process.geteuid?.() ?? -1,
};

/** Makes the home (0700) if it is not there. Throws HomeRefused if it is not the user's own, open to others, or remote. */
export async function checkHome(home: string, system: System = thisSystem): Promise<void> {
  await makeHome(home);
  const stat = await lstat(home);
  if (stat.isSymbolicLink()) {
    throw new HomeRefused(`${home} is a symbolic link: set HEARTH_HOME to the directory itself`);
  }
  if (!stat.isDirectory()) throw new HomeRefused(`${home} is not a directory: set HEARTH_HOME to one`);
  if (stat.uid !== system.uid) {
    throw new HomeRefused(
      `${home} belongs to user ${stat.uid}, not to you: set HEARTH_HOME to a directory of your own`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new HomeRefused(`${home} is open to other users: run \`chmod 700 ${home}\` and start again`);
  }
  const name = await networkFileSystem(resolve(home), await system.fileSystem(home), () => system.mounts());
  if (name !== undefined) {
    throw new HomeRefused(
      `${home} is on a network file system (${name}), where the log cannot be kept safe: set HEARTH_HOME to a local directory`,
    );
  }
}

/** Level by level: `recursive` never comes back where a file system has no place for directories, as /proc. */
async function makeHome(home: string): Promise<void> {
  const missing: string[] = [];
  try {
    for (let path = resolve(home); !(await isThere(path)); path = dirname(path)) missing.unshift(path);
    for (const path of missing) {
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error; // Someone else was faster.
      });
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new HomeRefused(`${home} cannot be made (${code}): set HEARTH_HOME to a directory that you may write to`);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    },
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** A directory in the home: made (0700) if it is not there, one's own, and no link that leads elsewhere. Throws HomeRefused. */
export async function prepareDirectory(path: string, system: System = thisSystem): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory()) {
    throw new HomeRefused(`${path} is ${found.isSymbolicLink() ? "a symbolic link" : "no directory"}: move it away`);
  }
  if (found.uid !== system.uid) throw new HomeRefused(`${path} belongs to user ${found.uid}, not to you: move it away`);
}

/**
 * A file in the home must be a plain file of one's own, not a link that someone has put there. Created as 0600 if
 * `create`. Throws HomeRefused. Never opens a file that is there: closing it would drop the locks this process has on it.
 */
export async function prepareFile(path: string, create: boolean, system: System = thisSystem): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (stat === undefined) {
    // Exclusive: what has come to be here since we looked is not ours to open.
    if (create) await (await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600)).close();
    return;
  }
  if (stat.isSymbolicLink()) {
    throw new HomeRefused(`${path} is a symbolic link that does not belong there: remove it and start again`);
  }
  if (!stat.isFile()) throw new HomeRefused(`${path} is not a plain file: move it away and start again`);
  if (stat.uid !== system.uid) throw new HomeRefused(`${path} belongs to user ${stat.uid}, not to you: move it away`);
}
