// Where a program of this machine is, as its shell would find it.
import { access, constants, stat } from "node:fs/promises";
import path from "node:path";

/** An absolute path; undefined: there is none. A name with a slash is taken as it is. */
export async function findProgram(name: string, search = "/usr/local/bin:/usr/bin:/bin"): Promise<string | undefined> {
  const candidates = name.includes("/")
    ? [path.resolve(name)]
    : search.split(":").flatMap((folder) => (path.isAbsolute(folder) ? [path.join(folder, name)] : []));
  for (const file of candidates) if (await executable(file)) return file;
  return undefined;
}

async function executable(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return false;
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
