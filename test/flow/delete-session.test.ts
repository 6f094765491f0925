import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

describe("deleting a conversation", () => {
  it("is refused while something runs in it, and with `end` ends all of it first, without waking the agent", async () => {
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    using watched = new Watched(client, session_id);
    const { process_id } = await client.call("process.start", {
      argv: ["sleep", "1000"],
      session_id,
      notify_on_complete: true,
    });
    await client.call("terminal.open", { session_id, rows: 24, cols: 80 });
    await client.call("prompt.submit", { session_id, text: "wait 1000" });
    await client.call("prompt.submit", { session_id, text: "say never" });
    await watched.seen("turn.started");
    await assert.rejects(client.call("session.delete", { session_id }), { reason: "session_busy" });

    assert.deepEqual(await client.call("session.delete", { session_id, end: true }), { deleted: true });
    assert.deepEqual((await client.call("session.list", {})).sessions, []);
    const status = await client.call("host.status", {});
    assert.deepEqual([status.processes, status.terminals, status.turns], [0, 0, 0]);
    // What it has printed goes with the conversation it was part of.
    assert.deepEqual((await client.call("process.list", { terminals: true })).processes, []);
    await assert.rejects(client.call("process.poll", { process_id }), { reason: "process_not_found" });
    const children = await readdir(join(host.home, "children"));
    assert.deepEqual(
      children.filter((name) => name.startsWith(process_id)),
      [],
    );
    assert.equal(watched.of("turn.started").length, 1, "neither the queued prompt nor the notice has started a turn");
    await assert.rejects(client.call("session.history", { session_id }), { reason: "session_not_found" });
  });

  it("P24: leaves a process whose daemon still runs, so that there is an id to end it by", async () => {
    await using host = await RunningHost.start();
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    const script = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
    const { process_id } = await client.call("process.start", { argv: ["sh", "-c", script], session_id });
    const row = async () =>
      (await client.call("process.list", {})).processes.find((one) => one.process_id === process_id);
    await eventually("its output has ended", async () => (await row())?.closed === true);
    assert.deepEqual(await client.call("session.delete", { session_id }), { deleted: true });
    const pid = Number((await client.call("process.log", { process_id })).output);
    assert.doesNotThrow(() => process.kill(pid, 0));
    assert.equal((await client.call("process.kill", { process_id })).status, "already_exited");
  });
});
