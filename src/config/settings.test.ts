import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  assertServable,
  ConfigRefused,
  configFileOf,
  describe as describeSettings,
  homeOf,
  loadSettings,
} from "./settings.ts";
import { keys, variableOf } from "./table.ts";

describe("settings", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "hearth-settings-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const load = (toml: string, env: Record<string, string> = {}) => {
    const file = join(directory, "config.toml");
    writeFileSync(file, toml);
    return loadSettings({ env: { HOME: "/home/ada", HEARTH_CONFIG: file, ...env } });
  };

  it("are all standard, without a word, where nobody says anything", () => {
    const settings = loadSettings({ env: { HOME: "/home/ada", HEARTH_CONFIG: join(directory, "none.toml") } });
    assert.deepEqual(settings.warnings, []);
    assert.equal(settings.home, "/home/ada/.local/state/hearth");
    assert.deepEqual([settings.host, settings.port, settings.model], ["127.0.0.1", 4327, undefined]);
    assert.partialDeepStrictEqual(settings.processes, {
      graceMs: 2000,
      waitLimitMs: 180_000,
      spoolBytes: 2 ** 26,
      passEnvironment: [],
    });
    assert.deepEqual(
      [settings.approvals, settings.turns.onRestart, settings.shutdownGraceMs],
      ["ask", "continue", 1000],
    );
  });

  it("P19: have secrets of a person's own; a wrong one is named without being told, and takes no other with it", () => {
    const { redaction, warnings } = load(
      'redaction_extra = ["/acme_[a-z0-9]{32}/", "hunter2", "/x/", 5, "correct horse battery"]',
    );
    assert.equal(redaction.extra.length, 2);
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? "", /^redaction_extra \(.*config\.toml\), entry 2: a text of 7 characters/);
    assert.match(warnings[1] ?? "", /entry 3: \/x\/ must begin with at least 3 fixed characters/);
    assert.match(warnings[2] ?? "", /entry 4: it is no text/);
    assert.ok(!warnings.join().includes("hunter2"));
    for (const text of [
      '["/acme_[a-z]{3,40}/", "my secret text"]',
      "/acme_[a-z]{3,40}/",
      "first one here, second one here",
    ]) {
      const said = load("", { HEARTH_REDACTION_EXTRA: text });
      assert.deepEqual([said.redaction.extra.length > 0, said.warnings], [true, []], text);
    }
    const broken = load("", { HEARTH_REDACTION_EXTRA: '["my secret text"' });
    assert.equal(broken.warnings.length, 1);
    assert.ok(!broken.warnings.join().includes("my secret"));
    const shown = describeSettings(load('redaction_extra = ["/acme_\\\\d+/", "correct horse battery"]'));
    assert.deepEqual(shown.redaction_extra, ["/acme_\\d+/", "a text"]);
  });

  it("A49: have limits of processes and sessions, none unless said, and a wrong one is as if it had not been", () => {
    const none = { memory_bytes: null, cpus: null };
    const unsaid = { mode: "possible", child: { ...none, pids: undefined }, session: { ...none, pids: null } };
    const { limits, running, runningOfSession } = load("").processes;
    assert.deepEqual([limits, running, runningOfSession], [unsaid, 4096, 256]);
    const said = load('[processes]\nmemory_bytes = "2 GiB"\ncpus = 1.5\nlimits = "required"\n[sessions]\npids = 100', {
      HEARTH_PROCESSES_PIDS: "64",
    });
    assert.deepEqual(said.processes.limits, {
      mode: "required",
      child: { memory_bytes: 2 ** 31, cpus: 1.5, pids: 64 },
      session: { ...none, pids: 100 },
    });
    const wrong = load('[processes]\nmemory_bytes = "2 apples"\ncpus = 0\npids = 1.5\nrunning = -1\nlimits = "some"');
    assert.deepEqual([wrong.processes.limits, wrong.processes.running], [unsaid, 4096]);
    assert.equal(wrong.warnings.length, 5);
  });

  it("know the limit of open files that the host was started with, if somebody noted it", () => {
    assert.equal(load("", { HEARTH_OPEN_FILES: "4096" }).openFiles, 4096);
    for (const text of ["unlimited", "0", "-1", "1e9", ""])
      assert.equal(load("", { HEARTH_OPEN_FILES: text }).openFiles, undefined);
  });

  it("take the home and the config file from where XDG says", () => {
    const env = { HOME: "/h", XDG_STATE_HOME: "/s", XDG_CONFIG_HOME: "not/absolute" };
    assert.equal(homeOf(env), "/s/hearth");
    assert.equal(configFileOf(env), "/h/.config/hearth/config.toml");
    assert.equal(homeOf({ ...env, HEARTH_HOME: "~/x" }), "/h/x");
  });

  it("take a variable over the file, and the file over the standard", () => {
    const settings = load('port = 1\nmodel = "a/b"\n[processes]\ngrace_s = 0.5\n', { HEARTH_PORT: "2" });
    assert.deepEqual([settings.port, settings.model, settings.processes.graceMs], [2, "a/b", 500]);
    assert.equal(settings.sources.port, "HEARTH_PORT");
    assert.match(settings.sources.model ?? "", /config\.toml$/);
  });

  it("have a variable of the same name for every key", () => {
    assert.equal(variableOf("shutdown.grace_s"), "HEARTH_SHUTDOWN_GRACE_S");
    assert.equal(new Set(keys.map(variableOf)).size, keys.length);
  });

  it("P39: name a wrong value with what is allowed, and leave the rest alone", () => {
    const settings = load(
      'port = "many"\nmodel = "x/y"\napprovals = "never"\n[processes]\ngrace_s = -1\nspool_bytes = "64 apples"',
      {
        HEARTH_PROCESSES_WAIT_LIMIT_S: "soon",
      },
    );
    assert.deepEqual([settings.port, settings.model, settings.approvals], [4327, "x/y", "ask"]);
    assert.partialDeepStrictEqual(settings.processes, {
      graceMs: 2000,
      waitLimitMs: 180_000,
      spoolBytes: 2 ** 26,
      passEnvironment: [],
    });
    assert.equal(settings.warnings.length, 5);
    const all = settings.warnings.join("\n");
    assert.match(all, /port in \S+config\.toml is "many": it takes a whole number from 0 to 65535/);
    assert.match(all, /approvals in \S+ is "never": it takes one of ask, dangerous, off/);
    assert.match(all, /HEARTH_PROCESSES_WAIT_LIMIT_S is "soon"/);
  });

  it("fall back to the file where only the variable is wrong", () => {
    assert.equal(load("port = 9\n", { HEARTH_PORT: "x" }).port, 9);
  });

  it("G10: take the standard grace for a bad or not positive one", () => {
    for (const bad of ["0", "-1", "x", "NaN"])
      assert.equal(load("", { HEARTH_SHUTDOWN_GRACE_S: bad }).shutdownGraceMs, 1000);
    assert.equal(load("", { HEARTH_SHUTDOWN_GRACE_S: "2.5" }).shutdownGraceMs, 2500);
  });

  it("read sizes with units", () => {
    assert.equal(load('[processes]\nspool_bytes = "2 MiB"').processes.spoolBytes, 2 ** 21);
  });

  it("name keys that mean nothing, and a file that is not TOML", () => {
    const unknown = load('colour = "red"\n[processes]\ngrace = 1\n').warnings;
    assert.equal(unknown.length, 2);
    assert.match(unknown[1] ?? "", /processes\.grace in .* is no setting: there are processes\.grace_s/);
    const broken = load("model = \n", { HEARTH_PORT: "7" });
    assert.equal(broken.port, 7);
    assert.match(broken.warnings[0] ?? "", /config\.toml, line 1, is not TOML/);
  });

  it("S5: take a personality as text or as an object", () => {
    assert.deepEqual(load('personality = "Be brief."').personality, { system_prompt: "Be brief." });
    assert.deepEqual(load('[personality]\ntone = "dry"').personality, { tone: "dry" });
    const wrong = load("[personality]\ntone = 3");
    assert.deepEqual([wrong.personality, wrong.warnings.length], [{}, 1]);
  });

  describe("of providers", () => {
    it("S5: take keys from the environment, the config or a command", () => {
      const { providers, warnings } = load(
        '[providers.mine]\nbase_url = "http://127.0.0.1:9/v1/"\napi_key_command = "pass show mine"\nmodels = ["m"]\n[providers.anthropic]\napi_key = "from-file"',
        { OPENAI_API_KEY: "sk-o", HEARTH_PROVIDERS_MINE_KIND: "anthropic" },
      );
      assert.deepEqual(warnings, []);
      assert.deepEqual(providers.mine, {
        kind: "anthropic",
        baseUrl: "http://127.0.0.1:9/v1",
        apiKeyCommand: "pass show mine",
        models: ["m"],
      });
      assert.equal(providers.openai?.apiKey, "sk-o");
      assert.equal(providers.anthropic?.apiKey, "from-file");
      assert.equal(providers.ollama?.baseUrl, "http://127.0.0.1:11434/v1");
    });

    it("connect an OpenAI-compatible endpoint by one setting", () => {
      assert.equal(
        load("", { HEARTH_BASE_URL: "http://127.0.0.1:5/v1" }).providers.openai?.baseUrl,
        "http://127.0.0.1:5/v1",
      );
      assert.equal(load('base_url = "http://127.0.0.1:6/v1"').providers.openai?.baseUrl, "http://127.0.0.1:6/v1");
    });

    it("pass over one that has no address, and say so", () => {
      const settings = load('[providers.far]\napi_key = "secret-value"\nbase_url = "ftp://x"\n');
      assert.equal(settings.providers.far, undefined);
      assert.equal(settings.warnings.length, 2);
    });

    it("S5: never show a key, wherever it was put", () => {
      const settings = load(
        '[providers.a]\nbase_url = "https://user:secret1@x.example/v1"\napi_key = "secret2"\n[providers.b]\nbase_url = "secret3"\nkind = "secret4"\n',
        { ANTHROPIC_API_KEY: "secret5" },
      );
      const said = JSON.stringify([describeSettings(settings), settings.warnings]);
      assert.doesNotMatch(said, /secret/);
      assert.equal(describeSettings(settings)["providers.a.api_key"], "set");
      assert.equal(describeSettings(settings)["providers.ollama.api_key"], "not set");
    });
  });

  describe("that would open the host to the network", () => {
    it("A01: are refused without listed names, and without TLS or a declared proxy", () => {
      for (const toml of [
        'host = "0.0.0.0"',
        'host = "0.0.0.0"\nallowed_hosts = ["h.example"]',
        'host = "::"\nproxy = true',
      ]) {
        assert.throws(() => assertServable(load(toml)), ConfigRefused);
      }
      assert.doesNotThrow(() => assertServable(load('host = "0.0.0.0"\nallowed_hosts = ["h.example"]\nproxy = true')));
      const tls = 'host = "10.0.0.5"\nallowed_hosts = ["h.example"]\n[tls]\ncert = "/c.pem"\nkey = "/k.pem"';
      assert.doesNotThrow(() => assertServable(load(tls)));
    });

    it("A01: are refused with half of what TLS needs, which is said", () => {
      for (const half of ['cert = "/c.pem"', 'key = "/k.pem"']) {
        const settings = load(`host = "10.0.0.5"\nallowed_hosts = ["h.example"]\n[tls]\n${half}`);
        assert.equal(settings.tls, undefined, half);
        assert.throws(() => assertServable(settings), ConfigRefused, half);
        assert.match(settings.warnings.join("\n"), /tls\.cert and tls\.key belong together/, half);
      }
      const both = load('[tls]\ncert = "/c.pem"\nkey = "/k.pem"');
      assert.deepEqual([both.tls, both.warnings], [{ cert: "/c.pem", key: "/k.pem" }, []]);
    });

    it("A01: are not mistaken for loopback by their looks", () => {
      for (const host of ["127.0.0.1.evil.test", "localhost.evil.test", "1.127.0.0", "127.evil.test"]) {
        assert.throws(() => assertServable(load(`host = "${host}"`)), ConfigRefused);
      }
      for (const host of ["127.0.0.1", "127.3.2.1", "::1", "localhost"]) assertServable(load(`host = "${host}"`));
    });
  });

  describe("of a child's environment", () => {
    it("P3: hold no Hearth, npm or provider variable, and no node_modules/.bin of ours", () => {
      const { root } = load("");
      const { baseEnvironment } = load('[environment]\npass = ["MISTRAL_API_KEY"]', {
        npm_lifecycle_event: "start",
        npm_config_cache: "/c",
        INIT_CWD: "/x",
        HEARTH_PORT: "1",
        OPENAI_API_KEY: "k",
        MISTRAL_API_KEY: "m",
        LANG: "C.UTF-8",
        PATH: `${root}/node_modules/.bin:${join(root, "..")}/node_modules/.bin:/x/@npmcli/run-script/lib/node-gyp-bin:/mine/node_modules/.bin:/usr/bin`,
      });
      assert.deepEqual(baseEnvironment, {
        HOME: "/home/ada",
        LANG: "C.UTF-8",
        MISTRAL_API_KEY: "m",
        PATH: "/mine/node_modules/.bin:/usr/bin",
      });
    });
  });
});
