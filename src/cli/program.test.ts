import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CliError } from "./failure.ts";
import { runCommand } from "./program.ts";
import type { Screen } from "./screen.ts";

describe("the command line", () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), "hearth-cli-"));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const run = async (...argv: string[]) => {
    const said = { out: "", err: "" };
    const add = (to: "out" | "err", text: string): void => {
      said[to] += text;
    };
    const screen: Screen = {
      interactive: false,
      terminal: false,
      columns: 80,
      out: (text) => add("out", text),
      err: (text) => add("err", text),
      line: (text = "") => add("out", `${text}\n`),
      style: (_style, text) => text,
    };
    const exitCode = await runCommand(argv, { home, cwd: home, version: "1.2.3", screen });
    return { exitCode, ...said };
  };

  it("ends with 0 for help and version, on standard output", async () => {
    assert.deepEqual(await run("--version"), { exitCode: 0, out: "1.2.3\n", err: "" });
    for (const command of "up down status doctor chat run ps stats top inspect logs attach wait kill send share get put sessions show export token open".split(
      " ",
    )) {
      const { exitCode, out } = await run(command, "--help");
      assert.equal(exitCode, 0);
      assert.match(out, new RegExp(`Usage: hearth ${command}\\b[\\s\\S]*\\nExamples:\\n`));
      assert.doesNotMatch(out, /supervised/);
    }
  });

  it("ends with 2 for wrong use, and says what is allowed", async () => {
    for (const argv of [
      ["nonsense"],
      ["logs"],
      ["ps", "--nonsense"],
      ["up", "--port", "70000"],
      ["export", "--format", "pdf", "x"],
      ["logs", "--since", "-1", "x"],
      ["logs", "--since", "1", "--tail", "1", "x"],
      ["kill", "--signal", "NONSENSE", "x"],
      ["share", "--minutes", "0", "x"],
    ]) {
      const { exitCode, out, err } = await run(...argv);
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.notEqual(err, "");
    }
    assert.match((await run("up", "--port", "x")).err, /from 0 to 65535/);
  });

  it("says how to start a host where none runs", async () => {
    for (const argv of [
      ["ps"],
      ["sessions"],
      ["wait", "x"],
      ["kill", "x"],
      ["token"],
      ["open"],
      ["logs", "x"],
      ["attach", "x"],
      ["get", "x"],
      ["share", "x"],
      ["put", "x"],
      ["chat", "hi"],
      ["run", "--", "true"],
    ]) {
      await assert.rejects(
        run(...argv),
        (error) => error instanceof CliError && error.exitCode === 1 && /hearth up/.test(error.message),
      );
    }
  });

  it("answers status with 1 and down with 0 where none runs", async () => {
    assert.deepEqual(JSON.parse((await run("status", "--json")).out), { running: false, home, silent: false });
    assert.equal((await run("status")).exitCode, 1);
    assert.equal((await run("down")).exitCode, 0);
  });
});
