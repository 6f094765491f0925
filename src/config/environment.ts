// The one door to process.env: everything else gets what it needs as values, so that tests and children cannot be surprised.
import { delimiter, dirname, join, sep } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment this process was started with. */
export function environment(): Environment {
  return process.env;
}

/** Names under which people export keys of model providers. No child gets them, unless `environment.pass` names them (P3). */
export const PROVIDER_KEYS: ReadonlySet<string> = new Set([
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "AZURE_OPENAI_API_KEY",
  "CEREBRAS_API_KEY",
  "COHERE_API_KEY",
  "DEEPSEEK_API_KEY",
  "FIREWORKS_API_KEY",
  "GEMINI_API_KEY",
  "GOOGLE_API_KEY",
  "GOOGLE_GENERATIVE_AI_API_KEY",
  "GROQ_API_KEY",
  "HF_TOKEN",
  "HUGGING_FACE_HUB_TOKEN",
  "MISTRAL_API_KEY",
  "OPENAI_API_KEY",
  "OPENROUTER_API_KEY",
  "PERPLEXITY_API_KEY",
  "TOGETHER_API_KEY",
  "XAI_API_KEY",
]);

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
    else if (/^(HEARTH_|npm_)/i.test(name) || PROVIDER_KEYS.has(name) || (byNpm && NPM_ADDS.has(name))) continue;
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
