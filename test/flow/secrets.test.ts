// Secrets on every way out of a real host: what the model is sent, the database, events, lists, the export and the log.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { samples } from "../../src/secrets/testing/samples.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const secretOf = (kind: string): string => samples[kind]?.secret ?? "";
const github = secretOf("github-pat");
const openai = secretOf("openai-api-key");
const slack = secretOf("slack-bot-token");
const stripe = secretOf("stripe-access-token");
const plain = "quite-plain-4711-words-nobody-knows";

describe("secrets", () => {
  let fake: FakeProvider;
  let host: RunningHost;
  before(async () => {
    fake = await FakeProvider.start();
    host = await RunningHost.start({
      SHELL: "/bin/sh",
      HEARTH_APPROVALS: "off",
      HOSTS_OWN_PASSWORD: plain,
      HEARTH_ENVIRONMENT_PASS: "HOSTS_OWN_PASSWORD",
    });
    await writeFile(
      join(host.home, "config.toml"),
      `model = "mine/fake-small"\n[providers.mine]\nkind = "openai-compatible"\nbase_url = "${fake.url}"\napi_key = "${openai}"\n`,
      { mode: 0o600 },
    );
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });

  const all = [github, openai, slack, stripe, plain];
  function assertNone(text: string, where: string): void {
    for (const secret of all)
      for (const form of [
        secret,
        secret.slice(0, 14),
        secret.slice(-14),
        Buffer.from(secret).toString("base64").slice(0, 20),
      ])
        assert.ok(!text.includes(form), `${form} stands in ${where}`);
  }
  async function onDisk(): Promise<string> {
    const files = (await readdir(host.home)).filter((name) => name.startsWith("hearth.db"));
    return (await Promise.all(files.map((name) => readFile(join(host.home, name), "latin1")))).join("\n");
  }

  it("P19, P39, A47, A48: reach neither the model, the log, a client, the export nor the host's log", {
    timeout: 180_000,
  }, async (t) => {
    const workspace = await mkdtemp(join(tmpdir(), "hearth-secrets-"));
    t.after(() => rm(workspace, { recursive: true, force: true }));
    const { session_id } = await rpc(host, "session.create", { workspace });
    using watched = new Watched(await host.client(), session_id);
    const note = join(workspace, "note.txt");
    const halves = `printf %s ${slack.slice(0, 20)}; sleep 0.3; echo ${slack.slice(20)}\n`;
    await writeFile(join(workspace, "halves.sh"), halves);
    const call = (command: string, more: object = {}) => ({
      tools: [{ name: "terminal", arguments: { command, ...more } }],
    });
    fake.script([
      call(`export GH=${github}; env; echo $GH | base64 -w 30; echo https://me:${stripe}@example.com/ | head -c 400`),
      call("sh halves.sh"),
      call(`seq 3000; echo the end is ${stripe}`),
      call(`sleep 0.2; echo ready ${github}`, {
        background: true,
        watch_patterns: ["ready"],
        notify_on_complete: true,
      }),
      { tools: [{ name: "write_file", arguments: { path: note, content: `token ${github}\n` } }] },
      { tools: [{ name: "read_file", arguments: { path: note } }] },
      { text: "Done." },
      { text: "I was told." },
      { text: "And again." },
    ]);
    await rpc(host, "prompt.submit", { session_id, text: "go" });
    await watched.seen("turn.ended");
    await watched.until((events) =>
      events.some(({ type, payload }) => type === "notice" && (payload as { kind: string }).kind === "ended"),
    );
    await watched.until((events) => {
      const started = events.filter(({ type }) => type === "turn.started").length;
      return started >= 2 && events.filter(({ type }) => type === "turn.ended").length === started;
    });

    assertNone(JSON.stringify(fake.requests.map(({ body }) => body)), "what the model was sent");
    assertNone(JSON.stringify(watched.events), "the events");
    assert.equal(
      watched.of("tool.complete").filter(({ payload }) => (payload as { status: string }).status !== "ok").length,
      0,
      JSON.stringify(watched.of("tool.complete").map(({ payload }) => payload)),
    );
    assert.match(JSON.stringify(watched.events), /\[redacted: GitHub token\]/);
    assert.match(JSON.stringify(watched.events), /HOSTS_OWN_PASSWORD=\[redacted: HOSTS_OWN_PASSWORD\]/);
    const { processes } = await rpc(host, "process.list", {});
    assertNone(JSON.stringify(processes), "the list");
    for (const { process_id } of processes) {
      assertNone(JSON.stringify(await rpc(host, "process.log", { process_id })), "process.log");
      assertNone(JSON.stringify(await rpc(host, "process.poll", { process_id })), "process.poll");
      assertNone(JSON.stringify(await rpc(host, "process.wait", { process_id })), "process.wait");
      assertNone(await (await host.fetch(`/api/processes/${process_id}/output?text=1`)).text(), "output as text");
    }
    for (const format of ["json", "markdown"] as const)
      assertNone((await rpc(host, "session.export", { session_id, format })).text, "the export");
    assertNone(await onDisk(), "the database");
    assertNone(await readFile(join(host.home, "logs", "host.log"), "utf8"), "the host's log");

    // What runs is what was written, and the raw output is whole.
    assert.equal(await readFile(note, "utf8"), `token ${github}\n`);
    const raw = await Promise.all(
      processes.map(async ({ process_id }) => (await host.fetch(`/api/processes/${process_id}/output`)).text()),
    );
    assert.ok(
      raw.some((text) => text.includes(github)) &&
        raw.some((text) => text.includes(slack)) &&
        raw.some((text) => text.includes(stripe)),
    );
  });

  it("P19: commands of people are run as they are, and told without their secrets", async () => {
    const started = await rpc(host, "process.start", {
      command: `echo "$MY_API_KEY" "${stripe}"`,
      env: { MY_API_KEY: plain.toUpperCase() },
    });
    assertNone(JSON.stringify(started), "the row");
    const { output } = await rpc(host, "process.wait", { process_id: started.process_id });
    assert.equal(output, "[redacted: MY_API_KEY] [redacted: Stripe key]\n");
    const byWords = await rpc(host, "process.start", { argv: ["echo", "--token", github] });
    assert.deepEqual(byWords.argv, ["echo", "--token", "[redacted: GitHub token]"]);
    assertNone(JSON.stringify(byWords), "the row");
  });
});
