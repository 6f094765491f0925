import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HostError } from "../protocol/errors.ts";
import type { RpcAnswer } from "../protocol/frames.ts";
import { Dialogue } from "./dialogue.ts";
import type { Call, Handlers } from "./handlers.ts";
import { parseJson } from "./json.ts";
import { Meter } from "./meter.ts";

/** Handlers of which a test plays some; every other one fails as a mistake would. */
function dialogue(played: Partial<Handlers> = {}, door: "tcp" | "unix" = "tcp"): Dialogue {
  const handlers = new Proxy(played, {
    get: (known, name) =>
      Reflect.get(known, name) ??
      (() => {
        throw new Error(`${String(name)} broke`);
      }),
  });
  return new Dialogue({ handlers: handlers as Handlers, door, meter: new Meter(), onFailure: () => undefined });
}
async function say(to: Dialogue, frame: unknown): Promise<RpcAnswer | undefined> {
  const reply = await to.receive(typeof frame === "string" ? frame : JSON.stringify(frame));
  reply?.sent();
  return reply && (JSON.parse(reply.text) as RpcAnswer);
}
const codeOf = (answer: RpcAnswer | undefined): number | undefined =>
  answer && "error" in answer ? answer.error.code : undefined;
const call = (id: unknown, method = "session.list", params: unknown = {}) => ({ jsonrpc: "2.0", id, method, params });
const lists: Partial<Handlers> = { "session.list": () => ({ sessions: [] }) };
/** A `process.wait` that ends when it is told to, or is cancelled. */
function slow() {
  const calls: { id: string; end: () => void; signal: AbortSignal }[] = [];
  const handlers: Partial<Handlers> = {
    ...lists,
    "process.wait": ({ process_id }, { signal }: Call) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      calls.push({ id: process_id, end: resolve, signal });
      signal.addEventListener("abort", () => resolve());
      const none = { exit_code: null, signal: null, completion_reason: null, termination_source: null };
      return promise.then(() => ({
        process_id,
        status: signal.aborted ? "interrupted" : "exited",
        ...none,
        output: "",
      }));
    },
  };
  return { calls, handlers };
}

