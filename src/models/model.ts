// What a model is to the turn loop: text and tool calls in, a stream of parts out. Providers and the offline model fulfil it.
import type { TurnError, Usage } from "../protocol/events.ts";

export interface ToolSpec {
  name: string;
  description: string;
  /** JSON schema of the arguments, an object. */
  parameters: Record<string, unknown>;
}

/** The conversation as a model may see it, and nothing else of it (S3). */
export type ModelMessage =
  | { role: "user"; from: "person" | "notice"; text: string }
  | {
      role: "assistant";
      text: string;
      tool_calls: readonly { call_id: string; name: string; arguments: Record<string, unknown> }[];
    }
  | { role: "tool"; call_id: string; name: string; text: string; failed: boolean };

export interface ModelRequest {
  system: string;
  messages: readonly ModelMessage[];
  tools: readonly ToolSpec[];
  signal: AbortSignal;
}

export type ModelPart =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; name: string; arguments: Record<string, unknown> }
  /** Always the last part, exactly once. `continue`: ask again at once, there is more without a tool call in between. */
  | { type: "finish"; finish: "stop" | "tool_calls" | "length" | "refusal" | "continue"; usage: Usage };

export interface Model {
  /** `offline`, `anthropic/NAME`, `PROVIDER/NAME`. */
  readonly id: string;
  /** True if its tool calls are the person's own typed words and need no approval. */
  readonly typedByPerson: boolean;
  /** In a model of typed words: whether a call is its own idea all the same, and needs approval. */
  isOwn?(name: string, args: Readonly<Record<string, unknown>>): boolean;
  /** One answer. Throws ModelError, or the signal's reason when aborted. */
  stream(request: ModelRequest): AsyncGenerator<ModelPart>;
}

/** A failed answer, told apart (S8). `retryAfterMs` is what the provider asked for. */
export class ModelError extends Error {
  readonly type: TurnError["type"];
  readonly hint: string;
  readonly retryAfterMs: number | undefined;
  constructor(
    type: TurnError["type"],
    message: string,
    hint: string,
    options?: ErrorOptions & { retryAfterMs?: number },
  ) {
    super(message, options);
    this.name = "ModelError";
    this.type = type;
    this.hint = hint;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** One connection to a provider, as configured. Keys are values here and nowhere else; never logged, never sent to a client. */
export interface ProviderSettings {
  kind: "openai-compatible" | "anthropic";
  baseUrl: string;
  apiKey?: string;
  /** A command whose standard output is the key; run when the key is first needed. */
  apiKeyCommand?: string;
  /** Models to offer where the provider cannot list its own. */
  models: readonly string[];
}
export interface ModelSettings {
  /** By name: the part before the slash in a model's id. */
  providers: Readonly<Record<string, ProviderSettings>>;
  /** The setting `model`; undefined: the offline model. */
  model: string | undefined;
  fallbackModel: string | undefined;
}
