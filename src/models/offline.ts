// The model that answers when none is connected: no language model, it does what the person typed, line by line.
import { setTimeout as delay } from "node:timers/promises";
import { grammar, type Instruction, parseInstructions } from "./instructions.ts";
import type { Model, ModelMessage, ModelPart, ModelRequest } from "./model.ts";

type Finish = Extract<ModelPart, { type: "finish" }>["finish"];
type SeenCall = Extract<ModelMessage, { role: "assistant" }>["tool_calls"][number];

/** It reads no tokens and makes none, so it counts none: a made-up figure would end up in somebody's sum. */
const usage = { input_tokens: 0, output_tokens: 0, cached_tokens: 0 };

/** What it wants to run by itself, for practice: it changes nothing, and its answer shows that it really ran. */
const TRIAL = 'echo "You allowed this at $(date +%H:%M)."';

/** Things named in the closing sentence; the rest is a number. */
const MOST_NAMED = 5;

/**
 * The offline model. It has no state: answer k of a turn is instruction k of the person's latest message, k being the
 * number of answers after that message, so that a turn goes on after a crash where it was. Nothing but that message is
 * ever read as an instruction: not a notice, not a tool's output (a notice after it is answered by one fixed sentence).
 */
export class OfflineModel implements Model {
  readonly id = "offline";
  readonly typedByPerson = true;
  readonly #help: () => string;
  readonly #wordDelayMs: number;

  /** @param options.help how to connect a real model, in Markdown; `wordDelayMs` between two words of `say` */
  constructor(options: { help: () => string; wordDelayMs?: number }) {
    this.#help = options.help;
    this.#wordDelayMs = options.wordDelayMs ?? 15;
  }

  /** Of all its calls one is not what the person typed: the one for practice. */
  isOwn(name: string, args: Readonly<Record<string, unknown>>): boolean {
    return name === "terminal" && args.command === TRIAL;
  }

  /** One answer. Throws the signal's reason, at any point. */
  async *stream(request: ModelRequest): AsyncGenerator<ModelPart> {
    request.signal.throwIfAborted();
    yield { type: "finish", finish: yield* this.#answer(request), usage };
  }

  async *#answer({ messages, signal }: ModelRequest): AsyncGenerator<ModelPart, Finish> {
    const latest = messages.findLastIndex((message) => message.role === "user");
    const spoken = messages[latest];
    if (spoken?.role !== "user" || spoken.from === "notice") {
      yield { type: "text", text: "There is something to report; the notice above says what." };
      return "stop";
    }
    const instructions = parseInstructions(spoken.text);
    if (instructions.every((instruction) => instruction.do === "unknown")) {
      yield { type: "text", text: this.#introduction() };
      return "stop";
    }
    const since = messages.slice(latest + 1);
    const answered = since.filter((message) => message.role === "assistant").length;
    const instruction = instructions[answered];
    if (instruction === undefined) {
      yield { type: "text", text: summary(since) };
      return "stop";
    }
    const call = toolCall(instruction);
    if (call !== undefined) {
      yield { type: "tool_call", ...call };
      return "tool_calls";
    }
    yield* this.#speak(instruction, signal);
    return answered + 1 < instructions.length ? "continue" : "stop";
  }

  async *#speak(instruction: Instruction, signal: AbortSignal): AsyncGenerator<ModelPart> {
    switch (instruction.do) {
      case "say":
        for (const [word] of instruction.text.matchAll(/\S+\s*/g)) {
          await pause(this.#wordDelayMs, signal);
          yield { type: "text", text: word };
        }
        return;
      case "think":
        yield { type: "reasoning", text: instruction.text };
        return;
      case "wait":
        await pause(instruction.seconds * 1_000, signal);
        yield { type: "text", text: `Waited ${instruction.seconds} s.` };
        return;
      case "unknown":
        yield {
          type: "text",
          text: `${code(instruction.line)} is no instruction that I know: they are run, start, read, write, search, ask, say, think, wait and try approval.`,
        };
        return;
      default:
        return;
    }
  }

  #introduction(): string {
    return [
      "I am Hearth's offline model. I am no language model and understand no questions: with no model connected, I do what you type, one instruction per line:",
      grammar,
      this.#help(),
    ].join("\n\n");
  }
}

function toolCall(instruction: Instruction): { name: string; arguments: Record<string, unknown> } | undefined {
  switch (instruction.do) {
    case "run":
      return { name: "terminal", arguments: { command: instruction.command } };
    case "start": {
      const { command, until } = instruction;
      const watch = until === undefined ? {} : { watch_patterns: [until] };
      return { name: "terminal", arguments: { command, background: true, notify_on_complete: true, ...watch } };
    }
    case "read":
      return { name: "read_file", arguments: { path: instruction.path } };
    case "write":
      return { name: "write_file", arguments: { path: instruction.path, content: instruction.text } };
    case "search":
      return { name: "search_files", arguments: { query: instruction.text } };
    case "try":
      return { name: "terminal", arguments: { command: TRIAL } };
    case "ask":
      return { name: "clarify", arguments: { question: instruction.question } };
    default:
      return undefined;
  }
}

/** One sentence about what the calls of this turn did, from their names and status alone. */
function summary(since: readonly ModelMessage[]): string {
  const calls = since.flatMap((message) => (message.role === "assistant" ? message.tool_calls : []));
  const failed = new Map(
    since.flatMap((message) => (message.role === "tool" && message.failed ? [[message.call_id, message.text]] : [])),
  );
  const done = calls.filter((call) => !failed.has(call.call_id)).map(deed);
  const wrong = calls.filter((call) => failed.has(call.call_id)).map(subject);
  if (calls.length > 0 && calls.every((call) => failed.get(call.call_id)?.startsWith("The person denied")))
    return `You did not allow it, so nothing was done: ${list(wrong)}.`;
  if (wrong.length === 0) return done.length === 0 ? "Done." : `Done: ${list(done)}.`;
  return done.length === 0 ? `${list(wrong)} failed.` : `${list(wrong)} failed; done: ${list(done)}.`;
}

function deed(call: SeenCall): string {
  const started = call.arguments.background === true;
  const verbs = {
    terminal: started ? "started" : "ran",
    read_file: "read",
    write_file: "wrote",
    search_files: "searched for",
    clarify: "asked",
  };
  const verb = verbs[call.name as keyof typeof verbs];
  return verb === undefined ? subject(call) : `${verb} ${subject(call)}`;
}

function subject(call: SeenCall): string {
  const { command, path, query, question } = call.arguments;
  return code(command ?? path ?? query ?? question ?? call.name);
}

function list(things: readonly string[]): string {
  const rest = things.length - MOST_NAMED;
  return things.slice(0, MOST_NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** As inline code, which shows it as it is, whatever it contains. */
function code(value: unknown): string {
  const text = String(value);
  const shown = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  const longest = Math.max(0, ...Array.from(shown.matchAll(/`+/g), ([run]) => run.length));
  const ticks = "`".repeat(longest + 1);
  return longest === 0 ? `${ticks}${shown}${ticks}` : `${ticks} ${shown} ${ticks}`;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (thrown) {
    signal.throwIfAborted(); // its reason, not the timer's AbortError
    throw thrown;
  }
}
