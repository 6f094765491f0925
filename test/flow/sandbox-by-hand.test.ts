// Backends that people add themselves, as docs/sandboxes.md shows it: its very examples are run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { testRoot } from "../support/backends.ts";
import { eventually } from "../support/eventually.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost } from "../support/running-host.ts";
import { hostileTrees, markOf, survivors } from "../support/sandbox-conformance.ts";

const MOST_LINES = 60;
const docs = await readFile(join(import.meta.dirname, "../../docs/sandboxes.md"), "utf8");

/** The first block of that language which contains the text. */
function block(language: string, containing: string): string {
  const blocks = [...docs.matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  const found = blocks.find(([, name, text]) => name === language && text?.includes(containing));
  assert.ok(found?.[2], `there is no ${containing} in docs/sandboxes.md`);
  return found[2];
}

describe("a backend of one's own", () => {
  let folder: string;
  let host: RunningHost;
  const made = new AsyncDisposableStack();
  const module = block("js", "openSandbox");
  const root = process.getuid?.() === 0;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-by-hand-")));
    const home = join(folder, "home");
    await mkdir(home, { mode: 0o700 });
    await writeFile(join(home, "jail.mjs"), module);
    await testRoot(join(folder, "jail"));
    // Without one a shell can put nothing into the background.
    if (root) await promisify(execFile)("mknod", ["-m", "666", join(folder, "jail", "dev", "null"), "c", "1", "3"]);
    const alone = block("toml", "sandboxes.alone").split("\n[")[0] ?? "";
    const jail = block("toml", "sandboxes.jail").replace("/srv/jail", join(folder, "jail"));
    const changed = `[sandboxes.changed]\nkind = "module"\nfile = "jail.mjs"\nsha256 = "${"0".repeat(64)}"\n`;
    const gone = '[sandboxes.gone]\nkind = "command"\nargv = ["/no/such/backend", "{keeper}", "inside"]\n';
    const silent =
      '[sandboxes.silent]\nkind = "command"\nargv = ["sh", "-c", "echo no machine is free >&2", "{keeper}", "inside"]\n';
    await writeFile(join(home, "config.toml"), [alone, jail, changed, gone, silent].join("\n"), { mode: 0o600 });
    made.defer(() => rm(folder, { recursive: true, force: true }));
    host = made.use(await RunningHost.start({}, [], home));
  });
  after(() => made.disposeAsync());

  for (const sandbox of ["alone", "jail"])
    it(`P6: runs by the words of the documentation (${sandbox})`, async (t) => {
      if (!root && process.env.HEARTH_TEST_ALL !== "1") return t.skip("needs root");
      const mark = markOf(sandbox);
      const trees = hostileTrees(mark).map(({ script }) => script);
      const script = `echo "as $$"; read line; echo "got $line"; ${trees.join("\n")}\nread more; exit 3`;
      const row = await rpc(host, "process.start", { command: script, sandbox, cwd: "/tmp" });
      assert.equal(row.environment_kind, sandbox === "alone" ? "command" : "jail");
      await rpc(host, "process.submit", { process_id: row.process_id, data: "it" });
      await eventually("all are there", async () => (await survivors(mark)) >= trees.length);
      const { output } = await rpc(host, "process.poll", { process_id: row.process_id });
      assert.match(output, new RegExp(`^as ${row.pid_inside}\ngot it\n`));
      await rpc(host, "process.submit", { process_id: row.process_id, data: "" });
      assert.equal((await rpc(host, "process.wait", { process_id: row.process_id, timeout: 30 })).exit_code, 3);
      await rpc(host, "process.kill", { process_id: row.process_id, grace: 0.3 });
      await eventually("all are gone", async () => (await survivors(mark)) === 0);
    });

  it("P6: takes less than sixty lines as a module", () => {
    assert.ok(module.trimEnd().split("\n").length < MOST_LINES);
  });

  it("A41: a module that is not the one that was meant is not run", async () => {
    const { data, message } = await refused(host, "process.start", { argv: ["true"], sandbox: "changed" });
    assert.equal(data.reason, "failed_start");
    assert.match(message, new RegExp(createHash("sha256").update(module).digest("hex")));
  });

  it("P39: a backend that is not there, or says why it cannot, is told in its words, without an exit code", async () => {
    for (const [sandbox, words] of [
      ["gone", /"\/no\/such\/backend".* is not there/],
      ["silent", /no machine is free/],
    ] as const) {
      const { data, message } = await refused(host, "process.start", { argv: ["true"], sandbox });
      assert.equal(data.reason, "failed_start");
      assert.match(message, words);
      const row = await rpc(host, "process.poll", { process_id: String(data.process_id) });
      assert.deepEqual([row.status, row.exit_code], ["failed_start", null]);
    }
  });

  it("P6: lists what there is, and refuses a name that is none with those that are", async () => {
    const { sandboxes } = await rpc(host, "sandbox.list", {});
    assert.deepEqual(
      sandboxes.map(({ name }) => name),
      ["local", "alone", "jail", "changed", "gone", "silent"],
    );
    const { data, message } = await refused(host, "process.start", { argv: ["true"], sandbox: "nowhere" });
    assert.equal(data.reason, "sandbox_not_found");
    assert.match(message, /local, alone, jail, changed, gone, silent/);
  });
});
