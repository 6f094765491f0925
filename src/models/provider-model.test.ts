// Real wire formats against a server on loopback: what reaches a provider, what comes back, and every way it can go wrong.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { collect } from "../../test/support/collect.ts";
import { FakeProvider, type Fault, type Reply } from "../../test/support/fake-provider.ts";
import { HostError } from "../protocol/errors.ts";
import { invalidArguments } from "./arguments.ts";
import { type Model, ModelError, type ModelMessage, type ModelPart, type ProviderSettings } from "./model.ts";
import { Models } from "./models.ts";

const KEY = "sk-secret/with+odd=chars-0123456789";
const quick = { firstByteMs: 20_000, stallMs: 20_000, firstRetryMs: 1 };
const kinds = ["openai-compatible", "anthropic"] as const;
const tool = {
  name: "terminal",
  description: "Runs a command",
  parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
};
const hello: ModelMessage[] = [{ role: "user", from: "person", text: "Hello" }];

interface Asking {
  messages?: readonly ModelMessage[];
  signal?: AbortSignal;
  system?: string;
}

async function modelAt(
  baseUrl: string,
  kind: ProviderSettings["kind"],
  limits: Partial<typeof quick> = {},
  more: Partial<ProviderSettings> = { apiKey: KEY },
): Promise<Model> {
  const settings = {
    providers: { fake: { kind, baseUrl, models: [], ...more } },
    model: undefined,
    fallbackModel: undefined,
  };
  const models = new Models({
    settings: () => settings,
    warn: () => undefined,
    local: {},
    limits: { ...quick, ...limits },
  });
  return await models.resolve("fake/fake-large");
}

const stream = (model: Model, asking: Asking = {}): AsyncGenerator<ModelPart> =>
  model.stream({ system: "Be kind.", messages: hello, tools: [tool], signal: new AbortController().signal, ...asking });

async function failure(model: Model, asking: Asking = {}): Promise<{ error: ModelError; shown: ModelPart[] }> {
  const shown: ModelPart[] = [];
  try {
    for await (const part of stream(model, asking)) shown.push(part);
  } catch (error) {
    assert.ok(error instanceof ModelError, inspect(error));
    assert.ok(!shown.some((part) => part.type === "finish"), "a failed answer never looks complete");
    assert.ok(!shown.some((part) => part.type === "tool_call"), "nor does a call of it run");
    return { error, shown };
  }
  return assert.fail(`the answer did not fail: ${inspect(shown)}`);
}

const join = (parts: readonly ModelPart[], type: "text" | "reasoning"): string =>
  parts.map((part) => (part.type === type ? part.text : "")).join("");

