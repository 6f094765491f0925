import assert from "node:assert/strict";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Bed, binaries, isAlive } from "../../src/keeper/testing/bed.ts";
import { openLog } from "../../src/log/open.ts";
import { Terminals } from "../../src/terminals/terminals.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost } from "../support/running-host.ts";

describe("a terminal that cannot start", () => {
  it("T12: a start past its deadline is a timeout, the late shell never comes, and the next start is not affected", async (t) => {
    await using bed = await Bed.make(await binaries.testPoints(), { startDeadlineMs: 3_000 });
    const home = await mkdtemp(join(tmpdir(), "hearth-late-"));
    t.after(() => rm(home, { recursive: true, force: true }));
    await using log = await openLog({ home });
    const terminals = await Terminals.open({
      ...{ keepers: bed.keepers, log, adopted: [], onWarning: () => undefined },
      baseEnvironment: { PATH: "/usr/bin:/bin", HOME: home, SHELL: "/bin/sh" },
      settings: () => ({ spoolBytes: 1 << 20, passEnvironment: [] }),
    });
    t.after(() => terminals.close());
    const request = { session_id: "ses_0123456789ab", workspace: home };

    // The keeper stops itself before it claims the start.
    await writeFile(join(bed.childrenDir, "test_point"), "2 19");
    await assert.rejects(terminals.open(request), { reason: "start_timeout" });
    const keeper = Number(await readFile(join(bed.childrenDir, "reached"), "utf8"));
    await rm(join(bed.childrenDir, "test_point"));
    process.kill(keeper, "SIGCONT");
    await eventually("the late keeper is gone", async () => !(await isAlive(keeper)));
    assert.equal(terminals.running(), 0);

    const opened = await terminals.open(request);
    assert.equal(opened.status, "running");
    await terminals.end(opened.terminal_id);
  });

  it("F26: with no pseudo-terminal left a terminal is refused, no half-made one stays, and one that is closed makes room", async (t) => {
    const mounting =
      "mount -t devpts -o newinstance,max=4,ptmxmode=0666 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx";
    const mayMount =
      process.getuid?.() === 0 &&
      (await access("/usr/bin/unshare").then(
        () => true,
        () => false,
      ));
    if (!mayMount) return t.skip("needs root and unshare");
    await using host = await RunningHost.start({}, ["unshare", "-m", "sh", "-c", `${mounting} && exec "$0" "$@"`]);
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const open = (name: string) => client.call("terminal.open", { session_id, name, rows: 24, cols: 80 });
    const opened: string[] = [];
    const refusals: string[] = [];
    for (let n = 0; n < 12; n++) {
      await open(`t${n}`).then(
        ({ terminal_id }) => opened.push(terminal_id),
        (error: { reason: string }) => refusals.push(error.reason),
      );
    }
    assert.ok(opened.length > 0 && opened.length <= 4);
    assert.deepEqual(new Set(refusals), new Set(["pty_limit"]));
    assert.equal((await client.call("host.status", {})).terminals, opened.length);
    const [first = ""] = opened;
    await client.call("terminal.close", { terminal_id: first });
    assert.equal((await open("again")).status, "running");
  });
});
