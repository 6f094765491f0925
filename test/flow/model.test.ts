// A whole host with a real model's API behind it, and with the offline model: the same loop, approvals and journal.
import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FakeProvider } from "../support/fake-provider.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const KEY = "sk-flow-test-0123456789";

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "hearth-model-")));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

for (const kind of ["openai-compatible", "anthropic"] as const) {
  describe(`a model behind the ${kind} API`, () => {
    it("S3, S5: is connected by one setting, asks before it runs a command, and hears what came of it", async () => {
      await using fake = await FakeProvider.start();
      await using workspace = await folder();
      await using host = await RunningHost.start({
        HEARTH_MODEL: "fake/fake-large",
        HEARTH_PROVIDERS_FAKE_KIND: kind,
        HEARTH_PROVIDERS_FAKE_BASE_URL: fake.url,
        HEARTH_PROVIDERS_FAKE_API_KEY: KEY,
      });
      fake.script([
        { text: "Let me look.", tools: [{ name: "terminal", arguments: { command: "echo it-$((40+2))" } }] },
        { text: "It is 42." },
        { fault: { status: 401, echoKey: true } },
      ]);
      const client = await host.client();
      const { session_id } = await client.call("session.create", { workspace: workspace.path });
      using watched = new Watched(client, session_id);
      await client.call("prompt.submit", { session_id, text: "How much is it?" });
      await watched.seen("approval.request");
      const { pending } = await client.call("session.resume", { session_id });
      await client.call("approval.respond", { request_id: pending[0]?.request_id ?? "", choice: "once" });
      await watched.seen("turn.ended");
      assert.ok(JSON.stringify(fake.chats[1]?.body.messages).includes("it-42"));
      const answers = watched.of("message.complete").map(({ payload }) => (payload as { text: string }).text);
      assert.deepEqual(answers, ["Let me look.", "It is 42."]);

      await client.call("prompt.submit", { session_id, text: "And now?" });
      await watched.seen("turn.ended", 2);
      const ended = watched
        .of("turn.ended")
        .map(({ payload }) => payload as { status: string; error?: { type: string } });
      assert.deepEqual(
        ended.map(({ status, error }) => [status, error?.type]),
        [
          ["done", undefined],
          ["failed", "authentication"],
        ],
      );
      const config = JSON.stringify(await client.call("config.get", {}));
      const models = JSON.stringify(await client.call("model.list", {}));
      assert.ok(models.includes("fake/fake-small"));
      const everything = JSON.stringify(watched.events) + config + models + host.complaints;
      assert.ok(!everything.includes(KEY), "the key is shown nowhere");
      assert.ok(!(await readFile(join(host.home, "hearth.db"))).includes(KEY), "and is in no transcript");
    });
  });
}

describe("the offline model in a host", () => {
  it("does several lines in order without asking, thinks and talks in between, and ends", async () => {
    await using workspace = await folder();
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: workspace.path });
    using watched = new Watched(client, session_id);
    const text = "think about it\nwrite a.txt: hello\nsay now reading\nread a.txt\nrun cat a.txt";
    await client.call("prompt.submit", { session_id, text, model: "offline" });
    await watched.seen("turn.ended");
    assert.deepEqual(
      watched.of("tool.complete").map(({ payload }) => (payload as { name: string; status: string }).name),
      ["write_file", "read_file", "terminal"],
    );
    const finishes = watched.of("message.complete").map(({ payload }) => (payload as { finish: string }).finish);
    assert.deepEqual(finishes, ["continue", "tool_calls", "continue", "tool_calls", "tool_calls", "stop"]);
    assert.equal(watched.of("approval.request").length, 0);
    assert.equal(await readFile(join(workspace.path, "a.txt"), "utf8"), "hello");
  });
});
