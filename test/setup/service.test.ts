// The service files of docs/service.md: what people copy has to be right.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { HOST_GROUP } from "../../src/limits/machine.ts";
import { eventually } from "../support/eventually.ts";

const root = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/service.md"), "utf8");
const block = (kind: string): string => new RegExp(`\`\`\`${kind}\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? "";
const analyzer = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("the service files", () => {
  it("end the host alone, and take a refused configuration for final", () => {
    const unit = block("ini");
    assert.match(unit, /^KillMode=process$/m);
    assert.match(unit, /^RestartPreventExitStatus=78$/m);
    assert.match(unit, /^OOMPolicy=continue$/m);
    // A group that is divided among children who outlive the host takes a new host only beside them.
    assert.match(unit, /^Delegate=yes$/m);
    assert.match(unit, new RegExp(`^DelegateSubgroup=${HOST_GROUP}$`, "m"));
    assert.match(block("xml"), /<key>AbandonProcessGroup<\/key>\s*<true\/>/);
  });

  it("start hearth with words that it knows", () => {
    const words = /^ExecStart=\S+ (.+)$/m.exec(block("ini"))?.[1];
    const launchd = [...block("xml").matchAll(/<string>([^<]*)<\/string>/g)].map(([, text]) => text);
    assert.equal(words, launchd.slice(2, 4).join(" "));
    const help = execFileSync(process.execPath, [join(root, "src/cli/start.mjs"), "up", "--help"], {
      encoding: "utf8",
    });
    assert.match(help, /--no-open/);
    assert.equal(words, "up --no-open");
  });

  it("satisfy systemd", {
    skip: analyzer || process.env.HEARTH_TEST_ALL === "1" ? false : "there is no systemd-analyze",
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), "hearth-service-"));
    try {
      const file = join(folder, "hearth.service");
      // It looks whether the program is there.
      writeFileSync(file, block("ini").replace(/^ExecStart=\S+/m, `ExecStart=${join(root, "bin/hearth")}`));
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--user", "--man=no", file], {
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
        encoding: "utf8",
      });
      const tooOld = /^.*Unknown key (name )?'DelegateSubgroup'.*ignoring\.\n/m;
      assert.deepEqual([status, stderr.replace(tooOld, "")], [0, ""]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("get a host that puts no ticket into the journal, ends on TERM alone, and is found again with all it had", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "hearth-service-")));
    const journal = openSync(join(folder, "journal"), "a");
    const { dev, ino } = fstatSync(journal);
    const env = {
      ...{ PATH: process.env.PATH, HOME: folder, HEARTH_HOME: join(folder, "state"), HEARTH_PORT: "0" },
      ...{ HEARTH_CONFIG: join(folder, "config.toml"), JOURNAL_STREAM: `${dev}:${ino}` },
      // How it ends is meant here, not how soon: a disk that is busy may keep it longer than the second it has.
      HEARTH_SHUTDOWN_GRACE_S: "20",
    };
    const start = (...words: string[]) =>
      spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "src/cli/start.mjs"), ...words], {
        env,
        stdio: ["ignore", words[0] === "up" ? journal : "pipe", "inherit"],
      });
    const hearth = async (...words: string[]): Promise<string> => {
      const child = start(...words);
      assert.ok(child.stdout !== null);
      const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
      assert.equal(code, 0, words.join(" "));
      return out.trim();
    };
    const said = (): string => readFileSync(join(folder, "journal"), "utf8");
    const ready = (times: number) =>
      eventually("the host is ready", () => said().split("Hearth is ready at ").length === times + 1);
    let host = start("up", "--no-open");
    try {
      await ready(1);
      const id = await hearth("run", "--", "sh", "-c", "echo before; read x; echo after");
      const gone = once(host, "exit");
      host.kill("SIGTERM"); // To this one process, as KillMode=process has it.
      assert.deepEqual(await gone, [0, null]);
      host = start("up", "--no-open");
      await ready(2);
      const [again] = await once(start("up"), "exit");
      assert.equal(again, 0);
      assert.match(said(), /^Hearth already runs at http/m);
      await hearth("send", id, "go on");
      await hearth("wait", id);
      assert.equal(await hearth("logs", id), "before\nafter");
      assert.doesNotMatch(said(), /ticket/);
      const stopped = once(host, "exit");
      await hearth("down", "--all");
      await stopped;
    } finally {
      host.kill("SIGKILL");
      closeSync(journal);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  it("are well-formed for launchd: what is opened is closed", () => {
    const open: string[] = [];
    for (const [, close, name = "", alone] of block("xml").matchAll(/<(\/?)([a-z]+)[^<>?!]*?(\/?)>/g)) {
      if (close === "/") assert.equal(open.pop(), name);
      else if (alone !== "/") open.push(name);
    }
    assert.deepEqual(open, []);
  });
});
