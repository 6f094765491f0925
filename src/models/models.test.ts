// Which models can be chosen, what a name means, and where a key comes from.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { collect } from "../../test/support/collect.ts";
import { FakeProvider } from "../../test/support/fake-provider.ts";
import { HostError } from "../protocol/errors.ts";
import { ModelError, type ModelSettings, type ProviderSettings } from "./model.ts";
import { Models, type ModelsOptions } from "./models.ts";

const patient = { localMs: 10_000, remoteMs: 10_000, firstRetryMs: 1 };

function modelsWith(providers: ModelSettings["providers"], options: Partial<ModelsOptions> = {}): Models {
  const settings: ModelSettings = { providers, model: undefined, fallbackModel: undefined };
  return new Models({ settings: () => settings, warn: () => undefined, local: {}, limits: patient, ...options });
}

const at = (baseUrl: string, more: Partial<ProviderSettings> = {}): ProviderSettings => ({
  kind: "openai-compatible",
  baseUrl,
  models: [],
  ...more,
});

const asking = {
  system: "",
  messages: [{ role: "user", from: "person", text: "Hello" }],
  tools: [],
  signal: new AbortController().signal,
} as const;

describe("the models to choose from", () => {
  it("always has the offline model, and says of the well-known providers what is missing", async () => {
    const rows = await modelsWith({}).list();
    assert.deepEqual(
      rows.map(({ model, ready }) => [model, ready]),
      [
        ["offline", true],
        ["anthropic/NAME", false],
        ["openai/NAME", false],
      ],
    );
    assert.match(rows[1]?.note ?? "", /no key.*ANTHROPIC_API_KEY/);
  });

  it("finds a local server by itself, without its embedding models, and what it lists works without any setting", async () => {
    await using fake = await FakeProvider.start();
    fake.models = ["qwen3:8b", "text-embedding-nomic"];
    fake.script([{ text: "Hello there" }]);
    const models = modelsWith({}, { local: { ollama: fake.url } });
    const found = (await models.list()).filter((row) => row.provider === "ollama");
    assert.deepEqual(found, [{ model: "ollama/qwen3:8b", provider: "ollama", ready: true }]);
    const model = await models.resolve("ollama/qwen3:8b");
    assert.equal(model.typedByPerson, false);
    const parts = await collect(model.stream(asking));
    assert.equal(parts.map((part) => (part.type === "text" ? part.text : "")).join(""), "Hello there");
    assert.deepEqual([fake.chats[0]?.body.model, fake.chats[0]?.headers.authorization], ["qwen3:8b", undefined]);
  });

  it("passes over a local server that is not there, or does not answer in time", async () => {
    await using fake = await FakeProvider.start();
    const gone = await FakeProvider.start();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    fake.models = undefined;
    const models = modelsWith({}, { local: { ollama: url, lmstudio: fake.url } });
    assert.deepEqual(
      [...new Set((await models.list()).map((row) => row.provider))],
      ["offline", "anthropic", "openai"],
    );
  });

  it("asks a provider once for several lists within a short while", async () => {
    await using fake = await FakeProvider.start();
    const models = modelsWith({ mine: at(fake.url) });
    const lists = await Promise.all([models.list(), models.list()]);
    lists.push(await models.list());
    assert.equal(fake.requests.length, 1);
    for (const rows of lists) assert.ok(rows.some((row) => row.model === "mine/fake-large"));
  });

  it("takes the configured list where there is one, and asks nobody", async () => {
    await using fake = await FakeProvider.start();
    const rows = await modelsWith({ mine: at(fake.url, { models: ["a", "b/c"] }) }).list();
    assert.deepEqual(
      rows.filter((row) => row.provider === "mine").map((row) => row.model),
      ["mine/a", "mine/b/c"],
    );
    assert.equal(fake.requests.length, 0);
  });

  for (const kind of ["openai-compatible", "anthropic"] as const) {
    it(`S5: asks ${kind} for its list with the key, and shows the key in no row`, async () => {
      await using fake = await FakeProvider.start();
      const rows = await modelsWith({ mine: at(fake.url, { kind, apiKey: "sk-hidden" }) }).list();
      assert.ok(rows.some((row) => row.model === "mine/fake-small" && row.ready));
      assert.ok(!JSON.stringify(rows).includes("sk-hidden"));
      const { authorization, "x-api-key": own } = fake.requests[0]?.headers ?? {};
      assert.deepEqual(
        [authorization, own],
        kind === "anthropic" ? [undefined, "sk-hidden"] : ["Bearer sk-hidden", undefined],
      );
    });
  }

  it("has one row that is not ready for a configured provider whose list cannot be had", async () => {
    await using fake = await FakeProvider.start();
    fake.models = undefined;
    const rows = await modelsWith({ mine: at(fake.url) }).list();
    const mine = rows.filter((row) => row.provider === "mine");
    assert.deepEqual([mine.length, mine[0]?.ready], [1, false]);
    assert.match(mine[0]?.note ?? "", /404/);
  });
});

