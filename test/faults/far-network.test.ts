// The network to a far machine, cut for good and for a moment: with a real cable between two networks, and nobody told.
import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { HearthClient } from "../../src/client/client.ts";
import { processes } from "../../src/keeper/testing/bed.ts";
import type { Result } from "../../src/protocol/methods.ts";
import { missing, section } from "../support/backends.ts";
import { eventually } from "../support/eventually.ts";
import { mayRun } from "../support/root.ts";
import { RunningHost } from "../support/running-host.ts";
import { SshServer } from "../support/ssh-server.ts";
import { mayMakeNetworks, TwoNetworks } from "../support/two-networks.ts";

const mark = `hearth-far-${process.pid}`;
/** Asked each second, and given up after the second question that nothing has come for. */
const soon = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"];
const survivors = async (sandbox: string): Promise<number> =>
  (await processes()).filter((one) => one.state !== "Z" && one.command.includes(`${mark}-${sandbox}`)).length;

describe("a far machine whose network is cut", () => {
  const made = new AsyncDisposableStack();
  let networks: TwoNetworks;
  let host: RunningHost;
  let client: HearthClient;
  let workspace: string;
  let why: string | undefined;

  before(async () => {
    why = (await missing("ssh")) ?? (mayMakeNetworks() ? undefined : "networks of its own");
    if (why !== undefined) return;
    networks = made.use(await TwoNetworks.make());
    const server = made.use(await SshServer.start({ address: networks.farAddress, through: networks.far }));
    workspace = await realpath(await mkdtemp(join(tmpdir(), "hearth-work-")));
    made.defer(() => rm(workspace, { recursive: true, force: true }));
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-host-")));
    const common = { kind: "ssh", host: server.host };
    const sections = [
      section("far", { ...common, options: [...server.options, ...soon] }),
      section("shell", { ...common, options: [...server.options, ...soon], keeper: false }),
      section("new", { ...common, options: [...server.options, "-o", "ConnectTimeout=1"] }),
      section("patient", { ...common, options: server.options }),
    ];
    await writeFile(join(home, "config.toml"), sections.join("\n"), { mode: 0o600 });
    host = made.use(await RunningHost.start({}, networks.near, home));
    client = await host.client();
  });
  afterEach(() => (why === undefined ? networks.plug() : undefined)); // also of one that failed
  after(() => made.disposeAsync());

  const ready = (t: TestContext): boolean => mayRun(t, why ?? "", why === undefined);
  const start = (sandbox: string, command: string) =>
    client.call("process.start", { command, sandbox, cwd: workspace });
  const ended = async (process_id: string): Promise<Result<"process.wait">> =>
    await client.call("process.wait", { process_id, timeout: 60 });
  /** As it is on the disk: over there the host's address is another machine's. */
  const output = async (process_id: string): Promise<string> =>
    await readFile(join(host.home, "children", process_id, "spool.0"), "latin1").catch(() => "");
  const says = (process_id: string, text: string) =>
    eventually(`it says ${text}`, async () => (await output(process_id)).includes(text));

  it("P6: loses no byte to a cut that is shorter than its patience", async (t) => {
    if (!ready(t)) return;
    const lines = 10_000;
    const script = `i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.01; done; read x; echo "got $x"; exit 7`;
    const { process_id } = await start("patient", script);
    await says(process_id, "999\n");
    await networks.pull();
    const typed = client.call("process.submit", { process_id, data: "typed while it was cut" });
    await delay(1_000); // any length will do that is well below a minute: nothing can be waited for while nothing comes
    const before = (await output(process_id)).length;
    await networks.plug();
    await typed;
    const end = await ended(process_id);
    assert.equal(end.exit_code, 7);
    const expected = `${Array.from({ length: lines }, (_, i) => `${i}\n`).join("")}got typed while it was cut\n`;
    assert.ok(before < expected.length, "it was cut in the middle");
    assert.ok((await output(process_id)) === expected);
  });

  it("P20: a kill meanwhile ends the way there, and what runs there once it hears of that", async (t) => {
    if (!ready(t)) return;
    const { process_id } = await start("patient", `echo up; sh -c 'while :; do sleep 1; done' ${mark}-patient; exit 0`);
    await says(process_id, "up");
    await networks.pull();
    await client.call("process.kill", { process_id, grace: 0.2 });
    const end = await ended(process_id);
    assert.deepEqual([end.completion_reason, end.exit_code], ["lost", null]);
    assert.ok((await survivors("patient")) > 0);
    await networks.plug();
    await eventually("it is ended there", async () => (await survivors("patient")) === 0);
  });

  it("P39: cannot be entered then, which is said before long", async (t) => {
    if (!ready(t)) return;
    await networks.pull();
    await assert.rejects(
      start("new", "true"),
      /"new" could not be entered: .* cannot be reached: .*(timed out|No route)/,
    );
    await networks.plug();
  });

  for (const [sandbox, what] of [
    ["shell", "in best effort"],
    ["far", "and is ended there with the next connection"],
  ] as const)
    it(`P6, F03: loses what runs there, says that nobody answers, ${what}`, async (t) => {
      if (!ready(t)) return;
      const { process_id } = await start(sandbox, `echo up; sh -c 'while :; do sleep 1; done' ${mark}-${sandbox}`);
      await says(process_id, "up");
      await networks.pull();
      const begun = performance.now();
      const another = assert.rejects(
        start(sandbox, "true"),
        /could not be entered: .*(not responding|read from master failed|No route)/,
      );
      const end = await ended(process_id);
      t.diagnostic(`lost after ${Math.round(performance.now() - begun)} ms`);
      assert.deepEqual([end.completion_reason, end.exit_code], ["lost", null]);
      const { reason } = await client.call("process.poll", { process_id });
      assert.match(reason ?? "", /^its sandbox is gone: Timeout, server 10\.213\.7\.2 not responding/);
      await another;
      await networks.plug({ moved: sandbox === "far" });
      if (sandbox !== "far") return;
      assert.ok((await survivors(sandbox)) > 0, "nobody has told the far machine");
      assert.equal((await ended((await start(sandbox, "exit 3")).process_id)).exit_code, 3);
      await eventually("it is ended there", async () => (await survivors(sandbox)) === 0);
    });
});
