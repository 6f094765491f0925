// The files of a directory worth looking at: in order, within bounds, without following links.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Ignore } from "./gitignore.ts";

/** Directories that hold what tools have made, not what people have written. */
const SKIPPED = new Set([".git", "node_modules", ".hg", ".svn"]);
const MAX_DEPTH = 64;
const MAX_IGNORE_BYTES = 256 * 1024;

export interface Found {
  /** Absolute. */
  path: string;
  /** Relative to the root, with `/` between its parts. */
  relative: string;
}

/**
 * Regular files below `root`, directory by directory, names in order, files of a directory before those further down.
 * `.gitignore` files are obeyed, also nested ones; a directory that may not be read is passed to `unreadable`.
 * Links are not followed, so there are no loops. Reads one directory at a time and waits in between.
 */
export async function* walk(root: string, unreadable: (path: string) => void): AsyncGenerator<Found> {
  yield* below(root, "", 0, undefined, unreadable);
}

async function* below(
  directory: string,
  base: string,
  depth: number,
  above: Ignore | undefined,
  unreadable: (path: string) => void,
): AsyncGenerator<Found> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return unreadable(directory);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const ignore = entries.some((entry) => entry.name === ".gitignore" && entry.isFile())
    ? new Ignore(await ignoreText(join(directory, ".gitignore")), base, above)
    : above;
  const directories: string[] = [];
  for (const entry of entries) {
    const relative = base + entry.name;
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name) && depth < MAX_DEPTH && !ignore?.ignores(relative, true))
        directories.push(entry.name);
    } else if (entry.isFile() && !ignore?.ignores(relative, false)) {
      yield { path: join(directory, entry.name), relative };
    }
  }
  for (const name of directories) yield* below(join(directory, name), `${base}${name}/`, depth + 1, ignore, unreadable);
}

/** Empty for a file that is too large to be meant, or gone by now. */
async function ignoreText(path: string): Promise<string> {
  try {
    return (await stat(path)).size > MAX_IGNORE_BYTES ? "" : await readFile(path, "utf8");
  } catch {
    return "";
  }
}
