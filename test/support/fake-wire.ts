// What the two APIs write on the wire for a scripted answer: the events of a stream, and the bodies of errors.

/** What the fake answers: an answer, or a fault. Text comes in words, arguments in fragments, as real providers send them. */
export interface Reply {
  reasoning?: string;
  text?: string;
  /** Tool calls; `arguments` as a string goes out as it is, valid JSON or not. */
  tools?: readonly { name: string; arguments: Readonly<Record<string, unknown>> | string }[];
  /** The API's own word for why it ends; by default the usual one. */
  finish?: string;
  usage?: { input: number; output: number; cached: number };
  fault?: Fault;
}
export type Fault =
  /** An HTTP error. `retryAfter` goes out as the header; `echoKey` quotes the caller's key in the message. */
  | {
      status: number;
      retryAfter?: string;
      headers?: Readonly<Record<string, string>>;
      message?: string;
      code?: string;
      echoKey?: boolean;
    }
  /** After the reply's content: silence with the connection open, the connection gone, the stream ended without a word, or an error in the stream. */
  | "stall"
  | "reset"
  | "cut"
  | "error-in-stream"
  /** No response at all, not even headers. */
  | "silent"
  /** Status 200 and an event stream, but no JSON in it; or a page of HTML. */
  | "not-json"
  | "html"
  /** A redirect to another address. */
  | { redirect: string }
  | "context-too-long"
  | "content-filter";

export type Format = "openai" | "anthropic";

/** The events before the end of a stream, and those that end it: a cut stream lacks the second part. */
export interface Wire {
  content: string[];
  end: string[];
}

const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];
const written = (args: NonNullable<Reply["tools"]>[number]["arguments"]): string =>
  typeof args === "string" ? args : JSON.stringify(args);
const usual = { input: 11, output: 7, cached: 3 };

/** In fragments that end inside words and escapes. */
function fragments(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += 7) pieces.push(text.slice(at, at + 7));
  return pieces;
}

export function openai(reply: Reply, model: string): Wire {
  const chunk = (choices: unknown[], more: object = {}): string =>
    `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model, choices, ...more })}\n\n`;
  const delta = (content: object): string => chunk([{ index: 0, delta: content, finish_reason: null }]);
  const content = [delta({ role: "assistant", content: "" })];
  for (const word of words(reply.reasoning ?? "")) content.push(delta({ reasoning_content: word }));
  for (const word of words(reply.text ?? "")) content.push(delta({ content: word }));
  for (const [index, tool] of (reply.tools ?? []).entries()) {
    const start = { index, id: `call_fake${index}`, type: "function", function: { name: tool.name, arguments: "" } };
    content.push(delta({ tool_calls: [start] }));
    for (const piece of fragments(written(tool.arguments))) {
      content.push(delta({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
  }
  const finish_reason = reply.finish ?? (reply.tools === undefined ? "stop" : "tool_calls");
  const { input, output, cached } = reply.usage ?? usual;
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
  const last = chunk([{ index: 0, delta: {}, finish_reason }]);
  return { content, end: [last, chunk([], { usage }), "data: [DONE]\n\n"] };
}

export function anthropic(reply: Reply, model: string): Wire {
  const event = (data: { type: string } & Record<string, unknown>): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const { input, output, cached } = reply.usage ?? usual;
  const usage = {
    input_tokens: input - cached,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: 0,
    output_tokens: 1,
  };
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const content = [event({ type: "message_start", message }), event({ type: "ping" })];
  let index = 0;
  const block = (start: object, deltas: readonly object[]): void => {
    content.push(event({ type: "content_block_start", index, content_block: start }));
    for (const delta of deltas) content.push(event({ type: "content_block_delta", index, delta }));
    content.push(event({ type: "content_block_stop", index }));
    index += 1;
  };
  if (reply.reasoning !== undefined) {
    const thoughts = words(reply.reasoning).map((thinking) => ({ type: "thinking_delta", thinking }));
    block({ type: "thinking", thinking: "", signature: "" }, [
      ...thoughts,
      { type: "signature_delta", signature: "c2lnbmVk" },
    ]);
  }
  if (reply.text !== undefined) {
    block(
      { type: "text", text: "" },
      words(reply.text).map((text) => ({ type: "text_delta", text })),
    );
  }
  for (const [number, tool] of (reply.tools ?? []).entries()) {
    block(
      { type: "tool_use", id: `toolu_fake${number}`, name: tool.name, input: {} },
      fragments(written(tool.arguments)).map((partial_json) => ({ type: "input_json_delta", partial_json })),
    );
  }
  const stop_reason = reply.finish ?? (reply.tools === undefined ? "end_turn" : "tool_use");
  const end = [
    event({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: output } }),
    event({ type: "message_stop" }),
  ];
  return { content, end };
}

/** An error in the middle of a stream, as each API writes it. */
export function streamError(format: Format): string {
  return format === "openai"
    ? `data: ${JSON.stringify({ error: { message: "The server had an error", type: "server_error", code: null } })}\n\n`
    : `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })}\n\n`;
}

/** The body of an HTTP error. */
export function errorBody(format: Format, status: number, message: string, code: string | undefined): string {
  const types: Readonly<Record<number, string>> = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
  };
  const type = types[status] ?? (format === "openai" ? "server_error" : "api_error");
  return JSON.stringify(
    format === "openai"
      ? { error: { message, type, param: null, code: code ?? null } }
      : { type: "error", error: { type, message }, request_id: "req_1" },
  );
}
