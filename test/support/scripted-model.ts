// A model whose answers a test writes down: each answer is a list of parts, or a function of the request.
import type { Model, ModelPart, ModelRequest } from "../../src/models/model.ts";
import { HostError } from "../../src/protocol/errors.ts";

export type ScriptedPart =
  | { text: string }
  | { reasoning: string }
  | { tool: string; args: Record<string, unknown> }
  | { wait: Promise<unknown> }
  | { fail: Error }
  | { finish: "continue" | "length" | "refusal" };
export type Script = readonly ScriptedPart[] | ((request: ModelRequest) => readonly ScriptedPart[]);

/** Answers in the order of its scripts, then says "done". Aborts like a provider: a waiting answer rejects at once. */
export class ScriptedModel implements Model {
  readonly id: string;
  readonly typedByPerson: boolean;
  readonly requests: ModelRequest[] = [];
  readonly #scripts: Script[];

  constructor(scripts: readonly Script[], options: { id?: string; typedByPerson?: boolean } = {}) {
    this.id = options.id ?? "scripted/one";
    this.typedByPerson = options.typedByPerson ?? true;
    this.#scripts = [...scripts];
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelPart> {
    this.requests.push(request);
    const script = this.#scripts.shift() ?? [{ text: "done" }];
    let finish: Extract<ModelPart, { type: "finish" }>["finish"] = "stop";
    for (const part of typeof script === "function" ? script(request) : script) {
      request.signal.throwIfAborted();
      if ("text" in part) yield { type: "text", text: part.text };
      else if ("reasoning" in part) yield { type: "reasoning", text: part.reasoning };
      else if ("tool" in part) {
        finish = "tool_calls";
        yield { type: "tool_call", name: part.tool, arguments: part.args };
      } else if ("wait" in part) await Promise.race([part.wait, aborted(request.signal)]);
      else if ("fail" in part) throw part.fail;
      else finish = part.finish;
    }
    yield { type: "finish", finish, usage: { input_tokens: 10, output_tokens: 5, cached_tokens: 0 } };
  }
}

/** What the turn loop asks for models, with these and no others. */
export function scriptedModels(...models: readonly Model[]): { resolve(id: string): Promise<Model> } {
  return {
    resolve: async (id) => {
      const model = models.find((candidate) => candidate.id === id);
      if (model === undefined) throw new HostError("model_not_found", `No model "${id}"`);
      return model;
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
