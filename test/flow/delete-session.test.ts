import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
    const poll = await client.call("process.poll", { process_id });
    assert.deepEqual([poll.status, poll.termination_source], ["killed", "session.delete"]);
    assert.equal(watched.of("turn.started").length, 1, "neither the queued prompt nor the notice has started a turn");
    await assert.rejects(client.call("session.history", { session_id }), { reason: "session_not_found" });
  });
});
