// What a person has decided, gathered from the environment and config.toml and checked. A wrong value is named and passed over;
// it never keeps an unrelated part from working.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import type { Secret } from "../regex/shape.ts";
import { baseEnvironment, type Environment } from "./environment.ts";
import { type Provider, readProviders, withoutCredentials } from "./providers.ts";
import { readSecrets, shownSecrets } from "./redaction.ts";
import { LOCAL, readSandboxes, type SandboxConfig } from "./sandboxes.ts";
import { type Key, keys, readTable, type Values, type Warn, warnOfUnknown } from "./table.ts";

/** Who the agent is to be. All parts are free text (S5). */
export interface Personality {
  system_prompt?: string;
  tone?: string;
  style?: string;
}

/** null: no limit. */
interface Amounts {
  memory_bytes: number | null;
  cpus: number | null;
  pids: number | null;
}
interface LimitSettings {
  mode: Values["processes.limits"];
  /** Of one child; undefined `pids`: the usual number where it costs nothing. */
  child: Omit<Amounts, "pids"> & { pids: number | undefined };
  /** Of all children of one session together. */
  session: Amounts;
}

export interface Settings {
  /** Directory of all state, absolute. */
  home: string;
  /** Path of config.toml, whether or not it exists. */
  configFile: string;
  /** The checkout or package that runs. */
  root: string;
  host: string;
  port: number;
  allowedHosts: readonly string[];
  /** True if a proxy that speaks TLS is said to stand in front. */
  proxy: boolean;
  tls: { cert: string; key: string } | undefined;
  model: string | undefined;
  fallbackModel: string | undefined;
  providers: Readonly<Record<string, Provider>>;
  personality: Personality;
  approvals: Values["approvals"];
  redaction: { on: boolean; variables: readonly string[]; extra: readonly Secret[] };
  /** Names of the tools the agent has; undefined: all. */
  tools: readonly string[] | undefined;
  processes: {
    graceMs: number;
    waitLimitMs: number;
    spoolBytes: number;
    passEnvironment: readonly string[];
    /** How many ended ones are kept, and for how long. */
    keepEnded: number;
    keepMs: number;
    /** How long after an end its output may be held open before that is marked. */
    drainMs: number;
    /** The age from which a process holds its session open no more. */
    activeMaxMs: number;
    /** How many may run at a time, in all and of one session. */
    running: number;
    runningOfSession: number;
    limits: LimitSettings;
  };
  /** Those of `[sandboxes.NAME]`, by name. */
  sandboxes: Readonly<Record<string, SandboxConfig>>;
  /** Where the agent's commands run; a name that is none of them runs nothing. */
  sandbox: string;
  /** The soft limit of open files that the host was started with, which Node raises for itself; undefined: not known. */
  openFiles: number | undefined;
  turns: { onRestart: Values["turns.on_restart"]; wakesPerHour: number };
  shutdownGraceMs: number;
  logLevel: Values["log.level"];
  /** What a child's environment is made from: no secret, nothing of Hearth's own. */
  baseEnvironment: Readonly<Record<string, string>>;
  /** What was wrong with what was said, one sentence each, without secrets. */
  warnings: readonly string[];
  /** By key: the variable or file that decided, or `default`. */
  sources: Readonly<Record<string, string>>;
  values: Values;
}

/** The configuration forbids to serve: exit code 78. */
export class ConfigRefused extends HostError {
  constructor(message: string, options?: ErrorOptions) {
    super("config_refused", message, options);
  }
}

/** Where Hearth keeps its state: HEARTH_HOME, else below $XDG_STATE_HOME. Absolute. */
export function homeOf(env: Environment): string {
  const said = env.HEARTH_HOME;
  if (said !== undefined && said !== "") return resolve(expandTilde(said, env));
  return join(xdg(env, "XDG_STATE_HOME", [".local", "state"]), "hearth");
}

