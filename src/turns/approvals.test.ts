import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { type Script, ScriptedModel } from "../../test/support/scripted-model.ts";
import { Redactor } from "../secrets/redactor.ts";
import { type Covers, lineDiff } from "../tools/line-diff.ts";
import { covering } from "./requests.ts";
import { asks, type CountedTool, only, TestTurns, tool, untrusted } from "./testing/test-turns.ts";

const t = new TestTurns();

describe("an approval", () => {
  const call = (name: string): Script => [{ tool: name, args: {} }];

  it("S6: is asked for before the tool runs, and a denial is the model's to hear", async () => {
    const shell = tool("terminal", asks());
    const model = untrusted([call("terminal")]);
    await t.host(model, [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    assert.equal(shell.runs, 0);
    const [request] = (await t.turns.pending(id)) ?? [];
    assert.ok(request);
    assert.deepEqual(await t.turns.respond(request.request_id, "deny"), { settled: true, choice: "deny" });
    await t.seen(id, "turn.ended");
    assert.equal(shell.runs, 0);
    assert.match(model.requests[1]?.messages.at(-1)?.text ?? "", /denied/);
  });

  it("A36: shows what would be done even where it looks like a secret", async () => {
    const command = "true '-----BEGIN PRIVATE KEY-----'; rm -rf ~; : '-----END PRIVATE KEY-----' A_TOKEN=x$(reboot)";
    const shell = tool("terminal", { plan: async () => ({ ...(await asks().plan()), preview: command }) });
    await t.host(untrusted([[{ tool: "terminal", args: { command: `${command} --token a1b2c3d4e5` } }]]), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    const [request] = only(await t.seen(id, "approval.request"), "approval.request");
    assert.equal(request?.payload.preview, command);
    assert.deepEqual(request?.payload.arguments, { command: `${command} --token [redacted: token]` });
    await t.turns.respond(request?.payload.request_id ?? "", "deny");
    await t.seen(id, "turn.ended");
  });

  it("A42: of a change no secret of the old text gets into the journal, and nothing of the new one is hidden that can act", () => {
    const redactor = new Redactor();
    const token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    const key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
    const shown = lineDiff(`a = "${token}"\n${key}\nb\r\n`, "b\r\nA_TOKEN=x$(reboot)", covering(redactor)) ?? "";
    assert.ok(!shown.includes(token) && !shown.includes("MIIEvQ"), shown);
    assert.match(shown, /\n b\r\n\+A_TOKEN=x\$\(reboot\)\n\\ No newline/);
    assert.ok(shown.split("\n").every((row) => row === "" || /^[@ +\\-]/.test(row)));
    assert.equal(lineDiff("a\n", "\n", covering(redactor)), "@@ -1 +1 @@\n-a\n+\n");
  });

  it("A42: of a change in the middle of a key nothing of the old key is shown, whatever lines of it both texts have", () => {
    const body = Array.from({ length: 24 }, (_, n) =>
      createHash("sha512").update(String(n)).digest("base64").slice(0, 64),
    );
    const file = (...lines: string[]) =>
      `x = 1\n-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\ny = 2\n`;
    const others = body.map((line) => [...line].reverse().join(""));
    for (const now of [file(...others), file(...body.with(12, "touch $(reboot)")), file(...body.slice(0, 9))]) {
      const shown = lineDiff(file(...body), now, covering(new Redactor())) ?? "";
      for (const line of body) assert.ok(!shown.includes(line.slice(0, 30)), shown);
      assert.ok(!now.includes("reboot") || shown.includes("\n+touch $(reboot)\n"), shown);
      assert.match(shown, /^@@ .*\n/);
    }
  });

  it("S6: for the session covers the next calls, in later turns too", async () => {
    const shell = tool("terminal", asks());
    await t.host(untrusted([call("terminal"), call("terminal"), [{ text: "ok" }], call("terminal")]), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    const [first] = (await t.turns.pending(id)) ?? [];
    await t.turns.respond(first?.request_id ?? "", "session");
    await t.seen(id, "turn.ended");
    await t.turns.submit({ session_id: id, text: "again" });
    const events = await t.seen(id, "turn.ended", 2);
    assert.equal(shell.runs, 3);
    assert.equal(only(events, "approval.request").length, 1);
  });

  it("S6, A42: a change that nobody is asked about is told with its start, its secrets covered; one that was approved with the question alone", async () => {
    const diff = (text: string) => `@@ -1 +1 @@\n-a\n+${text}`;
    const token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    const write = (approval: object): CountedTool =>
      tool("write_file", {
        plan: async () => ({ preview: "Replace a", ...approval, change: ({ now }: Covers) => diff(now(`${token}\n`)) }),
      });
    await t.host(untrusted([call("write_file")]), [write({})]);
    const unasked = await t.session();
    await t.turns.submit({ session_id: unasked, text: "go" });
    const [start] = only(await t.seen(unasked, "turn.ended"), "tool.start");
    assert.match(start?.payload.diff ?? "", /^@@ -1 \+1 @@\n-a\n\+(?!ghp)/);

    await t.turns.close();
    await t.host(untrusted([call("write_file")]), [write({ approval: { reason: "why", dangerous: false } })]);
    const asked = await t.session();
    await t.turns.submit({ session_id: asked, text: "go" });
    await t.seen(asked, "approval.request");
    await t.turns.respond(await t.request(asked), "once");
    const events = await t.seen(asked, "turn.ended");
    assert.match(only(events, "approval.request")[0]?.payload.diff ?? "", /^@@ -1/);
    assert.equal(only(events, "tool.start")[0]?.payload.diff, undefined);
  });

  it("S6: a dangerous command asks although the tool is granted for the session", async () => {
    const dangers = [false, true];
    const shell = tool("terminal", { plan: () => asks("why", dangers.shift() ?? true).plan() });
    await t.host(untrusted([call("terminal"), call("terminal")]), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    const [first] = (await t.turns.pending(id)) ?? [];
    await t.turns.respond(first?.request_id ?? "", "session");
    await t.seen(id, "approval.request", 2);
    assert.equal(shell.runs, 1);
    const [second] = (await t.turns.pending(id)) ?? [];
    assert.deepEqual(second?.choices, ["once", "deny"], "no grant is offered that would not hold");
    const refused = t.turns.respond(second?.request_id ?? "", "session");
    await assert.rejects(async () => refused, { reason: "invalid_params" });
  });

  it("S6: the first answer wins and the others learn it; after the turn there is nothing to answer", async () => {
    await t.host(untrusted([call("terminal")]), [tool("terminal", asks())]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    const request = await t.request(id);
    const answers = await Promise.all([t.turns.respond(request, "once"), t.turns.respond(request, "deny")]);
    assert.deepEqual(answers, [
      { settled: true, choice: "once" },
      { settled: false, choice: "once" },
    ]);
    await t.seen(id, "turn.ended");
    await assert.rejects(async () => t.turns.respond(request, "deny"), { reason: "request_not_found" });
  });

  it("S6: survives a restart, and is not asked twice", async () => {
    const shell = tool("terminal", asks());
    await t.host(untrusted([call("terminal")]), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    await t.turns.close();
    await t.host(untrusted([]), [shell]);
    const [request] = (await t.turns.pending(id)) ?? [];
    await t.turns.respond(request?.request_id ?? "", "once");
    const events = await t.seen(id, "turn.ended");
    assert.equal(shell.runs, 1);
    assert.equal(only(events, "approval.request").length, 1);
  });

  it("S6: what was granted for always is not asked again, in any session", async () => {
    const shell = tool("terminal", asks("why", false, "terminal:ls"));
    await t.host(untrusted([call("terminal"), [{ text: "ok" }], call("terminal")]), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "go" });
    await t.seen(id, "approval.request");
    await t.turns.respond(await t.request(id), "always");
    await t.seen(id, "turn.ended");
    const other = await t.session();
    await t.turns.submit({ session_id: other, text: "go" });
    const events = await t.seen(other, "turn.ended");
    assert.equal(only(events, "approval.request").length, 0);
    assert.equal(shell.runs, 2);
  });

  it("S6: what the person typed to the offline model does not ask", async () => {
    const shell = tool("terminal", asks());
    await t.host(new ScriptedModel([call("terminal")], { typedByPerson: true }), [shell]);
    const id = await t.session();
    await t.turns.submit({ session_id: id, text: "run ls" });
    const events = await t.seen(id, "turn.ended");
    assert.equal(only(events, "approval.request").length, 0);
    assert.equal(shell.runs, 1);
  });
});
