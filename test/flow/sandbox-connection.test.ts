// The one connection to a far machine: shared by all that runs there, belonging to none, found again by the next host.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { processes } from "../../src/keeper/testing/bed.ts";
import { missing, section } from "../support/backends.ts";
import { eventually } from "../support/eventually.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost } from "../support/running-host.ts";
import { SshServer } from "../support/ssh-server.ts";

describe("the connection to a far machine", () => {
  let server: SshServer;
  let host: RunningHost;
  let workspace: string;
  let why: string | undefined;
  const made = new AsyncDisposableStack();

  before(async () => {
    why = await missing("ssh");
    if (why !== undefined) return;
    server = made.use(await SshServer.start());
    workspace = await realpath(await mkdtemp(join(tmpdir(), "hearth-work-")));
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-host-")));
    const config = { kind: "ssh", host: server.host, options: server.options };
    const own = join(home, "ssh_config");
    await writeFile(own, "Host *\n  ForwardAgent yes\n", { mode: 0o600 });
    const forwards = { ...config, options: server.options.map((word) => (word === "none" ? own : word)) };
    const asked = { ...config, options: [...server.options, "-A"] };
    const sections = Object.entries({ far: config, same: config, forwards, asked });
    await writeFile(join(home, "config.toml"), sections.map((one) => section(...one)).join(""), { mode: 0o600 });
    made.defer(() => rm(workspace, { recursive: true, force: true }));
    const agent = join(workspace, "agent");
    const keys = spawn("ssh-agent", ["-D", "-a", agent], { stdio: "ignore" });
    made.defer(() => void keys.kill());
    await eventually("the agent listens", () =>
      stat(agent).then(
        () => true,
        () => false,
      ),
    );
    host = made.use(await RunningHost.start({ SSH_AUTH_SOCK: agent }, [], home));
  });
  after(() => made.disposeAsync());
  const test = (name: string, body: () => Promise<void>): void => {
    it(name, async (t) => (why === undefined ? await body() : t.skip(why)));
  };
  const start = (script: string, sandbox = "far") =>
    rpc(host, "process.start", { argv: ["sh", "-c", script], cwd: workspace, sandbox });
  /** Processes that hold a connection to this server. */
  const masters = async (): Promise<number[]> =>
    (await processes())
      .filter((one) => one.state !== "Z" && one.command.startsWith("ssh -N ") && one.command.includes(server.folder))
      .map((one) => one.pid);

  test("P6: is one for all, and what runs at the other end was copied there once", async () => {
    const rows = await Promise.all(Array.from({ length: 6 }, (_, n) => start(`read x; exit ${n}`)));
    assert.equal((await masters()).length, 1);
    const files = await readdir(join(server.cache, "hearth"));
    assert.equal(files.length, 1);
    const { mode } = await stat(join(server.cache, "hearth", files[0] ?? ""));
    assert.equal(mode & 0o777, 0o700);
    for (const { process_id } of rows) await rpc(host, "process.submit", { process_id, data: "" });
    const ends = await Promise.all(
      rows.map(({ process_id }) => rpc(host, "process.wait", { process_id, timeout: 30 })),
    );
    assert.deepEqual(
      ends.map((end) => end.exit_code),
      [0, 1, 2, 3, 4, 5],
    );
  });

  test("P32: outlives the host, and the next one uses it", async () => {
    const row = await start("read x; exit 7");
    const before = await masters();
    await host.kill9();
    await host.restart();
    await rpc(host, "process.wait", { process_id: (await start("true")).process_id, timeout: 30 });
    assert.deepEqual(await masters(), before);
    await rpc(host, "process.submit", { process_id: row.process_id, data: "" });
    assert.equal((await rpc(host, "process.wait", { process_id: row.process_id, timeout: 30 })).exit_code, 7);
  });

  test("P6: once it is lost another is made, and only what ran over it is lost", async () => {
    const row = await start("sleep 1000");
    const before = await masters();
    await server.cut();
    const end = await rpc(host, "process.wait", { process_id: row.process_id, timeout: 30 });
    assert.equal(end.completion_reason, "lost");
    await eventually("the old one has ended", async () => (await masters()).length === 0);
    const next = await start("exit 2");
    assert.equal((await rpc(host, "process.wait", { process_id: next.process_id, timeout: 30 })).exit_code, 2);
    assert.notDeepEqual(await masters(), before);
  });

  test("P32: two sandboxes of one machine have one each, also for the next host", async () => {
    const rows = [await start("read x", "far"), await start("read x", "same")];
    const before = await masters();
    assert.equal(before.length, 2);
    await host.kill9();
    await host.restart();
    assert.deepEqual(await masters(), before);
    for (const { process_id } of rows) await rpc(host, "process.kill", { process_id });
  });

  test("A42: leads to no keys of the person, unless the sandbox itself asks for that", async () => {
    for (const [sandbox, code] of [
      ["forwards", 4],
      ["asked", 3],
    ] as const) {
      const { process_id } = await start('test -S "$SSH_AUTH_SOCK" && exit 3; exit 4', sandbox);
      const end = await rpc(host, "process.wait", { process_id, timeout: 30 });
      assert.equal(end.exit_code, code, sandbox);
    }
  });

  test("T11: ends with an orderly stop, since nothing runs over it any more", async () => {
    await host[Symbol.asyncDispose]();
    assert.deepEqual(await masters(), []);
  });
});