describe("a JSON-RPC dialogue", () => {
  it("P17: names a field that is only misspelt, and does nothing; another that nobody knows is passed over", async () => {
    const to = dialogue(lists);
    const wrong = await say(to, call(1, "process.start", { command: "true", notify_on_complet: true }));
    assert.ok(wrong && "error" in wrong);
    assert.deepEqual([wrong.error.code, wrong.error.data.field], [-32602, "notify_on_complet"]);
    assert.equal(wrong.error.message, "notify_on_complet: there is no such field: notify_on_complete is meant");
    assert.equal(codeOf(await say(to, call(2, "session.list", { cols: 80, colour: "red" }))), undefined);
  });

  it("G3, F37: answers each malformed frame once, with the right code, and goes on", async () => {
    const to = dialogue(lists);
    const valid = JSON.stringify(call(1));
    const notJson = [
      ...Array.from({ length: valid.length - 1 }, (_, at) => valid.slice(0, at + 1)),
      ...Array.from({ length: valid.length - 1 }, (_, at) => valid.slice(at + 1)).filter(
        (text) => !/^\d*\}?$|^$/.test(text),
      ),
      `\uFEFF${valid}`,
      "nonsense",
      "{'jsonrpc':'2.0'}",
      `${valid}${valid}`,
      `${valid}\r${valid}`,
      "[".repeat(1_000_000),
      `${'{"a":'.repeat(200)}1${"}".repeat(200)}`,
      "\u0000",
      "NaN",
      '{"id":01}',
      "}",
    ];
    for (const text of notJson) assert.equal(codeOf(await say(to, text)), -32700, text.slice(0, 60));
    const noRequest = [
      ...[
        1,
        null,
        true,
        '"text"',
        {},
        [],
        { ...call(1), jsonrpc: "1.0" },
        { ...call(1), jsonrpc: 2 },
        { id: 1, method: "x" },
      ],
      ...[1.5, true, {}, [], "x".repeat(201), 1e300].map((id) => call(id)),
      ...[1, null, {}, [], undefined].map((method) => ({ ...call(1), method })),
      ...[1, "text", true].map((params) => call(1, "session.list", params)),
      '{"jsonrpc":"2.0","id":1,"id":2,"method":"session.list"}',
      '{"jsonrpc":"2.0","id":1,"method":"session.list","params":{"limit":1,"limit":2}}',
      '{"jsonrpc":"2.0","id":1,"method":"session.list","__proto__":{"x":1}}',
      '{"jsonrpc":"2.0","id":1,"method":"session.list","params":{"\\u005f\\u005fproto__":{"admin":true}}}',
    ];
    for (const frame of noRequest) {
      const answer = await say(to, frame);
      assert.equal(codeOf(answer), -32600, JSON.stringify(frame));
    }
    assert.equal(codeOf(await say(to, call(1, "no.such.method"))), -32601);
    for (const name of ["__proto__", "constructor", "toString"])
      assert.equal(codeOf(await say(to, call(1, name))), -32601, name);
    for (const params of [[1], { limit: "x" }, { limit: 0 }, { limit: 1e9 }])
      assert.equal(codeOf(await say(to, call(1, "session.list", params))), -32602, JSON.stringify(params));
    assert.equal(codeOf(await say(to, call(7, "host.status"))), -32603);
    assert.deepEqual(await say(to, call(8)), { jsonrpc: "2.0", id: 8, result: { sessions: [] } });
    assert.equal(Object.hasOwn(Object.prototype, "admin"), false);
  });

  it("F37: never throws and answers at most once, whatever it hears", async () => {
    const to = dialogue(lists);
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ ...call(1), params: value })),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        const reply = await to.receive(text);
        if (reply) JSON.parse(reply.text);
      }),
      { numRuns: 500 },
    );
    assert.ok(await say(to, call(1)));
  });

  it("G3: ignores blank messages, and takes null as an id", async () => {
    const to = dialogue(lists);
    for (const blank of ["", " ", "\r", "\n\r\n\t"]) assert.equal(await to.receive(blank), undefined);
    assert.deepEqual(await say(to, call(null)), { jsonrpc: "2.0", id: null, result: { sessions: [] } });
  });

  it("G4: answers no notification, good or bad", async () => {
    const to = dialogue(lists);
    for (const method of ["session.list", "no.such", "host.status"])
      assert.equal(await say(to, { jsonrpc: "2.0", method, params: {} }), undefined);
  });

  it("G4, F38: answers batches as one, caps them, and refuses empty ones", async () => {
    const to = dialogue(lists);
    const mixed = [call(1), { jsonrpc: "2.0", method: "session.list" }, call(2, "nope"), 5];
    const answers = (await say(to, mixed)) as unknown as RpcAnswer[];
    assert.deepEqual(
      answers.map((answer) => [answer.id, codeOf(answer)]),
      [
        [1, undefined],
        [2, -32601],
        [null, -32600],
      ],
    );
    assert.equal(await say(to, [{ jsonrpc: "2.0", method: "session.list" }]), undefined);
    for (const batch of [[], Array.from({ length: 1000 }, (_, id) => call(id))])
      assert.equal(codeOf(await say(to, batch)), -32600);
  });

  it("F38: refuses an id that is still being worked on, and takes it again afterwards", async () => {
    const { calls, handlers } = slow();
    const to = dialogue(handlers);
    const first = say(to, call(7, "process.wait", { process_id: "one" }));
    const second = await say(to, call(7, "process.wait", { process_id: "two" }));
    assert.deepEqual([second?.id, codeOf(second), calls.length], [7, -32600, 1]);
    calls[0]?.end();
    assert.equal(codeOf(await first), undefined);
    const again = say(to, call(7, "process.wait", { process_id: "three" }));
    calls[1]?.end();
    const answer = await again;
    assert.equal(answer && "result" in answer && (answer.result as { process_id: string }).process_id, "three");
  });

  it("G5: cancels the one that is named, and all of them when the connection ends", async () => {
    const { calls, handlers } = slow();
    const to = dialogue(handlers);
    const waits = [1, 2, 3].map((id) => say(to, call(id, "process.wait", { process_id: String(id) })));
    assert.equal(await say(to, { jsonrpc: "2.0", method: "$/cancel", params: { id: 2 } }), undefined);
    await waits[1];
    assert.deepEqual(
      calls.map(({ signal }) => signal.aborted),
      [false, true, false],
    );
    assert.deepEqual(await say(to, call(9, "$/cancel", { id: 55 })), {
      jsonrpc: "2.0",
      id: 9,
      result: { cancelled: false },
    });
    assert.equal(codeOf(await say(to, call(9, "$/cancel", { id: {} }))), -32602);
    to.end();
    await Promise.all(waits);
    assert.ok(calls.every(({ signal }) => signal.aborted));
  });

  it("keeps application errors as they are, with their data", async () => {
    const to = dialogue({
      "session.list": () => {
        throw new HostError("cursor_gone", "Read again from 0.", { data: { head: 3 } });
      },
    });
    const answer = await say(to, call(1));
    assert.deepEqual(answer && "error" in answer && answer.error, {
      code: -32031,
      message: "Read again from 0.",
      data: { head: 3, reason: "cursor_gone", status: 410 },
    });
  });

  it("runs what follows from an answer only once the answer was sent", async () => {
    const order: string[] = [];
    const to = dialogue({
      "session.list": (_, { afterwards }) => {
        afterwards(() => order.push("afterwards"));
        return { sessions: [] };
      },
    });
    const reply = await to.receive(JSON.stringify(call(1)));
    order.push("sent");
    reply?.sent();
    assert.deepEqual(order, ["sent", "afterwards"]);
  });

  it("F37: what fails of it ends nothing, and the rest of it is done", async () => {
    const order: string[] = [];
    const to = dialogue({
      "session.list": (_, { afterwards }) => {
        afterwards(() => {
          throw new Error("a mistake inside the host");
        });
        afterwards(() => order.push("afterwards"));
        return { sessions: [] };
      },
    });
    const reply = await to.receive(JSON.stringify(call(1)));
    reply?.sent();
    await to.receive(JSON.stringify({ ...call(1), id: undefined }));
    assert.deepEqual([order, to.failures], [["afterwards", "afterwards"], 2]);
  });

  it("lets local methods be called from the Unix socket only", async () => {
    const handlers: Partial<Handlers> = { "ticket.mint": () => ({ ticket: "t", url: "u" }) };
    assert.equal(codeOf(await say(dialogue(handlers), call(1, "ticket.mint"))), -32041);
    assert.equal(codeOf(await say(dialogue(handlers, "unix"), call(1, "ticket.mint"))), undefined);
  });
});