/** Where the config file is or would be: HEARTH_CONFIG, else below $XDG_CONFIG_HOME. Absolute. */
export function configFileOf(env: Environment): string {
  const said = env.HEARTH_CONFIG;
  if (said !== undefined && said !== "") return resolve(expandTilde(said, env));
  return join(xdg(env, "XDG_CONFIG_HOME", [".config"]), "hearth", "config.toml");
}

/** `bin/hearth` notes it before it executes Node. */
function openFilesOf({ HEARTH_OPEN_FILES: text = "" }: Environment): number | undefined {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return limit > 0 ? limit : undefined;
}

const userHome = (env: Environment): string => env.HOME || homedir();

function xdg(env: Environment, variable: string, standard: string[]): string {
  const said = env[variable];
  // The XDG rules: a relative path counts as not set.
  return said !== undefined && isAbsolute(said) ? said : join(userHome(env), ...standard);
}

const expandTilde = (path: string, env: Environment): string =>
  path === "~" || path.startsWith("~/") ? join(userHome(env), path.slice(1)) : path;

/** The checkout or package this file belongs to. */
export const packageRoot = (): string => resolve(import.meta.dirname, "..", "..");

export interface LoadOptions {
  env: Environment;
  /** The config file, if not the one that `env` names. */
  file?: string;
  /** Values over all others, as from the command line. */
  override?: Partial<Values>;
}

/** Everything from scratch. Never throws for what a person wrote: what is wrong is in `warnings`. */
export function loadSettings(options: LoadOptions): Settings {
  const path = options.file ?? configFileOf(options.env);
  const warnings: string[] = [];
  const content = readConfigFile(path, (text) => warnings.push(text));
  return settingsFrom(options, { path, content: content ?? {} }, warnings);
}

/** The file's tables; empty if there is no file; undefined, and a warning, if it cannot be read or is not TOML. */
export function readConfigFile(path: string, warn: Warn): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    warn(`${path} cannot be read (${code}): its settings are not in force.`);
    return undefined;
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    warn(`${path}, line ${error.line}, is not TOML (${what}): its settings are not in force.`);
    return undefined;
  }
}

/** Checks what environment and file say. `warnings` is added to. */
export function settingsFrom(
  { env, override }: LoadOptions,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  warnings: string[],
): Settings {
  const warn = (text: string): void => void warnings.push(text);
  const { values: read, sources } = readTable(env, file, warn);
  const values: Values = { ...read, ...override };
  for (const key of Object.keys(override ?? {}) as Key[]) sources[key] = "the command line";
  warnOfUnknown(file, ["providers", "personality", "sandboxes"], warn);
  const sandboxes = readSandboxes(env, file, warn);
  const sandbox = values["processes.sandbox"];
  if (sandbox !== LOCAL && sandboxes[sandbox] === undefined)
    warn(
      `processes.sandbox is ${sandbox}, which is no sandbox here: the agent's commands are refused until it is one.`,
    );
  const cert = values["tls.cert"];
  const key = values["tls.key"];
  if ((cert === undefined) !== (key === undefined))
    warn("tls.cert and tls.key belong together: without the other, one is ignored.");
  const root = packageRoot();
  return {
    home: homeOf(env),
    configFile: file.path,
    root,
    host: values.host,
    port: values.port,
    allowedHosts: values.allowed_hosts,
    proxy: values.proxy,
    tls:
      cert === undefined || key === undefined
        ? undefined
        : { cert: expandTilde(cert, env), key: expandTilde(key, env) },
    model: values.model,
    fallbackModel: values.fallback_model,
    providers: readProviders(env, file, values.base_url, warn),
    personality: readPersonality(env, file, warn),
    sandboxes,
    sandbox,
    approvals: values.approvals,
    redaction: {
      on: values.redaction === "on",
      variables: values.redaction_variables,
      extra: readSecrets(values.redaction_extra, sources.redaction_extra, warn),
    },
    tools: values.tools,
    processes: {
      graceMs: values["processes.grace_s"] * 1000,
      waitLimitMs: values["processes.wait_limit_s"] * 1000,
      spoolBytes: values["processes.spool_bytes"],
      passEnvironment: values["environment.pass"],
      keepEnded: values["processes.keep_ended"],
      keepMs: values["processes.keep_minutes"] * 60_000,
      drainMs: values["processes.drain_s"] * 1000,
      activeMaxMs: values["processes.active_h"] * 3_600_000,
      running: values["processes.running"],
      runningOfSession: values["sessions.running"],
      limits: {
        mode: values["processes.limits"],
        child: {
          memory_bytes: values["processes.memory_bytes"] ?? null,
          cpus: values["processes.cpus"] ?? null,
          pids: values["processes.pids"],
        },
        session: {
          memory_bytes: values["sessions.memory_bytes"] ?? null,
          cpus: values["sessions.cpus"] ?? null,
          pids: values["sessions.pids"] ?? null,
        },
      },
    },
    openFiles: openFilesOf(env),
    turns: { onRestart: values["turns.on_restart"], wakesPerHour: values["sessions.wakes_per_hour"] },
    shutdownGraceMs: values["shutdown.grace_s"] * 1000,
    logLevel: values["log.level"],
    baseEnvironment: baseEnvironment(env, root, values["environment.pass"]),
    warnings,
    sources,
    values,
  };
}

