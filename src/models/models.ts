// The models that can be chosen, and the one that a name means. Entry of this part.
import { HostError } from "../protocol/errors.ts";
import type { ModelRow } from "../protocol/methods.ts";
import { Catalog, type CatalogLimits } from "./catalog.ts";
import { isLoopback } from "./guarded-fetch.ts";
import { connectHelp } from "./help.ts";
import { Keys } from "./keys.ts";
import type { Model, ModelSettings, ProviderSettings } from "./model.ts";
import { OfflineModel } from "./offline.ts";
import { defaultLimits, type Limits, ProviderModel } from "./provider-model.ts";

export interface ModelsOptions {
  /** Read anew for each question: a change of the settings counts from the next answer on (S5). */
  settings: () => ModelSettings;
  warn: (text: string) => void;
  /** Told of each key before it is used. */
  onKey?: (provider: string, key: string) => void;
  /** Servers of this machine that are offered without any setting, by name; for tests. */
  local?: Readonly<Record<string, string>>;
  limits?: Partial<Limits & CatalogLimits>;
  /** Milliseconds between two words of the offline model's `say`. */
  wordDelayMs?: number;
  /** The PATH that key commands see. */
  commandPath?: string;
}

const localServers = { ollama: "http://127.0.0.1:11434/v1", lmstudio: "http://127.0.0.1:1234/v1" };
const wellKnown: Readonly<Record<string, ProviderSettings>> = {
  anthropic: { kind: "anthropic", baseUrl: "https://api.anthropic.com/v1", models: [] },
  openai: { kind: "openai-compatible", baseUrl: "https://api.openai.com/v1", models: [] },
};

export class Models {
  readonly #settings: () => ModelSettings;
  readonly #warn: (text: string) => void;
  readonly #local: Readonly<Record<string, string>>;
  readonly #limits: Limits;
  readonly #keys: Keys;
  readonly #catalog: Catalog;
  readonly #offline: OfflineModel;
  /** Providers already warned about: once each is enough. */
  readonly #warned = new Set<string>();

  constructor(options: ModelsOptions) {
    const { limits = {}, local = localServers, wordDelayMs } = options;
    this.#settings = options.settings;
    this.#warn = options.warn;
    this.#local = local;
    this.#limits = { ...defaultLimits, ...limits };
    this.#keys = new Keys(options.commandPath, options.onKey);
    this.#catalog = new Catalog(this.#keys, { localMs: 300, remoteMs: 3_000, ...limits });
    this.#offline = new OfflineModel({
      help: () => this.help(),
      ...(wordDelayMs === undefined ? {} : { wordDelayMs }),
    });
  }

  /**
   * The model of this name: `offline`, or `PROVIDER/NAME`. Nothing is asked over the network, and no key is needed yet: a
   * provider that refuses says so in the answer. Throws model_not_found.
   */
  async resolve(id: string): Promise<Model> {
    if (id === "offline") return this.#offline;
    const slash = id.indexOf("/");
    const provider = id.slice(0, Math.max(slash, 0));
    const name = id.slice(slash + 1);
    if (slash <= 0 || name === "") {
      throw notFound(
        id,
        "A model is named PROVIDER/NAME, such as anthropic/claude-sonnet-5-5 or ollama/qwen3, or offline.",
      );
    }
    const settings = this.#providers().get(provider);
    if (settings === undefined) {
      const known = [...this.#providers().keys()].join(", ");
      throw notFound(
        id,
        `There is no provider ${provider}: add [providers.${provider}] to config.toml, or use ${known}.`,
      );
    }
    this.#warnOfPlainKey(provider, settings);
    return new ProviderModel({ provider, name, settings, keys: this.#keys, limits: this.#limits });
  }

  /** Every model that can be chosen; a provider that misses something has one row that says what. Servers of this machine are found by themselves. */
  async list(signal?: AbortSignal): Promise<ModelRow[]> {
    signal?.throwIfAborted();
    const asked = Array.from(this.#providers(), ([provider, settings]) =>
      this.#catalog.of(provider, settings, this.#isOffered(provider, settings)),
    );
    const rows = await Promise.all(asked);
    signal?.throwIfAborted();
    const note = "No language model: does what you type, one instruction per line.";
    return [{ model: "offline", provider: "offline", ready: true, note }, ...rows.flat()];
  }

  /** How to connect a model, in Markdown. */
  help(): string {
    return connectHelp;
  }

  #providers(): ReadonlyMap<string, ProviderSettings> {
    const local = Object.entries(this.#local).map(([name, baseUrl]): [string, ProviderSettings] => [
      name,
      { kind: "openai-compatible", baseUrl, models: [] },
    ]);
    return new Map([...Object.entries(wellKnown), ...local, ...Object.entries(this.#settings().providers)]);
  }

  /** A local server at its usual address: nobody need have asked for it, and nobody misses it. */
  #isOffered(provider: string, { baseUrl, models }: ProviderSettings): boolean {
    return this.#local[provider] === baseUrl && models.length === 0;
  }

  #warnOfPlainKey(provider: string, { baseUrl, apiKey, apiKeyCommand }: ProviderSettings): void {
    if (!baseUrl.startsWith("http://") || isLoopback(baseUrl) || (apiKey ?? apiKeyCommand) === undefined) return;
    if (this.#warned.has(provider) || this.#warned.size >= 64) return;
    this.#warned.add(provider);
    this.#warn(`The key of ${provider} goes over the network unencrypted: its base_url begins with http://.`);
  }
}

function notFound(id: string, what: string): HostError {
  const shown = id.length > 100 ? `${id.slice(0, 99)}…` : id;
  return new HostError("model_not_found", `There is no model "${shown}". ${what}`);
}
