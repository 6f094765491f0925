import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

describe("a host that is stopped in order", () => {
  it("S10, P33: leaves a turn whose command runs as it is: the next host goes on waiting for that very command", async (t) => {
    await using host = await RunningHost.start();
    const workspace = await mkdtemp(join(tmpdir(), "hearth-stop-"));
    t.after(() => rm(workspace, { recursive: true, force: true }));
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace });
    using watched = new Watched(client, session_id);
    const text = "run until [ -e go ]; do sleep 0.05; done; echo went";
    await client.call("prompt.submit", { session_id, text });
    await watched.seen("process.started");
    await client.call("host.stop", {});
    assert.equal(await host.ended(), 0);
    await host.restart();
    await writeFile(join(workspace, "go"), "");
    await watched.seen("turn.ended");
    const [result] = watched.of("tool.complete").map((event) => event.payload as { status: string; result: string });
    assert.equal(result?.status, "ok");
    assert.match(result?.result ?? "", /^went\n/);
    assert.equal(watched.of("process.started").length, 1);
  });

  it("P14: tells a script that waits for a process that the wait was interrupted; the process runs on", async () => {
    await using host = await RunningHost.start();
    const { process_id } = await rpc(host, "process.start", { argv: ["sleep", "1000"] });
    const waited = rpc(host, "process.wait", { process_id, timeout: 100 });
    const waits = async () => /process\.wait"\} 1\n/.test(await (await host.fetch("/metrics")).text());
    await eventually("it waits", waits);
    await (await host.client()).call("host.stop", {});
    const { status, exit_code, note } = await waited;
    assert.deepEqual([status, exit_code], ["interrupted", null]);
    assert.match(note ?? "", /runs on/);
    assert.equal(await host.ended(), 0);
    await host.restart();
    assert.equal((await rpc(host, "process.poll", { process_id })).status, "running");
    await rpc(host, "process.kill", { process_id });
  });

  it("F08: though nothing it says can be written any more, as after its terminal was closed", async () => {
    await using host = await RunningHost.start({}, ["/bin/sh", "-c", 'exec "$@" 2>/dev/full', "sh"]);
    process.kill(host.pid, "SIGHUP");
    assert.equal(await host.ended(), 0);
  });
});
