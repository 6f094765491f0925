// The service files of docs/service.md: what people copy has to be right.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

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
    // A group that is divided among children who outlive the host takes no new host.
    assert.doesNotMatch(unit, /^Delegate/m);
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
      assert.deepEqual([status, stderr], [0, ""]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
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