const PersonalityTable = z.strictObject({
  system_prompt: z.string().optional(),
  tone: z.string().optional(),
  style: z.string().optional(),
});

function readPersonality(
  env: Environment,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  warn: Warn,
): Personality {
  const said = env.HEARTH_PERSONALITY || file.content.personality;
  if (said === undefined) return {};
  if (typeof said === "string") return { system_prompt: said };
  const checked = PersonalityTable.safeParse(said);
  if (checked.success) {
    return Object.fromEntries(Object.entries(checked.data).filter(([, value]) => value !== undefined));
  }
  warn(
    `personality in ${file.path} is wrong: it takes text, or a section with system_prompt, tone and style as text. It is ignored.`,
  );
  return {};
}

const isLoopback = (host: string): boolean =>
  /^127\.\d+\.\d+\.\d+$/.test(host) || host === "::1" || host === "localhost";

/** Throws ConfigRefused where serving would be reckless (A01): beyond loopback, names must be listed and TLS be there. */
export function assertServable(settings: Settings): void {
  if (isLoopback(settings.host)) return;
  const missing = [
    ...(settings.allowedHosts.length === 0 ? ["allowed_hosts (the names under which it may be reached)"] : []),
    ...(settings.tls === undefined && !settings.proxy
      ? ["tls.cert and tls.key, or proxy = true where a proxy in front speaks TLS"]
      : []),
  ];
  if (missing.length === 0) return;
  throw new ConfigRefused(
    `Listening on ${settings.host} would open this host to the network: set ${missing.join(", and ")}, or listen on 127.0.0.1.`,
  );
}

/** Every setting in force by its key, fit to be shown: of secrets only whether they are set. */
export function describe(settings: Settings): Record<string, unknown> {
  const shown: Record<string, unknown> = { home: settings.home, config_file: settings.configFile };
  for (const key of keys) shown[key] = settings.values[key as Key] ?? null;
  if (settings.values.base_url !== undefined) shown.base_url = withoutCredentials(settings.values.base_url);
  shown.redaction_extra = shownSecrets(settings.values.redaction_extra);
  shown.personality = settings.personality;
  for (const [name, provider] of Object.entries(settings.providers)) {
    shown[`providers.${name}.kind`] = provider.kind;
    shown[`providers.${name}.base_url`] = withoutCredentials(provider.baseUrl);
    const hasKey = provider.apiKey !== undefined || provider.apiKeyCommand !== undefined;
    shown[`providers.${name}.api_key`] = hasKey ? "set" : "not set";
    if (provider.models.length > 0) shown[`providers.${name}.models`] = provider.models;
  }
  return shown;
}
