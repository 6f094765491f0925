// Connections to models: the ones everybody has, and those of `[providers.NAME]`. Keys are values in here, and shown nowhere.
import * as z from "zod";
import type { Environment } from "./environment.ts";
import { isTable, type Warn } from "./table.ts";

/** The same shape as the models part reads: one connection to a provider. */
export interface Provider {
  kind: "openai-compatible" | "anthropic";
  baseUrl: string;
  apiKey?: string;
  /** A command whose standard output is the key. */
  apiKeyCommand?: string;
  models: readonly string[];
}

const fields = {
  kind: { schema: z.enum(["openai-compatible", "anthropic"]), allowed: "openai-compatible or anthropic" },
  base_url: { schema: z.url({ protocol: /^https?$/ }), allowed: "an address that begins with http:// or https://" },
  api_key: { schema: z.string().min(1), allowed: "a key as text" },
  api_key_command: { schema: z.string().min(1), allowed: "a command as text" },
  models: { schema: z.array(z.string().min(1)), allowed: "a list of names of models" },
} as const;
type Field = keyof typeof fields;
type Found = { [F in Field]?: z.infer<(typeof fields)[F]["schema"]> };
const isField = (name: string): name is Field => name in fields;

/** Known without any setting: the two big ones for their keys, the two local ones because they need none. */
const builtIn: Readonly<Record<string, { kind: Provider["kind"]; baseUrl: string }>> = {
  anthropic: { kind: "anthropic", baseUrl: "https://api.anthropic.com/v1" },
  openai: { kind: "openai-compatible", baseUrl: "https://api.openai.com/v1" },
  ollama: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:11434/v1" },
  lmstudio: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:1234/v1" },
};

/**
 * All providers by name: what is built in, under what the config file says, under what variables say.
 * @param baseUrl the setting `base_url`
 */
export function readProviders(
  env: Environment,
  file: { path: string; content: Readonly<Record<string, unknown>> },
  baseUrl: string | undefined,
  warn: Warn,
): Record<string, Provider> {
  const found = new Map<string, Found>(Object.keys(builtIn).map((name) => [name, conventional(env, name, baseUrl)]));
  const written = file.content.providers;
  if (written !== undefined && !isTable(written))
    warn(`providers in ${file.path} is a section: write [providers.NAME].`);
  for (const [name, content] of Object.entries(isTable(written) ? written : {})) {
    if (!/^[\w-]+$/.test(name) || !isTable(content)) {
      warn(
        `providers.${name} in ${file.path} is no section: write [providers.NAME] with a name of letters, digits, - and _.`,
      );
      continue;
    }
    const said = readFields(Object.entries(content), (field) => `providers.${name}.${field} in ${file.path}`, warn);
    found.set(name, { ...found.get(name), ...said });
  }
  for (const [name, entries] of fromVariables(env)) {
    const said = readFields(entries, (field) => `HEARTH_PROVIDERS_${name.toUpperCase()}_${field.toUpperCase()}`, warn);
    found.set(name, { ...found.get(name), ...said });
  }
  const providers: Record<string, Provider> = {};
  for (const [name, said] of found) {
    const provider = complete(name, said);
    if (provider === undefined) warn(`The provider ${name} has no address: set providers.${name}.base_url.`);
    else providers[name] = provider;
  }
  return providers;
}

/** The variables that everybody's tools read. */
function conventional(env: Environment, name: string, baseUrl: string | undefined): Found {
  const said: Found = {};
  const key = env[{ anthropic: "ANTHROPIC_API_KEY", openai: "OPENAI_API_KEY" }[name] ?? ""];
  if (key !== undefined && key !== "") said.api_key = key;
  const address = name === "openai" ? (baseUrl ?? env.OPENAI_BASE_URL) : undefined;
  if (address !== undefined && URL.canParse(address)) said.base_url = address;
  return said;
}

function complete(name: string, said: Found): Provider | undefined {
  const standard = builtIn[name];
  const baseUrl = said.base_url ?? standard?.baseUrl;
  if (baseUrl === undefined) return undefined;
  return {
    kind: said.kind ?? standard?.kind ?? "openai-compatible",
    baseUrl: baseUrl.replace(/\/+$/, ""),
    ...(said.api_key === undefined ? {} : { apiKey: said.api_key }),
    ...(said.api_key_command === undefined ? {} : { apiKeyCommand: said.api_key_command }),
    models: said.models ?? [],
  };
}

function readFields(entries: Iterable<[string, unknown]>, where: (field: string) => string, warn: Warn): Found {
  const said: Record<string, unknown> = {};
  for (const [field, value] of entries) {
    if (!isField(field)) {
      warn(`${where(field)} is no setting: a provider has ${Object.keys(fields).join(", ")}.`);
      continue;
    }
    const checked = fields[field].schema.safeParse(value);
    // The value is not shown: what stands in the wrong place may well be a key.
    if (checked.success) said[field] = checked.data;
    else warn(`${where(field)} is wrong: it takes ${fields[field].allowed}. It is ignored.`);
  }
  return said as Found;
}

function fromVariables(env: Environment): Map<string, [string, unknown][]> {
  const found = new Map<string, [string, unknown][]>();
  const pattern = new RegExp(`^HEARTH_PROVIDERS_([A-Z0-9_]+?)_(${Object.keys(fields).join("|").toUpperCase()})$`);
  for (const [variable, value] of Object.entries(env)) {
    const [, name, field] = pattern.exec(variable) ?? [];
    if (name === undefined || field === undefined || value === undefined || value === "") continue;
    const entries = found.get(name.toLowerCase()) ?? [];
    entries.push([field.toLowerCase(), field === "MODELS" ? value.split(",").map((model) => model.trim()) : value]);
    found.set(name.toLowerCase(), entries);
  }
  return found;
}

/** An address without what stands in it for logging in. */
export function withoutCredentials(address: string): string {
  const url = new URL(address);
  url.username = "";
  url.password = "";
  return url.href.replace(/\/$/, "");
}
