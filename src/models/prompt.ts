// Our conversation in the provider layer's words. Every field is named here, so that nothing else can reach a model (S3).
import type { LanguageModelV4FunctionTool, LanguageModelV4Message, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { ModelMessage, ToolSpec } from "./model.ts";

type Answer = Extract<LanguageModelV4Message, { role: "assistant" }>;
type Results = Extract<LanguageModelV4Message, { role: "tool" }>;
type ToolMessage = Extract<ModelMessage, { role: "tool" }>;

/**
 * A prompt every API accepts, whatever happened in the conversation: roles alternate (neighbours are joined), no empty
 * texts, and each tool call has exactly one result.
 */
export function toPrompt(system: string, messages: readonly ModelMessage[]): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = system === "" ? [] : [{ role: "system", content: system }];
  for (const [index, message] of messages.entries()) {
    if (message.role === "user") addWords(prompt, spoken(message));
    if (message.role === "assistant") {
      addAnswer(prompt, message);
      if (message.tool_calls.length > 0) prompt.push(resultsOf(message, messages.slice(index + 1)));
    }
    // Results are placed with their calls; one whose call is gone would be refused.
  }
  return prompt;
}

/** The tools as the provider layer takes them. */
export function toTools(tools: readonly ToolSpec[]): LanguageModelV4FunctionTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    name,
    description,
    inputSchema: parameters as LanguageModelV4FunctionTool["inputSchema"],
  }));
}

/** A notice is data about a process, in a message of the user's role: it has to say so itself. */
function spoken(message: Extract<ModelMessage, { role: "user" }>): string {
  return message.from === "notice" && !message.text.startsWith("[Notice]") ? `[Notice] ${message.text}` : message.text;
}

function addWords(prompt: LanguageModelV4Prompt, text: string): void {
  if (text.trim() === "") return;
  const last = prompt.at(-1);
  const part = last?.role === "user" ? last.content.at(-1) : undefined;
  if (part?.type === "text") part.text += `\n\n${text}`;
  else prompt.push({ role: "user", content: [{ type: "text", text }] });
}

function addAnswer(prompt: LanguageModelV4Prompt, message: Extract<ModelMessage, { role: "assistant" }>): void {
  const content: Answer["content"] = [];
  if (message.text.trim() !== "") content.push({ type: "text", text: message.text });
  for (const { call_id, name, arguments: input } of message.tool_calls) {
    content.push({ type: "tool-call", toolCallId: call_id, toolName: name, input });
  }
  const last = prompt.at(-1);
  if (last?.role === "assistant") last.content.push(...content);
  else if (content.length > 0) prompt.push({ role: "assistant", content });
}

/** The results up to the next answer, in the order of the calls; a call without one (the host died, say) is told so. */
function resultsOf(message: Extract<ModelMessage, { role: "assistant" }>, later: readonly ModelMessage[]): Results {
  const nextAnswer = later.findIndex((other) => other.role === "assistant");
  const near = nextAnswer === -1 ? later : later.slice(0, nextAnswer);
  const found = new Map<string, ToolMessage>();
  for (const other of near) if (other.role === "tool") found.set(other.call_id, other);
  return {
    role: "tool",
    content: message.tool_calls.map(({ call_id, name }) => {
      const result = found.get(call_id);
      const value =
        result === undefined ? "There is no result: the call was interrupted." : result.text || "(no output)";
      const failed = result === undefined || result.failed;
      return {
        type: "tool-result",
        toolCallId: call_id,
        toolName: name,
        output: { type: failed ? "error-text" : "text", value },
      };
    }),
  };
}