for (const kind of kinds) {
  describe(`a model behind the ${kind} API`, () => {
    it("streams reasoning, text and tool calls, with what it used", async () => {
      await using fake = await FakeProvider.start();
      const reply: Reply = {
        reasoning: "I have to look.",
        text: "Let me see — “now”.",
        tools: [
          { name: "terminal", arguments: { command: 'echo "ü"\n' } },
          { name: "read_file", arguments: { path: "a" } },
        ],
        usage: { input: 100, output: 20, cached: 60 },
      };
      fake.script([reply]);
      const parts = await collect(stream(await modelAt(fake.url, kind)));
      assert.equal(join(parts, "reasoning"), reply.reasoning);
      assert.equal(join(parts, "text"), reply.text);
      assert.ok(parts.filter((part) => part.type === "text").length > 2, "as it came, not in one piece");
      assert.deepEqual(parts.slice(-3), [
        { type: "tool_call", name: "terminal", arguments: { command: 'echo "ü"\n' } },
        { type: "tool_call", name: "read_file", arguments: { path: "a" } },
        {
          type: "finish",
          finish: "tool_calls",
          usage: { input_tokens: 100, output_tokens: 20, cached_tokens: 60 },
        },
      ]);
    });

    it("S3: lets only what the API knows reach the provider", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ text: "ok" }]);
      const hidden = { timestamp: "HIDDEN", attachments: ["HIDDEN"], _private: { x: "HIDDEN" } };
      const call = { call_id: "call_1", name: "terminal", arguments: { command: "ls" }, ...hidden };
      const messages: ModelMessage[] = [
        { role: "user", from: "person", text: "List it", ...hidden },
        { role: "assistant", text: "I will.", tool_calls: [call], ...hidden },
        { role: "tool", call_id: "call_1", name: "terminal", text: "a b", failed: false, ...hidden },
        { role: "assistant", text: "Two files.", tool_calls: [], ...hidden },
        { role: "user", from: "person", text: "Thanks", ...hidden },
      ];
      await collect(stream(await modelAt(fake.url, kind), { messages }));
      const body = fake.chats[0]?.body;
      assert.ok(!JSON.stringify(body).includes("HIDDEN"));
      assert.equal(body.model, "fake-large");
      assert.deepEqual(body.messages, expectedMessages[kind]);
      const known = ["model", "messages", "tools", "tool_choice", "stream", "stream_options", "system", "max_tokens"];
      assert.deepEqual(
        Object.keys(body).filter((field) => !known.includes(field)),
        [],
      );
    });

    it("makes any conversation legal: neighbours joined, nothing empty, one result for each call", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ text: "ok" }]);
      const call = (call_id: string) => ({ call_id, name: "terminal", arguments: {} });
      const messages: ModelMessage[] = [
        { role: "user", from: "person", text: "one" },
        { role: "user", from: "notice", text: "proc_1 ended" },
        { role: "assistant", text: "", tool_calls: [] },
        { role: "user", from: "person", text: "" },
        { role: "user", from: "person", text: "two" },
        { role: "assistant", text: "", tool_calls: [call("call_1"), call("call_2")] },
        { role: "tool", call_id: "call_2", name: "terminal", text: "", failed: false },
        { role: "tool", call_id: "call_gone", name: "terminal", text: "orphan", failed: false },
        { role: "user", from: "person", text: "three" },
      ];
      await collect(stream(await modelAt(fake.url, kind), { messages, system: "" }));
      const sent = fake.chats[0]?.body.messages;
      const all = JSON.stringify(sent);
      assert.ok(all.includes("[Notice] proc_1 ended") && !all.includes("orphan"));
      const roles = sent.map((message: { role: string }) => message.role);
      assert.deepEqual(
        roles,
        {
          anthropic: ["user", "assistant", "user"],
          "openai-compatible": ["user", "assistant", "tool", "tool", "user"],
        }[kind],
      );
      assert.match(all, /call was interrupted.*\(no output\).*three/);
    });

    const finishes = {
      "openai-compatible": { length: "length", content_filter: "refusal", stop: "stop", eos: "stop" },
      anthropic: {
        max_tokens: "length",
        refusal: "refusal",
        end_turn: "stop",
        pause_turn: "continue",
        model_context_window_exceeded: "length",
      },
    }[kind];
    for (const [word, finish] of Object.entries(finishes)) {
      it(`reads the end "${word}" as ${finish}`, async () => {
        await using fake = await FakeProvider.start();
        fake.script([{ text: "Well", finish: word }]);
        const parts = await collect(stream(await modelAt(fake.url, kind)));
        const last = parts.at(-1);
        assert.equal(last?.type === "finish" && last.finish, finish);
      });
    }

    it("hands on arguments that are no JSON object so that the model can be told", async () => {
      await using fake = await FakeProvider.start();
      fake.script([
        {
          tools: [{ name: "terminal", arguments: '{"command": "ls' }],
          finish: kind === "anthropic" ? "max_tokens" : "length",
        },
        { tools: [{ name: "terminal", arguments: '{"command": ls}' }] },
      ]);
      for (const raw of ['{"command": "ls', '{"command": ls}']) {
        const parts = await collect(stream(await modelAt(fake.url, kind)));
        const call = parts.find((part) => part.type === "tool_call");
        assert.ok(call?.type === "tool_call");
        assert.deepEqual(call.arguments, { _invalid: raw });
        assert.match(invalidArguments(call.arguments) ?? "", /no valid JSON object.*received: /);
        const last = parts.at(-1);
        assert.equal(last?.type === "finish" && last.finish, "tool_calls");
      }
    });

    const faults: [string, Fault, ModelError["type"], RegExp, number][] = [
      ["401", { status: 401, message: "invalid key" }, "authentication", /refuses the key \(401: invalid key\)/, 1],
      ["403", { status: 403 }, "authentication", /refuses the key/, 1],
      ["404", { status: 404, message: "no such model" }, "error", /does not know the model fake-large/, 1],
      ["400", { status: 400, message: "temperature is odd" }, "error", /did not accept.*temperature is odd/, 1],
      ["429 that passes", { status: 429, retryAfter: "0" }, "rate_limit", /fewer requests/, 3],
      ["429 for long", { status: 429, retryAfter: "61" }, "rate_limit", /fewer requests/, 1],
      [
        "429 without credit",
        { status: 429, code: "insufficient_quota", message: "insufficient_quota" },
        "rate_limit",
        /no credit/,
        1,
      ],
      ["500", { status: 500 }, "network", /cannot answer at the moment \(500/, 3],
      ["529", { status: 529, message: "Overloaded" }, "network", /529: Overloaded/, 3],
      ["context too long", "context-too-long", "context_too_long", /too long for fake\/fake-large/, 1],
      ["413", { status: 413 }, "context_too_long", /too long/, 1],
      ["content filter", "content-filter", "refusal", /refused the request/, 1],
      ["redirect", { redirect: "http://127.0.0.1:9/v1/elsewhere" }, "error", /redirect, which is not followed/, 1],
      ["not JSON", "not-json", "network", /no valid JSON|not complete/, 1],
      ["a page of HTML", "html", "network", /was cut off|not complete/, 3],
    ];
    for (const [name, fault, type, message, requests] of faults) {
      it(`S8: tells ${name} as ${type}, after ${requests} request(s)`, async () => {
        await using fake = await FakeProvider.start();
        fake.script(Array.from({ length: requests }, () => ({ fault })));
        const { error } = await failure(await modelAt(fake.url, kind));
        assert.equal(error.type, type, error.message);
        assert.match(error.message, message);
        assert.match(error.hint, /^[A-Z].*\.$/s);
        assert.equal(fake.chats.length, requests);
      });
    }

    for (const fault of ["cut", "reset", "error-in-stream", "not-json"] as const) {
      it(`S8: never takes an answer for whole that ends with: ${fault}; nor asks again once something was shown`, async () => {
        await using fake = await FakeProvider.start();
        const reply: Reply = { text: "Half an", tools: [{ name: "terminal", arguments: { command: "rm x" } }], fault };
        fake.script([reply, reply, reply]);
        const { error, shown } = await failure(await modelAt(fake.url, kind));
        assert.equal(error.type, "network", error.message);
        // A reset may overtake what was sent before it; only then may the same be asked again.
        if (fault !== "reset") assert.equal(join(shown, "text"), "Half an");
        if (shown.length > 0) assert.equal(fake.chats.length, 1);
      });
    }

    it("S8: gives up on a stream that stalls, and closes it", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ text: "Half", fault: "stall" }]);
      const { error, shown } = await failure(await modelAt(fake.url, kind, { stallMs: 1_500 }));
      assert.equal(error.type, "network");
      assert.match(error.message, /nothing came for 1.5 s/);
      assert.equal(join(shown, "text"), "Half");
      assert.equal(await fake.chats[0]?.closed, "aborted");
    });

    it("S8: gives up on a provider that never answers", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ fault: "silent" }]);
      const { error } = await failure(await modelAt(fake.url, kind, { firstByteMs: 150 }));
      assert.match(error.message, /nothing came for 0.15 s/);
      assert.equal(await fake.chats[0]?.closed, "aborted");
    });

    it("is patient while its own reader is slow", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ text: "one two three" }]);
      const parts: ModelPart[] = [];
      for await (const part of stream(await modelAt(fake.url, kind, { stallMs: 1_000 }))) {
        parts.push(part);
        if (parts.length === 1) await new Promise((resolve) => setTimeout(resolve, 1_500));
      }
      assert.equal(join(parts, "text"), "one two three");
    });

    it("S8: tells a provider that is not there as network", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      await new Promise((resolve) => server.close(resolve));
      const { error } = await failure(await modelAt(`http://127.0.0.1:${port}/v1`, kind));
      assert.equal(error.type, "network");
      assert.match(error.message, /cannot be reached at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
    });

    it("asks again where a failure passes by itself", async () => {
      await using fake = await FakeProvider.start();
      fake.script([
        { fault: { status: 529 } },
        { fault: { status: 429, headers: { "retry-after-ms": "1" } } },
        { text: "Here" },
      ]);
      assert.equal(join(await collect(stream(await modelAt(fake.url, kind))), "text"), "Here");
      assert.equal(fake.chats.length, 3);
    });

    it("S7: stops at any time with the signal's reason, and closes the connection", async () => {
      await using fake = await FakeProvider.start();
      const reason = new Error("cancelled by the person");
      const cases: [string, Reply, (stop: AbortController) => void][] = [
        ["before anything came", { fault: "silent" }, (stop) => void fake.asked(1).then(() => stop.abort(reason))],
        ["in mid-stream", { text: "Half", fault: "stall" }, () => undefined],
      ];
      for (const [index, [name, reply, begin]] of cases.entries()) {
        fake.script([reply]);
        const stop = new AbortController();
        begin(stop);
        const reading = async (): Promise<void> => {
          for await (const part of stream(await modelAt(fake.url, kind), { signal: stop.signal })) {
            if (part.type === "text") stop.abort(reason);
          }
        };
        await assert.rejects(reading(), (thrown) => thrown === reason, name);
        assert.equal(await fake.chats[index]?.closed, "aborted", name);
      }
      await assert.rejects(
        collect(stream(await modelAt(fake.url, kind), { signal: AbortSignal.abort(reason) })),
        reason,
      );
      assert.equal(fake.chats.length, cases.length, "nothing is asked once aborted");
    });

    it("S7: stops while it waits to ask again", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ fault: { status: 429, retryAfter: "50" } }]);
      const stop = new AbortController();
      void fake.asked(1).then(async () => {
        await fake.chats[0]?.closed;
        setImmediate(() => stop.abort(new Error("enough")));
      });
      await assert.rejects(collect(stream(await modelAt(fake.url, kind), { signal: stop.signal })), /enough/);
    });

    it("closes the connection when its reader leaves", async () => {
      await using fake = await FakeProvider.start();
      fake.script([{ text: "one two", fault: "stall" }]);
      for await (const part of stream(await modelAt(fake.url, kind))) if (part.type === "text") break;
      assert.equal(await fake.chats[0]?.closed, "aborted");
    });

    it("S5: sends the key as the API wants it, and shows it in no error, whatever the provider quotes", async () => {
      await using fake = await FakeProvider.start();
      const echoes: Fault[] = [401, 400, 429, 404, 418].map((status) => ({ status, echoKey: true, retryAfter: "99" }));
      for (const fault of echoes) {
        fake.script([{ fault }]);
        const { error } = await failure(await modelAt(fake.url, kind));
        const everything = inspect(error, { depth: 20, showHidden: true });
        assert.ok(!everything.includes(KEY) && everything.includes("[key]"), everything);
      }
      const { authorization, "x-api-key": own } = fake.chats[0]?.headers ?? {};
      assert.deepEqual([authorization, own], kind === "anthropic" ? [undefined, KEY] : [`Bearer ${KEY}`, undefined]);
    });

    it("S5: refuses a key that no header can carry, without quoting it", async () => {
      await using fake = await FakeProvider.start();
      for (const apiKey of ["sk-line\nbreak", "sk-ünicode", " "]) {
        const { error } = await failure(await modelAt(fake.url, kind, {}, { apiKey }));
        assert.equal(error.type, "authentication");
        assert.ok(!inspect(error, { showHidden: true }).includes("sk-"));
      }
      assert.equal(fake.chats.length, 0);
    });
  });
}

