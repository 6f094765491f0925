// The folder that a person means by being in it: what the page is to begin with.
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve, sep } from "node:path";
import { CliError } from "./failure.ts";
import { safeLine } from "./safe-text.ts";

/** The folder a person named, whole and without links. Throws CliError where it is none. */
export async function folderNamed(dir: string, cwd: string): Promise<string> {
  const place = resolve(cwd, dir);
  const found = await stat(place).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CliError(`${safeLine(dir)} is no directory: name one, or \`hearth open\` alone opens the page.`);
  return realpath(place);
}

/**
 * The folder that `hearth up` was called in, where that says anything: not the home directory and nothing above it, which is
 * where one is without having gone anywhere; and none of Hearth's own places (`own`).
 */
export async function folderMeant(cwd: string, own: readonly string[], home = homedir()): Promise<string | undefined> {
  const place = await realpath(cwd).catch(() => undefined);
  if (place === undefined || isIn(place, home)) return undefined;
  return own.some((folder) => isIn(folder, place)) ? undefined : place;
}

const isIn = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** The page's address, with the folder it is to begin in. */
export const inFolder = (url: string, folder: string | undefined): string =>
  folder === undefined ? url : `${url}&dir=${encodeURIComponent(folder)}`;
