// The one door to process.env: everything else gets what it needs as values, so that tests and children cannot be surprised.
import { delimiter, dirname, join, sep } from "node:path";
import { isProviderKey } from "../protocol/provider-keys.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment this process was started with. */
export function environment(): Environment {
  return process.env;
}

/** What `npm start` adds for its scripts, beside `npm_*`: of no use to a child, and wrong about where it runs. */
const NPM_ADDS = new Set(["INIT_CWD", "NODE"]);

/**
 * What a child may start from (P3): the host's environment without Hearth's settings, without npm's additions, without keys of
 * providers, and with a PATH that leads to the user's programs and not to Hearth's own `node_modules/.bin`.
 */
export function baseEnvironment(env: Environment, root: string, pass: readonly string[]): Record<string, string> {
  const byNpm = env.npm_lifecycle_event !== undefined;
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (pass.includes(name)) kept[name] = value;
    else if (/^(HEARTH_|npm_)/i.test(name) || isProviderKey(name) || (byNpm && NPM_ADDS.has(name))) continue;
    else kept[name] = name === "PATH" ? ownPath(value, root, byNpm) : value;
  }
  return kept;
}

function ownPath(path: string, root: string, byNpm: boolean): string {
  const added = new Set([join(root, "node_modules", ".bin")]);
  // npm puts the .bin of every directory above in front as well.
  if (byNpm)
    for (let at = root; at !== dirname(at); at = dirname(at)) added.add(join(dirname(at), "node_modules", ".bin"));
  return path
    .split(delimiter)
    .filter((entry) => !added.has(entry) && !(byNpm && entry.endsWith(`${sep}node-gyp-bin`)))
    .join(delimiter);
}
