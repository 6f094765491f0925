import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Config, withKey } from "./config.ts";
import { ConfigRefused } from "./settings.ts";

describe("the configuration of a running host", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hearth-config-"));
    file = join(directory, "config.toml");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const load = (env: Record<string, string> = {}, onWarning?: (text: string) => void) =>
    Config.load({
      env: { HOME: directory, HEARTH_CONFIG: file, ...env },
      ...(onWarning === undefined ? {} : { onWarning }),
    });

  it("S5: is what the file says now, not what it said at the start", () => {
    const config = load();
    assert.equal(config.current().model, undefined);
    writeFileSync(file, 'model = "a/1"');
    assert.equal(config.current().model, "a/1");
    writeFileSync(`${file}.new`, 'model = "a/2"');
    renameSync(`${file}.new`, file);
    assert.equal(config.current().model, "a/2");
    rmSync(file);
    assert.equal(config.current().model, undefined);
  });

  it("is not thrown back to the standards by half an edit", () => {
    const heard: string[] = [];
    writeFileSync(file, 'model = "a/1"\napprovals = "dangerous"');
    const config = load({}, (text) => heard.push(text));
    writeFileSync(file, 'model = "a/1"\napprovals = "dang');
    assert.equal(config.current().approvals, "dangerous");
    assert.equal(heard.length, 1);
    config.current();
    assert.equal(heard.length, 1, "a warning is said once");
  });

  it("writes a setting and keeps comments, order, mode and link", async () => {
    const real = join(directory, "real.toml");
    writeFileSync(real, '# mine\nmodel = "a/1" # old\n\n[processes]\n# patience\ngrace_s = 3\n', { mode: 0o640 });
    chmodSync(real, 0o640);
    symlinkSync(real, file);
    const config = load();
    await config.set("model", 'b/"2"');
    await config.set("approvals", "dangerous");
    assert.equal(
      readFileSync(real, "utf8"),
      'approvals = "dangerous"\n# mine\nmodel = "b/\\"2\\""\n\n[processes]\n# patience\ngrace_s = 3\n',
    );
    assert.equal(statSync(real).mode & 0o777, 0o640);
    assert.deepEqual([config.current().model, config.current().approvals], ['b/"2"', "dangerous"]);
  });

  it("makes the file, for its owner only, where there is none", async () => {
    const deep = join(directory, "x", "config.toml");
    const config = load({ HEARTH_CONFIG: deep });
    await Promise.all([config.set("approvals", "off"), config.set("model", "a/b")]);
    assert.equal(statSync(deep).mode & 0o777, 0o600);
    assert.deepEqual([config.current().model, config.current().approvals], ["a/b", "off"]);
  });

  it("refuses what is not allowed, and what a variable decides", async () => {
    const config = load({ HEARTH_MODEL: "a/b" });
    await assert.rejects(config.set("model", "c/d"), /HEARTH_MODEL/);
    await assert.rejects(config.set("approvals", "never" as "off"), /one of ask, dangerous, off/);
    assert.equal(existsSync(file), false);
  });

  it("does not mistake text inside a long string for a setting", () => {
    assert.throws(() => withKey('notes = """\nmodel = 1\n"""\n', "model", "a"), ConfigRefused);
    assert.throws(() => withKey("model = \n", "model", "a"), ConfigRefused);
  });

  it("warns of a key that others may read", () => {
    writeFileSync(file, '[providers.openai]\napi_key = "k"');
    chmodSync(file, 0o644);
    assert.match(load().warnings.join(), /chmod 600/);
    chmodSync(file, 0o600);
    assert.deepEqual(load().warnings, []);
  });
});