describe("reading JSON", () => {
  it("F36: measures depth as the text has it, strings not counted", () => {
    const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    assert.ok(parseJson(deep(100)));
    assert.equal(parseJson(deep(101)), undefined);
    assert.ok(parseJson(JSON.stringify({ text: "[{".repeat(500), more: '\\"[['.repeat(300) })));
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
    fc.assert(
      fc.property(plain, (value) =>
        assert.deepEqual(parseJson(JSON.stringify(value))?.value, JSON.parse(JSON.stringify(value))),
      ),
    );
  });

  it("A27, F37: finds a name that stands twice in one object, at any depth and however it is written", () => {
    const twice = (text: string) => parseJson(text)?.twice;
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"b":{"c":[{"d":1, "d" : 1}]}}',
      '{"id":1,"\\u0069d":2}',
      '[{"a":{"a":1},"a":2}]',
      '{"a":"x,y","b":[1,2],"a":3}',
    ])
      assert.equal(twice(text), true, text);
    for (const text of [
      '{"a":{"a":[{"a":1},{"a":2}]},"b":["a","a"],"c":"a"}',
      '["a","a",{"a":"a"}]',
      '{"a":"\\"a\\":","b":1}',
    ])
      assert.equal(twice(text), false, text);
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(twice(JSON.stringify(value)), false)));
  });

  it("A27: leaves a prototype out, however it is written, and says so", () => {
    for (const text of [
      '{"__proto__":{"x":1},"a":1}',
      '{"\\u005f_proto__":1,"a":1}',
      '{"a":1,"b":[{"__proto__":1}]}',
    ]) {
      const parsed = parseJson(text);
      assert.equal(parsed?.tainted, true, text);
      assert.equal((parsed?.value as { a: number } | undefined)?.a, 1);
      assert.equal(({} as { x?: number }).x, undefined);
    }
    assert.equal(parseJson('{"text":"the word __proto__ is fine"}')?.tainted, false);
  });
});
