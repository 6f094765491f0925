import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { call, context } from "../../test/support/tool-call.ts";
import { endedNotice } from "../processes/processes.ts";
import { SmallHost } from "../processes/testing/small-host.ts";
import { processTool } from "./process-tool.ts";
import type { ToolContext } from "./tool.ts";

let host: SmallHost;
before(async () => {
  host = await SmallHost.start();
});
after(() => host[Symbol.asyncDispose]());

const use = (args: Record<string, unknown>, more: Partial<ToolContext> = {}) =>
  call(processTool(host.processes), args, context(host.home, more));
async function started(
  command: string,
  more: { session_id?: string; owner?: "agent" | "person" } = {},
): Promise<string> {
  const row = await host.processes.start({
    ...{ command, owner: "agent" as const, session_id: "ses_1", notify_on_complete: true },
    ...more,
  });
  return row.process_id;
}
async function ended(command: string): Promise<string> {
  const id = await started(command);
  await host.processes.wait(id, {});
  return id;
}
function printed(id: string, text: string): Promise<void> {
  return eventually(`${id} prints ${text}`, async () => (await host.processes.tail(id, 1000)).includes(text));
}

describe("process: what it answers", () => {
  it("P12: poll tells the status, the pid and the latest output", async () => {
    const id = await started("echo hello; sleep 300");
    await printed(id, "hello");
    const { result, notices } = await use({ action: "poll", process_id: id });
    assert.match(
      result,
      new RegExp(`^${id} \\(echo hello; sleep 300\\): running for .* s, pid \\d+\\.\nLatest output:\nhello`),
    );
    assert.equal(notices, undefined);
  });

  it("P13: log gives the lines asked for and says which", async () => {
    const id = await ended("seq 1 500");
    const page = await use({ action: "log", process_id: id, offset: 10, limit: 3 });
    assert.match(page.result, /^10\n11\n12\n\n\[proc_\w+, exited; lines 10–12 of 500/);
    assert.match((await use({ action: "log", process_id: id })).result, /^301\n/);
  });

  it("P14: wait answers with the end, or with a note that it still runs", async () => {
    const id = await started("sleep 0.2; echo over; exit 7");
    const { result } = await use({ action: "wait", process_id: id });
    assert.match(result, /exit code 7 after/);
    assert.match(result, /\nover/);
    const slow = await started("sleep 300");
    const outcome = await use({ action: "wait", process_id: slow, timeout: 0.1 });
    assert.match(outcome.result, /It still runs after 0\.1 s/);
    assert.equal(outcome.notices, undefined);
  });

  it("P15: submit types a line, write sends text as it is, close ends the input", async () => {
    const id = await started("while read -r line; do echo got $line; done; echo at the end");
    assert.match((await use({ action: "submit", process_id: id, data: "one" })).result, /took 4 bytes/);
    assert.match((await use({ action: "write", process_id: id, data: "two\n" })).result, /took 4 bytes/);
    await use({ action: "close", process_id: id });
    const { result } = await use({ action: "wait", process_id: id });
    assert.match(result, /got one\ngot two\nat the end/);
    const late = await use({ action: "submit", process_id: id, data: "three" });
    assert.equal(late.status, "failed");
    assert.match(late.result, /has ended: exit code 0/);
  });

  it("P16: list shows this conversation's processes and the person's, not another conversation's", async () => {
    const own = await started("echo tail of it; sleep 300");
    await printed(own, "tail of it");
    const other = await started("sleep 300", { session_id: "ses_2" });
    const person = await host.processes.start({ command: "sleep 301", owner: "person" });
    const { result } = await use({ action: "list" });
    assert.match(result, new RegExp(`${own}: echo tail of it`));
    assert.match(result, /\n {2}\| tail of it/);
    assert.ok(result.includes(person.process_id));
    assert.ok(!result.includes(other));
    assert.equal((await use({ action: "list" }, { sessionId: "ses_3" })).result.includes(own), false);
  });

  it("P20: kill ends it and says how it ended", async () => {
    const id = await started("sleep 300");
    const outcome = await use({ action: "kill", process_id: id });
    assert.match(outcome.result, /killed \(agent\) after .*SIGTERM/);
    assert.deepEqual(outcome.notices, [endedNotice(id)]);
    assert.match((await use({ action: "kill", process_id: id })).result, /It had already ended/);
  });
});

describe("process: what is wrong with a call", () => {
  it("P17: an unknown action, a missing id, an unknown id are clear errors", async () => {
    await assert.rejects(use({ action: "stop" }), /action: Invalid option: expected one of "list"\|"poll"/);
    await assert.rejects(use({ action: "poll" }), /poll needs a process_id: the action list shows/);
    await assert.rejects(
      use({ action: "poll", process_id: "proc_000000000000" }),
      /There is no process proc_000000000000 here/,
    );
    const id = await started("cat");
    await assert.rejects(use({ action: "write", process_id: id }), /write needs data/);
  });

  it("P17: an id sent as a number is taken as text", async () => {
    await assert.rejects(use({ action: "poll", process_id: 42 }), /There is no process 42 here/);
  });

  it("A20: a process of another conversation is answered like one that does not exist", async () => {
    const id = await started("sleep 300", { session_id: "ses_2" });
    for (const action of ["poll", "log", "wait", "kill", "write", "submit", "close"]) {
      await assert.rejects(use({ action, process_id: id, data: "x" }), /There is no process/);
    }
    assert.equal(host.processes.get(id).status, "running");
  });
});

describe("process: the notice of an end", () => {
  for (const [row, action] of [
    ["P12", "poll"],
    ["P13", "log"],
    ["P14", "wait"],
  ]) {
    it(`${row}: is consumed by a ${action} of the owning conversation that saw the end`, async () => {
      const id = await ended("true");
      assert.deepEqual((await use({ action, process_id: id })).notices, [endedNotice(id)]);
    });
  }

  it("P13: is not consumed by anyone's look at a process of no conversation", async () => {
    const { process_id } = await host.processes.start({ command: "true", owner: "person" });
    await host.processes.wait(process_id, {});
    assert.equal((await use({ action: "log", process_id })).notices, undefined);
  });

  it("P14: a wait that is cancelled consumes nothing and is thrown", async () => {
    const id = await started("sleep 300");
    const cancel = new AbortController();
    const waiting = use({ action: "wait", process_id: id }, { signal: cancel.signal });
    setImmediate(() => cancel.abort(new Error("cancelled")));
    await assert.rejects(waiting, /cancelled/);
    assert.equal(host.processes.get(id).status, "running");
  });
});

describe("process: what a person is asked", () => {
  const plan = (args: Record<string, unknown>) => processTool(host.processes).plan(args, context(host.home));

  it("S6: looking never asks, nor does ending what the agent has started", async () => {
    const process_id = await started("sleep 300");
    for (const action of ["list", "poll", "log", "wait", "kill", "close"]) {
      assert.equal((await plan({ action, process_id })).approval, undefined, action);
    }
  });

  it("S6: typing asks and shows the text, because the program may be a shell", async () => {
    const process_id = await started("cat");
    const shown = await plan({ action: "submit", process_id, data: "rm -rf ~" });
    assert.match(shown.preview, /: rm -rf ~\\n$/);
    assert.equal(shown.approval?.dangerous, true);
    assert.equal(shown.grantKey, undefined);
    assert.equal((await plan({ action: "write", process_id, data: "y" })).approval?.dangerous, false);
  });

  it("S6: ending what a person has started asks", async () => {
    const { process_id } = await host.processes.start({ command: "sleep 300", owner: "person" });
    assert.match((await plan({ action: "kill", process_id })).approval?.reason ?? "", /has not started/);
    assert.equal((await plan({ action: "poll", process_id })).approval, undefined);
  });

  it("S10: after a crash nothing is typed twice; looking and ending are done again", async () => {
    const process_id = await started("cat");
    const tool = processTool(host.processes);
    const recovered = async (args: Record<string, unknown>) =>
      (await tool.recover?.(args, context(host.home), { preview: "" }))?.status;
    assert.equal(await recovered({ action: "submit", process_id, data: "x" }), "unknown");
    assert.equal(await recovered({ action: "write", process_id, data: "x" }), "unknown");
    assert.equal(await recovered({ action: "poll", process_id }), undefined);
    assert.equal(await recovered({ action: "kill", process_id }), undefined);
  });
});
