// Which models a provider offers, asked over HTTP and remembered for a short while.
import type { ModelRow } from "../protocol/methods.ts";
import { explain, keyHint, type Subject } from "./failure.ts";
import { checkedBase, guardedFetch, isLoopback } from "./guarded-fetch.ts";
import type { Keys } from "./keys.ts";
import { ModelError, type ProviderSettings } from "./model.ts";
import { needsKey } from "./provider-model.ts";

const FRESH_MS = 30_000;
/** A server that was not there may be starting just now. */
const FAILED_FRESH_MS = 5_000;
const MOST_MODELS = 500;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_REMEMBERED = 64;

export interface CatalogLimits {
  /** Milliseconds to wait for a server of this machine, and for another. */
  localMs: number;
  remoteMs: number;
}

export class Catalog {
  readonly #keys: Keys;
  readonly #limits: CatalogLimits;
  readonly #remembered = new Map<string, { until: number; rows: Promise<ModelRow[]> }>();

  constructor(keys: Keys, limits: CatalogLimits) {
    this.#keys = keys;
    this.#limits = limits;
  }

  /**
   * The provider's models; one row that is not ready where a key is missing or the list cannot be had. Never rejects.
   * @param offered true for a server nobody configured: where none runs there is no row
   */
  of(provider: string, settings: ProviderSettings, offered: boolean): Promise<ModelRow[]> {
    if (needsKey(settings) && !settings.apiKey && !settings.apiKeyCommand) {
      return Promise.resolve([notReady(provider, `There is no key. ${keyHint(provider)}`)]);
    }
    if (settings.models.length > 0) return Promise.resolve(rowsOf(provider, settings.models));
    // The key belongs to the question (another key, another list), but not into a map that lives longer than it.
    const question = [provider, settings.kind, settings.baseUrl, settings.apiKey === undefined, offered].join(" ");
    const now = performance.now();
    const known = this.#remembered.get(question);
    if (known !== undefined && known.until > now) return known.rows;
    const entry = { until: now + FRESH_MS, rows: this.#ask(provider, settings, offered) };
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(question, entry);
    void entry.rows.then((rows) => {
      if (!rows.some((row) => row.ready)) entry.until = performance.now() + FAILED_FRESH_MS;
    });
    return entry.rows;
  }

  async #ask(provider: string, settings: ProviderSettings, offered: boolean): Promise<ModelRow[]> {
    const { baseUrl } = settings;
    const limit = isLoopback(baseUrl) ? this.#limits.localMs : this.#limits.remoteMs;
    const subject: Subject = { provider, model: "", host: "", secrets: [] };
    const signal = AbortSignal.timeout(limit);
    try {
      subject.host = checkedBase(provider, baseUrl).host;
      const key = await this.#keys.of(provider, settings, signal);
      if (key !== undefined) subject.secrets = [key];
      const names = await fetchNames(provider, settings, key, signal);
      return rowsOf(provider, names);
    } catch (thrown) {
      if (offered) return [];
      if (signal.aborted) return [notReady(provider, `${subject.host} did not answer within ${limit / 1000} s.`)];
      const { message, hint } = explain(thrown, subject);
      return [notReady(provider, `${message}. ${hint}`)];
    }
  }
}

async function fetchNames(
  provider: string,
  { kind, baseUrl }: ProviderSettings,
  key: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const fetch = guardedFetch({ provider, baseUrl, mostBytes: MOST_BYTES });
  const anthropic = { "anthropic-version": "2023-06-01", "x-api-key": key ?? "none" };
  const bearer = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const address = `${baseUrl.replace(/\/+$/, "")}/models${kind === "anthropic" ? "?limit=500" : ""}`;
  const response = await fetch(address, {
    headers: { accept: "application/json", ...(kind === "anthropic" ? anthropic : bearer) },
    signal,
  });
  const body = await response.text();
  if (!response.ok) {
    const complaint = new Error(response.statusText);
    throw Object.assign(complaint, { statusCode: response.status, responseBody: body });
  }
  const { data } = parsed(body);
  if (!Array.isArray(data)) {
    throw new ModelError(
      "network",
      `${provider} gives no list of models`,
      `List them in providers.${provider}.models.`,
    );
  }
  return data.flatMap((entry: unknown) => {
    const id = typeof entry === "object" && entry !== null && "id" in entry ? entry.id : undefined;
    return typeof id === "string" && id !== "" && id.length <= 200 && !/embed/i.test(id) ? [id] : [];
  });
}

function parsed(body: string): { data?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // no list, which the caller says
  }
}

function rowsOf(provider: string, names: readonly string[]): ModelRow[] {
  return names.slice(0, MOST_MODELS).map((name) => ({ model: `${provider}/${name}`, provider, ready: true }));
}

function notReady(provider: string, note: string): ModelRow {
  return { model: `${provider}/NAME`, provider, ready: false, note };
}
