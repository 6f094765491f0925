// What a child may know of the environment Hearth runs in: an allow-list, so that a secret nobody thought of stays out.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isProviderKey } from "../protocol/provider-keys.ts";

export type Environment = Readonly<Record<string, string>>;

const allowed = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "TEMP",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
]);

/** Every `node_modules/.bin` that `npm start` of this very package puts in front of PATH: its own and its ancestors'. */
function ownBinFolders(): ReadonlySet<string> {
  const folders = new Set<string>();
  let folder = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
  while (true) {
    folders.add(path.join(folder, "node_modules", ".bin"));
    const parent = path.dirname(folder);
    if (parent === folder) return folders;
    folder = parent;
  }
}
const own = ownBinFolders();

/** PATH without what npm added to run Hearth: a person's `node` must be theirs, not the one Hearth brought. */
function cleanPath(value: string): string {
  return value
    .split(":")
    .filter((entry) => !own.has(entry.replace(/\/$/, "")) && !entry.endsWith("/node-gyp-bin"))
    .join(":");
}

/** Variables that say in which language and time somebody lives: they mean the same on every machine. */
export const isLanguage = (name: string): boolean =>
  name === "LANG" || name === "LANGUAGE" || name === "TZ" || name.startsWith("LC_");

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** What of Hearth's own environment any child gets: the allow-list, and the names the person's settings pass on. */
export function allowedEnvironment(base: Environment, passed: readonly string[]): Record<string, string> {
  const pass = new Set(passed);
  const result: Record<string, string> = { PATH: DEFAULT_PATH };
  for (const [name, value] of Object.entries(base))
    if (allowed.has(name) || name.startsWith("LC_") || pass.has(name)) result[name] = value;
  result.PATH = cleanPath(result.PATH ?? "") || DEFAULT_PATH;
  return result;
}

/** Set by each shell for itself; taken from another shell they would be wrong. */
const shellsOwn = new Set(["_", "SHLVL", "PWD", "OLDPWD"]);

/** A login shell's environment without model keys, Hearth's settings and what npm left behind (P3). */
export function cleanLogin(login: Environment, passed: readonly string[]): Record<string, string> {
  const pass = new Set(passed);
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(login)) {
    const ours = name.startsWith("HEARTH_") || name.startsWith("npm_") || shellsOwn.has(name) || isProviderKey(name);
    if (!ours || pass.has(name)) result[name] = value;
  }
  if (result.PATH !== undefined) result.PATH = cleanPath(result.PATH) || DEFAULT_PATH;
  return result;
}

/**
 * A process's whole environment. `login` is the login shell's (null: not known), `added` what the caller asks for; a
 * caller's own words win, except over the keeper's mark, which is set after this.
 */
export function processEnvironment(o: {
  base: Environment;
  login: Environment | null;
  passed: readonly string[];
  added: Environment;
  cwd: string;
  pty: boolean;
}): Record<string, string> {
  return {
    ...allowedEnvironment(o.base, o.passed),
    ...(o.login === null ? {} : cleanLogin(o.login, o.passed)),
    // Python holds back output to a pipe until 8 KiB are together; progress must be seen as it is made.
    PYTHONUNBUFFERED: "1",
    PWD: o.cwd,
    // No COLUMNS and LINES: a program would believe them more than its terminal, and never follow a resize.
    TERM: o.pty ? "xterm-256color" : "dumb",
    ...o.added,
  };
}
