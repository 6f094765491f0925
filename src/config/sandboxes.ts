// The places of `[sandboxes.NAME]` in which processes can run. A wrong one is left out whole: half a sandbox would be none.
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import * as z from "zod";
import { firstWrong } from "../protocol/first-wrong.ts";
import type { Environment } from "./environment.ts";
import { isTable, type Warn } from "./table.ts";

const Name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "names of variables");
const Words = z.array(z.string().min(1));
const Folder = z.string().min(1);
/** Variables of the host's environment and the login profile that go in, beside language and time zone. */
const common = {
  environment: z.array(Name).default([]),
  /** False: only people choose it, and the setting `processes.sandbox`. */
  agent: z.boolean().default(true),
};

const kinds = {
  bubblewrap: z.strictObject({
    kind: z.literal("bubblewrap"),
    /** False: a network of its own, with nothing in it. */
    network: z.boolean().default(true),
    /** Folders and files of the home that can be read, and written, inside. */
    read: z.array(Folder).default([]),
    write: z.array(Folder).default([]),
    options: z.array(z.string()).default([]),
    ...common,
  }),
  container: z.strictObject({
    kind: z.literal("container"),
    program: z.string().min(1).optional(),
    /** A container of its own for each process … */
    image: z.string().min(1).optional(),
    /** … or this running one for all. */
    container: z.string().min(1).optional(),
    network: z.boolean().default(true),
    global_options: z.array(z.string()).default([]),
    options: z.array(z.string()).default([]),
    ...common,
  }),
  ssh: z.strictObject({
    kind: z.literal("ssh"),
    host: z.string().regex(/^[^-\s]\S*$/),
    /** Where commands run there; without it the same folder as here, where there is one. */
    cwd: z.string().min(1).optional(),
    /** False: nothing is copied there; commands run under a plain shell, best effort. */
    keeper: z.boolean().default(true),
    options: z.array(z.string()).default([]),
    ...common,
  }),
  command: z.strictObject({
    kind: z.literal("command"),
    /** The words that run the inside half; `{keeper}`, `{cwd}`, `{workspace}` and `{id}` are filled in. */
    argv: Words.min(1),
    /** Ends what may be left of `{id}` once the first is gone. */
    clean_up: Words.min(1).optional(),
    /** What a command line is given to, inside. */
    shell: Words.min(1).default(["/bin/sh", "-c"]),
    start_s: z.number().gt(0).max(600).default(30),
    ...common,
  }),
  module: z.strictObject({
    kind: z.literal("module"),
    /** A module that exports `openSandbox`; it runs with all that the host may do. */
    file: z.string().min(1),
    /** Digest of that file: another one is not run. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    options: z.record(z.string(), z.unknown()).default({}),
    ...common,
  }),
} as const;

type Kinds = typeof kinds;
/** One sandbox as configured; paths are absolute. The same shape as the sandboxes part reads. */
export type SandboxConfig = { [K in keyof Kinds]: z.infer<Kinds[K]> }[keyof Kinds];
const isKind = (value: unknown): value is keyof Kinds => typeof value === "string" && value in kinds;

/** `local` is the name of no sandbox at all. */
export const LOCAL = "local";

/** All sandboxes that the file describes well, by name. */
export function readSandboxes(
  env: Environment,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  warn: Warn,
): Record<string, SandboxConfig> {
  const written = file.content.sandboxes;
  if (written === undefined) return {};
  if (!isTable(written)) {
    warn(`sandboxes in ${file.path} is a section: write [sandboxes.NAME].`);
    return {};
  }
  const found: Record<string, SandboxConfig> = {};
  for (const [name, content] of Object.entries(written)) {
    const sandbox = readOne(name, content, file.path, warn);
    if (sandbox !== undefined) found[name] = withPaths(sandbox, env, dirname(file.path));
  }
  return found;
}

function readOne(name: string, content: unknown, path: string, warn: Warn): SandboxConfig | undefined {
  const where = `sandboxes.${name} in ${path}`;
  const ignored = (why: string): undefined => {
    warn(`${where} ${why}. It is ignored.`);
    return undefined;
  };
  if (!/^[a-z][a-z0-9_-]{0,39}$/.test(name) || name === LOCAL)
    return ignored("has no name that can be used: small letters, digits, - and _, and not local");
  if (!isTable(content)) return ignored("is a section: write [sandboxes.NAME]");
  if (!isKind(content.kind)) return ignored(`needs a kind: one of ${Object.keys(kinds).join(", ")}`);
  const checked = kinds[content.kind].safeParse(content);
  if (!checked.success) {
    return ignored(`is wrong: ${firstWrong(checked.error, name).sentence}`);
  }
  const sandbox = checked.data;
  if (sandbox.kind === "container" && (sandbox.image === undefined) === (sandbox.container === undefined))
    return ignored("needs either an image or the name of a running container");
  if (sandbox.kind === "command" && !sandbox.argv.some((word) => /\binside\b/.test(word)))
    return ignored('runs no inside half: its argv has to end like ["{keeper}", "inside"]');
  return sandbox;
}

/** `~` is the home; other relative paths start at the config file. */
function withPaths(sandbox: SandboxConfig, env: Environment, folder: string): SandboxConfig {
  const absolute = (path: string): string => {
    const home = env.HOME || homedir();
    if (path === "~" || path.startsWith("~/")) return join(home, path.slice(1));
    return isAbsolute(path) ? path : resolve(folder, path);
  };
  if (sandbox.kind === "bubblewrap")
    return { ...sandbox, read: sandbox.read.map(absolute), write: sandbox.write.map(absolute) };
  if (sandbox.kind === "module") return { ...sandbox, file: absolute(sandbox.file) };
  return sandbox;
}
