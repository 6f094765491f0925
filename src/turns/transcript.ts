// The transcript as others may see it: the model (only what its API knows), a client's history, an export.
import type { ModelMessage } from "../models/model.ts";
import type { HistoryMessage } from "../protocol/methods.ts";
import type { Entry } from "./state.ts";

/**
 * The conversation for a model (S3): display data stays here. `tagWorkspace` puts the directory in front of each of the
 * person's messages, where the system message says that the newest one counts (S4); the stored words stay untouched.
 */
export function toModel(entries: readonly Entry[], tagWorkspace: boolean): ModelMessage[] {
  const messages: ModelMessage[] = [];
  for (const entry of entries) {
    switch (entry.kind) {
      case "user":
        messages.push({
          role: "user",
          from: "person",
          text: tagWorkspace ? `[Workspace: ${entry.workspace}]\n${entry.text}` : entry.text,
        });
        break;
      case "notice":
        messages.push({ role: "user", from: "notice", text: entry.text });
        break;
      case "assistant":
        // A whole answer counts even without a word (reasoning alone): the offline model counts answers to know where it is.
        if (entry.end === "dropped" || (entry.end !== "whole" && entry.text === "" && entry.tool_calls.length === 0))
          break;
        messages.push({ role: "assistant", text: entry.text, tool_calls: entry.tool_calls });
        break;
      case "tool":
        messages.push({
          role: "tool",
          call_id: entry.call_id,
          name: entry.name,
          text: entry.text,
          failed: entry.status !== "ok",
        });
        break;
      default:
        entry satisfies never;
    }
  }
  return messages;
}

/** One entry as `session.history` shows it. */
export function toHistory(entry: Entry): HistoryMessage {
  const { seq, time, turn_id } = entry;
  const base = { seq, time, turn_id };
  switch (entry.kind) {
    case "user": {
      const { text, attachments } = entry;
      return { ...base, role: "user", text, ...(attachments === undefined ? {} : { attachments }) };
    }
    case "notice":
      return { ...base, role: "notice", text: entry.text };
    case "assistant":
      return {
        ...base,
        role: "assistant",
        message_id: entry.message_id,
        text: entry.text,
        ...(entry.reasoning === "" ? {} : { reasoning: entry.reasoning }),
        tool_calls: [...entry.tool_calls],
        ...(entry.end === "whole" ? {} : { cut: true }),
      };
    case "tool":
      return {
        ...base,
        role: "tool",
        call_id: entry.call_id,
        name: entry.name,
        status: entry.status,
        text: entry.text,
      };
    default:
      return entry satisfies never;
  }
}

/** A conversation as Markdown, for people. Text is fenced with more backticks than it contains. */
export function toMarkdown(title: string, messages: readonly HistoryMessage[]): string {
  const parts = [`# ${title.replaceAll("\n", " ")}`];
  for (const message of messages) {
    if (message.role === "user") parts.push(`## You\n\n${message.text}`);
    if (message.role === "notice") parts.push(`## Notice\n\n${fence(message.text)}`);
    if (message.role === "assistant") {
      const calls = (message.tool_calls ?? []).map(
        (call) => `\`${call.name}\`\n\n${fence(JSON.stringify(call.arguments, null, 2))}`,
      );
      const text = [message.text, ...calls, message.cut === true ? "*(cut short)*" : ""].filter((part) => part !== "");
      parts.push(`## Agent\n\n${text.join("\n\n")}`);
    }
    if (message.role === "tool") parts.push(`### ${message.name}: ${message.status}\n\n${fence(message.text)}`);
  }
  return `${parts.join("\n\n")}\n`;
}

function fence(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}\n${text}\n${ticks}`;
}