describe("a model's name", () => {
  it("means what the settings say at that moment (S5)", async () => {
    const settings: { -readonly [K in keyof ModelSettings]: ModelSettings[K] } = {
      providers: {},
      model: undefined,
      fallbackModel: undefined,
    };
    const models = new Models({ settings: () => settings, warn: () => undefined, local: {} });
    await assert.rejects(models.resolve("mine/a"), /no provider mine: add \[providers\.mine\]/);
    settings.providers = { mine: at("http://127.0.0.1:9/v1") };
    assert.equal((await models.resolve("mine/a/b")).id, "mine/a/b");
  });

  for (const name of ["", "gpt", "/x", "mine/", "nobody/x", "__proto__/x", "constructor/x"]) {
    it(`is refused with what to do: ${JSON.stringify(name)}`, async () => {
      await assert.rejects(
        modelsWith({}).resolve(name),
        (thrown) => thrown instanceof HostError && thrown.reason === "model_not_found" && thrown.message.endsWith("."),
      );
    });
  }

  it("offline means the model that needs nothing, whose calls are the person's own words", async () => {
    const models = modelsWith({});
    const model = await models.resolve("offline");
    assert.deepEqual([model.id, model.typedByPerson], ["offline", true]);
    const parts = await collect(model.stream(asking));
    assert.ok(parts.some((part) => part.type === "text" && part.text.includes(models.help())));
    for (const word of ["HEARTH_MODEL", "ANTHROPIC_API_KEY", "ollama/", "base_url"])
      assert.ok(models.help().includes(word));
  });
});

describe("a key command", () => {
  it("S5: gives the key when it is first needed, once, until the key is refused, and sees no one else's variables", async () => {
    const directory = await mkdtemp(join(tmpdir(), "hearth-key-"));
    try {
      await using fake = await FakeProvider.start();
      const asked = join(directory, "asked");
      const script = join(directory, "key.sh");
      await writeFile(script, `env >> ${asked}; printf '== asked\\n' >> ${asked}; echo sk-from-command\n`);
      const settings = at(fake.url, { apiKeyCommand: `/bin/sh ${script}` });
      const models = modelsWith({ mine: settings });
      const ask = async () => await collect((await models.resolve("mine/a")).stream(asking));
      const times = async () => (await readFile(asked, "utf8")).split("== asked").length - 1;
      fake.script([{ text: "1" }, { text: "2" }, { fault: { status: 401, echoKey: true } }, { text: "3" }]);
      await Promise.all([ask(), ask()]);
      assert.equal(await times(), 1);
      await assert.rejects(ask(), (thrown) => thrown instanceof ModelError && !thrown.message.includes("sk-from"));
      await ask();
      assert.equal(await times(), 2);
      assert.equal(fake.chats.at(-1)?.headers.authorization, "Bearer sk-from-command");
      const seen = Array.from((await readFile(asked, "utf8")).matchAll(/^(\w+)=/gm), ([, variable]) => variable);
      const shells = ["PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_"];
      assert.deepEqual(
        seen.filter((variable) => !shells.includes(variable ?? "")),
        [],
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it("S8: that fails or says nothing is an authentication error that quotes none of its output", async () => {
    for (const apiKeyCommand of ["echo sk-leak; exit 3", "true", "printf 'sk-leak\\nsecond line'"]) {
      const model = await modelsWith({ mine: at("http://127.0.0.1:9/v1", { apiKeyCommand }) }).resolve("mine/a");
      await assert.rejects(
        collect(model.stream(asking)),
        (thrown) =>
          thrown instanceof ModelError &&
          thrown.type === "authentication" &&
          !`${thrown.message} ${thrown.hint} ${thrown.stack}`.includes("sk-leak"),
      );
    }
  });

  it("S7: does not hold up a cancel", async () => {
    const stop = new AbortController();
    const model = await modelsWith({ mine: at("http://127.0.0.1:9/v1", { apiKeyCommand: "sleep 1" }) }).resolve(
      "mine/a",
    );
    const answer = collect(model.stream({ ...asking, signal: stop.signal }));
    stop.abort(new Error("enough"));
    await assert.rejects(answer, /enough/);
  });
});

describe("a key on its way", () => {
  it("S5: is warned about once where it would go over the network unencrypted", async () => {
    const warnings: string[] = [];
    const providers = {
      lan: at("http://llm.invalid/v1", { apiKey: "sk-x" }),
      tls: at("https://llm.invalid/v1", { apiKey: "sk-x" }),
      here: at("http://127.0.0.1:9/v1", { apiKey: "sk-x" }),
    };
    const models = modelsWith(providers, { warn: (text) => warnings.push(text) });
    for (const name of ["lan/a", "lan/b", "tls/a", "here/a"]) await models.resolve(name);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /key of lan .*unencrypted/);
  });
});
