// The settings of a running host: read again when config.toml changes (S5), and changed where a person asks for it.
import { statSync } from "node:fs";
import { chmod, mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "smol-toml";
import type { Environment } from "./environment.ts";
import {
  ConfigRefused,
  configFileOf,
  describe,
  type LoadOptions,
  readConfigFile,
  type Settings,
  settingsFrom,
} from "./settings.ts";
import { table, type Values, variableOf } from "./table.ts";

/** What a person may change from the page or the command line. */
export type Changeable = "model" | "approvals";

export interface ConfigOptions {
  env: Environment;
  override?: Partial<Values>;
  /** Called for each sentence that was not said before, also for those of the first reading. */
  onWarning?: (text: string) => void;
}

export class Config {
  readonly #options: LoadOptions;
  readonly #path: string;
  readonly #onWarning: (text: string) => void;
  #settings: Settings;
  #seen: string;
  #said = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: ConfigOptions) {
    this.#options = { env: options.env, ...(options.override === undefined ? {} : { override: options.override }) };
    this.#onWarning = options.onWarning ?? (() => undefined);
    this.#path = configFileOf(options.env);
    this.#seen = versionOf(this.#path);
    this.#settings = this.#read(undefined);
  }

  /** Reads environment and file. Never throws for what a person wrote. */
  static load(options: ConfigOptions): Config {
    return new Config(options);
  }

  /**
   * The settings as they are now. Looks at the file's times with one synchronous stat: 3 µs, where an asynchronous look would
   * give a turn the settings of the turn before.
   */
  current(): Settings {
    const version = versionOf(this.#path);
    if (version !== this.#seen) {
      this.#seen = version;
      this.#settings = this.#read(this.#settings);
    }
    return this.#settings;
  }

  get warnings(): readonly string[] {
    return this.current().warnings;
  }

  /** Every setting in force, or those that begin with `key`; without secrets. */
  describe(key?: string): Record<string, unknown> {
    const all = describe(this.current());
    if (key === undefined) return all;
    return Object.fromEntries(Object.entries(all).filter(([name]) => name === key || name.startsWith(`${key}.`)));
  }

  /**
   * Writes one setting into config.toml, comments and the rest untouched, and has it in force when it resolves. Throws
   * ConfigRefused if the value is not allowed, a variable decides, or the file cannot be changed safely.
   */
  async set<K extends Changeable>(key: K, value: NonNullable<Values[K]>): Promise<void> {
    const { kind } = table[key];
    if (!kind.schema.safeParse(value).success) throw new ConfigRefused(`${key} takes ${kind.allowed}`);
    const variable = variableOf(key);
    const decided = this.#options.env[variable];
    if (decided !== undefined && decided !== "") {
      throw new ConfigRefused(
        `${key} is decided by ${variable} in the host's environment: unset it and start the host again`,
      );
    }
    const turn = this.#writing.then(() => change(this.#path, key, value));
    // A failed change is its caller's to hear about; the next one starts afresh.
    this.#writing = turn.catch(() => undefined);
    await turn;
    this.current();
  }

  #read(before: Settings | undefined): Settings {
    const warnings: string[] = [];
    const content = readConfigFile(this.#path, (text) => warnings.push(text));
    // Half an edit must not throw a running host back to its defaults.
    const settings =
      content === undefined && before !== undefined
        ? { ...before, warnings }
        : settingsFrom(this.#options, { path: this.#path, content: content ?? {} }, warnings);
    if (content !== undefined && readableByOthers(this.#path) && holdsKey(content)) {
      warnings.push(`${this.#path} holds a key and others on this machine may read it: chmod 600 it.`);
    }
    for (const text of warnings) if (!this.#said.has(text)) this.#onWarning(text);
    this.#said = new Set(warnings);
    return settings;
  }
}

function holdsKey(content: Readonly<Record<string, unknown>>): boolean {
  const providers = Object.values((content.providers ?? {}) as Record<string, unknown>);
  return providers.some((provider) => typeof provider === "object" && provider !== null && "api_key" in provider);
}

function readableByOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o077) !== 0;
}

/** Changes whenever the file does; also tells a file that was replaced by an older one. */
function versionOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? "" : `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`;
  } catch (error) {
    // A directory above that may not be entered: reading says so.
    return String((error as NodeJS.ErrnoException).code);
  }
}

async function change(path: string, key: string, value: unknown): Promise<void> {
  const before = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new ConfigRefused(`${path} cannot be read (${error.code}): set ${key} by hand`, { cause: error });
  });
  const after = withKey(before, key, value);
  const target = await realpath(path).catch(() => path); // A link stays a link: people keep their dot-files elsewhere.
  const draft = `${target}.${process.pid}.new`;
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const mode = statSync(target, { throwIfNoEntry: false })?.mode;
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(after);
      await file.sync();
    } finally {
      await file.close();
    }
    if (mode !== undefined) await chmod(draft, mode & 0o777);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw new ConfigRefused(
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code}): set ${key} by hand`,
      { cause: error },
    );
  }
}

/** The text of the file with one top-level key set, and everything else as it was. Exported for tests. */
export function withKey(text: string, key: string, value: unknown): string {
  const line = stringify({ [key]: value }).trimEnd();
  const lines = text.split("\n");
  const firstTable = lines.findIndex((one) => /^\s*\[/.test(one));
  const head = firstTable === -1 ? lines.length : firstTable;
  const at = lines.findIndex((one, index) => index < head && new RegExp(`^\\s*${key}\\s*=`).test(one));
  if (at !== -1) lines[at] = line;
  else lines.splice(0, 0, line);
  const after = lines.join("\n").replace(/([^\n])$/, "$1\n");
  let safe = false;
  try {
    // The edit is by line, the proof is by meaning: a key inside a long string, say, must not be mistaken for one.
    safe = isDeepStrictEqual({ ...parse(after) }, { ...parse(text), [key]: value });
  } catch (error) {
    throw new ConfigRefused(`The config file is not TOML: correct it, or set ${key} by hand`, { cause: error });
  }
  if (!safe) throw new ConfigRefused(`The config file sets ${key} in a way that cannot be edited here: set it by hand`);
  return after;
}
