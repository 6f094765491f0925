// Where a child starts: the folder asked for, or the nearest one that still exists.
import { stat } from "node:fs/promises";
import path from "node:path";

/** `~` and `~/…` with the home folder in its place; another user's `~name` is left as it is. */
export function expandHome(folder: string, home: string | undefined): string {
  if (home === undefined || !(folder === "~" || folder.startsWith("~/"))) return folder;
  return path.join(home, folder.slice(1));
}

/** Links are followed; false for what cannot be looked at. */
export async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The folder itself, or its nearest ancestor that is one (P1). `wanted` must be absolute. */
export async function nearestFolder(wanted: string): Promise<string> {
  let folder = wanted;
  while (!(await isFolder(folder))) {
    const parent = path.dirname(folder);
    if (parent === folder) return folder;
    folder = parent;
  }
  return folder;
}
