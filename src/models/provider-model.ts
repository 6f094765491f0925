// A model behind a provider's API: one request, its stream in our parts, every way it can go wrong as a ModelError.
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { parseArguments } from "./arguments.ts";
import { broken, explain, keyHint, ProviderFailure, type Subject } from "./failure.ts";
import { checkedBase, guardedFetch, isLoopback } from "./guarded-fetch.ts";
import type { Keys } from "./keys.ts";
import type { Model, ModelPart, ModelRequest, ProviderSettings } from "./model.ts";
import { Patience } from "./patience.ts";
import { toPrompt, toTools } from "./prompt.ts";
import { withRetries } from "./retry.ts";

/** Milliseconds. `firstByte`: local models load for minutes before they say a word. */
export interface Limits {
  firstByteMs: number;
  stallMs: number;
  firstRetryMs: number;
}
export const defaultLimits: Limits = { firstByteMs: 300_000, stallMs: 120_000, firstRetryMs: 500 };

/** After the last part the connection may be kept for the next request, if the server ends the answer this soon. */
const DRAIN_MS = 200;
const MOST_CALLS = 128;

type Finish = Extract<LanguageModelV4StreamPart, { type: "finish" }>;

export class ProviderModel implements Model {
  readonly id: string;
  readonly typedByPerson = false;
  readonly #provider: string;
  readonly #name: string;
  readonly #settings: ProviderSettings;
  readonly #keys: Keys;
  readonly #limits: Limits;

  /** @param provider its name in the settings; `name` the model's name there */
  constructor(o: { provider: string; name: string; settings: ProviderSettings; keys: Keys; limits: Limits }) {
    this.id = `${o.provider}/${o.name}`;
    this.#provider = o.provider;
    this.#name = o.name;
    this.#settings = o.settings;
    this.#keys = o.keys;
    this.#limits = o.limits;
  }

  /** One answer, asked for again where nothing was shown yet and it is worth it. Throws ModelError, or the signal's reason. */
  stream(request: ModelRequest): AsyncGenerator<ModelPart> {
    return withRetries(() => this.#attempt(request), request.signal, this.#limits.firstRetryMs);
  }

  async *#attempt(request: ModelRequest): AsyncGenerator<ModelPart> {
    const { signal } = request;
    signal.throwIfAborted();
    const subject: Subject = { provider: this.#provider, model: this.#name, host: "", secrets: [] };
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    using patience = new Patience(this.#limits.firstByteMs, this.#limits.stallMs, (silentMs) =>
      stop.abort(broken(subject, `stopped: nothing came for ${silentMs / 1000} s`, false)),
    );
    try {
      subject.host = checkedBase(this.#provider, this.#settings.baseUrl).host;
      const key = await this.#keys.of(this.#provider, this.#settings, signal);
      if (key !== undefined) subject.secrets = [key];
      else if (needsKey(this.#settings)) throw noKey(this.#provider);
      const language = await this.#connect(key, () => patience.heard());
      const prompt = toPrompt(request.system, request.messages);
      const tools = toTools(request.tools);
      patience.begin();
      const abortSignal = stop.signal;
      const { stream } = await language.doStream({ prompt, ...(tools.length > 0 ? { tools } : {}), abortSignal });
      yield* read(stream, patience, subject);
    } catch (thrown) {
      signal.throwIfAborted();
      const failure = explain(stop.signal.aborted ? stop.signal.reason : thrown, subject);
      if (failure.type === "authentication") this.#keys.forget(this.#settings);
      throw failure;
    } finally {
      signal.removeEventListener("abort", onAbort);
      stop.abort(); // closes the connection where the answer was not read to its end
    }
  }

  /** The provider layer is loaded when the first answer is asked for: it costs 10–20 MB that an idle host need not hold. */
  async #connect(key: string | undefined, onBytes: () => void): Promise<LanguageModelV4> {
    const { kind, baseUrl } = this.#settings;
    const fetch = guardedFetch({ provider: this.#provider, baseUrl, onBytes });
    if (kind === "anthropic") {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      // Without a key the library would look for one in the environment; that key was entered for another address.
      return createAnthropic({ baseURL: baseUrl, apiKey: key ?? "none", fetch })(this.#name);
    }
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const apiKey = key === undefined ? {} : { apiKey: key };
    return createOpenAICompatible({ name: "provider", baseURL: baseUrl, ...apiKey, fetch, includeUsage: true })(
      this.#name,
    );
  }
}

/** True where a request without a key is bound to fail. A server of one's own may well want none. */
export function needsKey({ kind, baseUrl }: ProviderSettings): boolean {
  if (isLoopback(baseUrl)) return false;
  return kind === "anthropic" || (URL.canParse(baseUrl) && new URL(baseUrl).hostname === "api.openai.com");
}

function noKey(provider: string): ProviderFailure {
  return new ProviderFailure("authentication", `There is no key for ${provider}`, keyHint(provider), { again: false });
}

async function* read(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  patience: Patience,
  subject: Subject,
): AsyncGenerator<ModelPart> {
  const reader = stream.getReader();
  // Held back until the end: a cut stream hands out its half-written calls too, and those must not run.
  const calls: Extract<ModelPart, { type: "tool_call" }>[] = [];
  for (;;) {
    patience.begin();
    const { done, value: part } = await reader.read();
    patience.rest();
    if (done) throw broken(subject, "was cut off", true);
    switch (part.type) {
      case "text-delta":
        if (part.delta !== "") yield { type: "text", text: part.delta };
        break;
      case "reasoning-delta":
        if (part.delta !== "") yield { type: "reasoning", text: part.delta };
        break;
      case "tool-call":
        if (part.providerExecuted === true) break;
        if (calls.length >= MOST_CALLS) throw broken(subject, `has more than ${MOST_CALLS} tool calls`, false);
        calls.push({ type: "tool_call", name: part.toolName, arguments: parseArguments(part.input) });
        break;
      case "error":
        throw part.error;
      case "finish": {
        // Without the provider's own reason the library only noticed that the stream had ended.
        if (part.finishReason.raw === undefined) throw broken(subject, "was cut off", true);
        const finish = finishOf(part, calls.length > 0);
        if (finish !== "refusal") yield* calls;
        yield { type: "finish", finish, usage: usageOf(part) };
        await drained(reader);
        return;
      }
      default: // the edges of blocks, sources and files: nothing the loop knows
        break;
    }
  }
}

function finishOf({ finishReason }: Finish, called: boolean): Extract<ModelPart, { type: "finish" }>["finish"] {
  if (finishReason.unified === "content-filter") return "refusal";
  if (called) return "tool_calls"; // some servers say `stop` all the same
  if (finishReason.raw === "pause_turn") return "continue";
  return finishReason.unified === "length" ? "length" : "stop";
}

function usageOf({ usage }: Finish): Extract<ModelPart, { type: "finish" }>["usage"] {
  const count = (tokens: number | undefined): number => Math.max(0, Math.trunc(tokens ?? 0));
  return {
    input_tokens: count(usage.inputTokens.total),
    output_tokens: count(usage.outputTokens.total),
    cached_tokens: count(usage.inputTokens.cacheRead),
  };
}

async function drained(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, DRAIN_MS);
  const end = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  // What goes wrong after the answer is whole concerns nobody.
  await Promise.race([end().catch(() => undefined), patience.promise]);
  clearTimeout(timer);
}
