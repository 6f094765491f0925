import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { allowedEnvironment, cleanLogin, processEnvironment } from "./environment.ts";

const ownBin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
const base = {
  PATH: `${ownBin}:/opt/npm/node-gyp-bin:/home/a/project/node_modules/.bin:/usr/bin`,
  HOME: "/home/a",
  LC_TIME: "de_DE.UTF-8",
  SSH_AUTH_SOCK: "/run/agent",
  ANTHROPIC_API_KEY: "secret",
  HEARTH_TOKEN: "secret",
  npm_config_registry: "x",
  SOMETHING_ELSE: "secret",
};

describe("a child's environment", () => {
  it("P3: is an allow-list, and what the settings pass on", () => {
    assert.deepEqual(allowedEnvironment(base, ["SSH_AUTH_SOCK"]), {
      PATH: "/home/a/project/node_modules/.bin:/usr/bin",
      HOME: "/home/a",
      LC_TIME: "de_DE.UTF-8",
      SSH_AUTH_SOCK: "/run/agent",
    });
  });
  it("P3: has a PATH even where Hearth has none", () => {
    assert.match(allowedEnvironment({}, []).PATH ?? "", /\/usr\/bin/);
  });
  it("P3: keeps what the profile exports, without keys of model providers and Hearth's own", () => {
    const login = { EDITOR: "vi", OPENAI_API_KEY: "k", GITHUB_TOKEN: "mine", HEARTH_MARK: "m", SHLVL: "2", npm_x: "y" };
    assert.deepEqual(cleanLogin(login, []), { EDITOR: "vi", GITHUB_TOKEN: "mine" });
    assert.deepEqual(cleanLogin(login, ["OPENAI_API_KEY"]), {
      EDITOR: "vi",
      GITHUB_TOKEN: "mine",
      OPENAI_API_KEY: "k",
    });
  });
  it("P3: makes Python's progress visible, and the caller's own variables win", () => {
    const login = { PATH: "/login/bin", A: "login" };
    const env = processEnvironment({ base, login, passed: [], added: { A: "caller" }, cwd: "/w", pty: false });
    assert.deepEqual(env, {
      PATH: "/login/bin",
      HOME: "/home/a",
      LC_TIME: "de_DE.UTF-8",
      A: "caller",
      PYTHONUNBUFFERED: "1",
      PWD: "/w",
      TERM: "dumb",
    });
  });
  it("P2: tells a program in a PTY what kind of screen it has, and leaves its size to the screen", () => {
    const env = processEnvironment({ base, login: null, passed: [], added: {}, cwd: "/w", pty: true });
    assert.deepEqual([env.TERM, env.LINES, env.COLUMNS], ["xterm-256color", undefined, undefined]);
  });
});
