import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EventType, Payload } from "../protocol/events.ts";
import { approvalText, ChatView, glance } from "./chat-view.ts";

const plain = (_style: string, text: string): string => text;
const turn = { turn_id: "turn_1" };
const of = <T extends EventType>(type: T, payload: Payload<T>) => ({
  type,
  payload,
  session_id: "ses_1",
  seq: 1,
  time: 0,
});
const shown = (view: ChatView, ...events: ReturnType<typeof of>[]): string =>
  events
    .flatMap((event) => view.take(event))
    .map(({ text }) => text)
    .join("");

describe("a conversation on a terminal", () => {
  const delta = (text: string, message_id = "m1") => of("message.delta", { ...turn, message_id, text });
  const complete = (text: string, finish: "stop" | "cut" = "stop", message_id = "m1") =>
    of("message.complete", { ...turn, message_id, text, tool_calls: [], finish, model: "offline" });

  it("streams an answer and says it once", () => {
    const view = new ChatView(plain);
    assert.equal(
      shown(view, delta("Hel"), delta("lo"), complete("Hello"), of("turn.ended", { ...turn, status: "done" })),
      "Hello\n",
    );
  });

  it("shows an answer whose deltas it never saw", () => {
    assert.equal(shown(new ChatView(plain), complete("Hello")), "Hello\n");
  });

  it("S10: shows a message that was cut as cut, and the next one apart from it", () => {
    const dropped = of("message.dropped", { ...turn, message_id: "m1", reason: "the host stopped" });
    assert.equal(
      shown(new ChatView(plain), delta("Hal"), dropped, delta("Hallo", "m2")),
      "Hal\n… cut (the host stopped)\nHallo",
    );
  });

  it("tells where a tool's live output is, and how it ended", () => {
    const call = { ...turn, call_id: "c1", name: "terminal" };
    const start = of("tool.start", { ...call, arguments: {}, preview: "npm test", process_id: "proc_1" });
    const end = of("tool.complete", { ...call, status: "failed", result: "exit 1", duration_ms: 1500, notices: [] });
    assert.equal(
      shown(new ChatView(plain), start, end),
      "→ terminal npm test\n  live output: hearth logs -f proc_1\n✗ terminal failed 1.5 s\n  exit 1\n",
    );
  });

  it("keeps the answer apart from what is about it", () => {
    const view = new ChatView(plain);
    const pieces = [delta("x"), of("reasoning.delta", { ...turn, message_id: "m2", text: "hm" })].flatMap((event) =>
      view.take(event),
    );
    assert.deepEqual(pieces, [
      { kind: "answer", text: "x" },
      { kind: "answer", text: "\n" },
      { kind: "about", text: "hm" },
    ]);
  });

  it("shows what others typed, and not again what was typed here", () => {
    const own = new Set(["k1"]);
    const prompt = (key: string) => of("prompt.accepted", { ...turn, prompt_id: "p", text: "hi", mode: "queue", key });
    assert.equal(shown(new ChatView(plain, own), prompt("k1"), prompt("k2")), "› hi\n");
  });

  it("A46: makes control sequences of models and tools visible", () => {
    const call = { ...turn, call_id: "c1", name: "t\x1b[2J" };
    const everything = shown(
      new ChatView(plain),
      delta("\x1b]52;c;aGk=\x07"),
      of("tool.start", { ...call, arguments: {}, preview: "a\rb\x1b[1A" }),
      of("tool.complete", { ...call, status: "ok", result: "\x1b[31mred\r\n\x9b2J", duration_ms: 1, notices: [] }),
      of("notice", { notice_id: "n", kind: "ended", process_id: "p", text: "\x1b[5m" }),
      of("turn.ended", { ...turn, status: "failed", error: { type: "error", message: "\x1b[0m", hint: "\x07" } }),
    );
    assert.doesNotMatch(everything, /(?![\t\n])\p{Cc}/u);
  });

  it("A36: shows all of what is to be approved, with every hidden character", () => {
    const text = approvalText(
      {
        name: "terminal",
        preview: "ls",
        reason: "It runs a command",
        arguments: { command: `ls\u202e;\u200d rm\ufe0f\n${"x".repeat(5000)}` },
      },
      plain,
    );
    assert.match(text, /ls\\u\{202e\};\\u\{200d\} rm\\u\{fe0f\}⏎/);
    assert.ok(text.includes("x".repeat(5000)));
  });

  it("A36: shows what fonts draw as nothing, lets nothing be pushed out of sight, and says how far up it begins", () => {
    const ask = (command: string) =>
      approvalText({ name: "terminal", preview: "run", reason: "why", arguments: { command } }, plain);
    const odd = `a\u{e0101}b\u{180b}c\u{e000}d\u2800e`;
    assert.ok(ask(odd).endsWith("a\\u{e0101}b\\u{180b}c\\u{e000}d\\u{2800}e"), ask(odd));
    const pushed = `rm -rf x${"\n".repeat(900)}${" ".repeat(900)}${"\x07".repeat(900)}${"\u200b".repeat(900)}ls\r\n`;
    assert.ok(ask(pushed).endsWith("rm -rf x⏎×900\n    ␣×900␇×900\\u{200b}×900ls␍⏎\n    "), ask(pushed));
    assert.match(
      ask("x\n \n".repeat(20)),
      /\n {2}that was about 43 lines: scroll up and read it from "\? terminal" on$/,
    );
    assert.match(ask("x".repeat(4_000)), /that was about 53 lines/);
  });

  it("A36: shows a change line by line instead of the whole new text, unless it is too long to be told so", () => {
    const request = {
      name: "write_file",
      preview: "Replace a",
      reason: "It writes",
      arguments: { path: "a", content: "b\n" },
    };
    const text = approvalText({ ...request, diff: "@@ -1 +1 @@\n-a\r\n+b\u202e\n" }, plain);
    assert.match(
      text,
      / {2}path: a\n {2}change: 1 line added, 1 removed\n {4}@@ -1 \+1 @@\n {4}-a␍\n {4}\+b\\u\{202e\}$/,
    );
    const cut = approvalText({ ...request, diff: "-a\n\\ 9 more lines of this diff are not shown\n" }, plain);
    assert.match(cut, /content: b⏎/);
  });

  it("S6: tells a refusal once", () => {
    const call = { turn_id: "turn_1", call_id: "call_1", name: "terminal" };
    const view = new ChatView(plain);
    const settled = of("approval.settled", { ...call, request_id: "req_1", choice: "deny" });
    const end = of("tool.complete", { ...call, status: "failed", result: "denied", duration_ms: 0, notices: [] });
    const shown = [settled, end].flatMap((event) => view.take(event)).map(({ text }) => text);
    assert.deepEqual(shown, ["✗ denied, not done\n"]);
  });

  it("cuts long results, says how much more there is, and keeps how they end", () => {
    assert.equal(glance("a\nb\nc\n\nd\n", 2), "a\n… 2 more lines\nd");
    assert.equal(glance("1\n2\n3\n4\n5\n6\n7\n8", 6), "1\n2\n3\n… 2 more lines\n6\n7\n8");
    assert.equal(glance("a\nb\nc", 2), "a\nb\nc");
  });
});