const expectedMessages = {
  "openai-compatible": [
    { role: "system", content: "Be kind." },
    { role: "user", content: "List it" },
    {
      role: "assistant",
      content: "I will.",
      tool_calls: [{ id: "call_1", type: "function", function: { name: "terminal", arguments: '{"command":"ls"}' } }],
    },
    { role: "tool", tool_call_id: "call_1", content: "a b" },
    { role: "assistant", content: "Two files." },
    { role: "user", content: "Thanks" },
  ],
  anthropic: [
    { role: "user", content: [{ type: "text", text: "List it" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "I will." },
        { type: "tool_use", id: "call_1", name: "terminal", input: { command: "ls" } },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "a b" }] },
    { role: "assistant", content: [{ type: "text", text: "Two files." }] },
    { role: "user", content: [{ type: "text", text: "Thanks" }] },
  ],
};

describe("a provider's address", () => {
  it("S5: takes nothing but plain http and https", async () => {
    for (const baseUrl of ["file:///etc/passwd", "ftp://x/", "nonsense", "http://user:pw@127.0.0.1/v1"]) {
      const { error } = await failure(await modelAt(baseUrl, "openai-compatible"));
      assert.match(error.message, /no plain http/);
      assert.ok(!error.message.includes("pw"));
    }
  });

  it("S8: says that a key is missing before asking", async () => {
    const { error } = await failure(await modelAt("https://llm.example/v1", "anthropic", {}, {}));
    assert.equal(error.type, "authentication");
    assert.match(error.message, /There is no key for fake/);
    assert.ok(!(error instanceof HostError));
  });
});
