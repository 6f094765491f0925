import assert from "node:assert/strict";
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../test/support/eventually.ts";
import { call, context } from "../../test/support/tool-call.ts";
import { isAlive } from "../keeper/testing/bed.ts";
import { processIdOfCall } from "../processes/processes.ts";
import { SmallHost } from "../processes/testing/small-host.ts";
import { MAX_OUTPUT } from "./command-output.ts";
import { terminalTool } from "./terminal-tool.ts";
import type { Tool, ToolContext, ToolSettings } from "./tool.ts";

let host: SmallHost;
const settings: ToolSettings = { commandTimeoutS: 20, commandTimeoutMaxS: 30 };
/** Built anew after each restart of the host. */
const tool = (): Tool => terminalTool(host.processes, () => settings);
let calls = 0;
const ctx = (more: Partial<ToolContext> = {}): ToolContext =>
  context(host.home, { callId: `call_${++calls}`, ...more });
const run = (args: Record<string, unknown>, more: Partial<ToolContext> = {}) => call(tool(), args, ctx(more));

/** Resolves when the process prints `text`. */
function printed(id: string, text: string): Promise<void> {
  return eventually(
    `${id} prints ${text}`,
    async () => host.processes.has(id) && (await host.processes.tail(id, 1000)).includes(text),
  );
}

before(async () => {
  host = await SmallHost.start();
});
after(() => host[Symbol.asyncDispose]());

describe("terminal in the foreground", () => {
  it("P35: answers with the output in order and the exit code", async () => {
    const outcome = await run({ command: "echo out; echo err >&2; echo end" });
    assert.equal(outcome.status, "ok");
    assert.match(outcome.result, /^out\nerr\nend\n\n\[Exit code 0 after \d+\.\d s\.\]$/);
    assert.match(outcome.process_id ?? "", /^proc_[0-9a-f]{12}$/);
  });

  it("P35: a command that fails is a failed result with its exit code", async () => {
    const outcome = await run({ command: "echo why; exit 3" });
    assert.equal(outcome.status, "failed");
    assert.match(outcome.result, /^why\n\n\[Exit code 3 after/);
    assert.match((await run({ command: "true" })).result, /^\[No output\. Exit code 0/);
    assert.match((await run({ command: "kill -9 $$" })).result, /SIGKILL/);
  });

  it("P35: runs in the workspace, or below it where asked, and says when a directory is not there", async () => {
    assert.ok((await run({ command: "pwd" })).result.startsWith(await realpath(host.home)));
    const elsewhere = await run({ command: "pwd", cwd: "not/there" });
    assert.match(elsewhere.result, /is not there/);
  });

  it("has an empty standard input, so that nothing waits for a person", async () => {
    assert.match((await run({ command: "cat; echo over" })).result, /^over\n/);
  });

  it("gives a terminal where one is asked for", async () => {
    assert.match((await run({ command: "test -t 1 && stty size", pty: true })).result, /^30 120\n/);
  });

  it("P35: shows the beginning and the end of a long output, and says that the middle is missing", async () => {
    const { result } = await run({ command: "seq -f 'line %g' 1 20000" });
    assert.ok(result.length < MAX_OUTPUT + 500);
    assert.match(result, /^line 1\nline 2\n/);
    assert.match(result, /\nline 19999\nline 20000\n\n\[Exit code 0/);
    assert.match(result, /\nline \d+\n\[The middle of 208894 bytes of output is left out here[^\n]+\]\nline \d+\n/);
  });

  it("P9: shows no escape sequences and no broken characters", async () => {
    assert.match(
      (await run({ command: "printf '\\033[31mred\\033[0m \\342\\202\\254 \\377'" })).result,
      /^red € \ufffd/,
    );
  });

  it("S6: a command over its time limit is killed with everything it has started, and the result says so", async () => {
    const outcome = await run({ command: "sleep 300 & echo $!; trap '' TERM; echo before; sleep 300", timeout: 4 });
    assert.equal(outcome.status, "failed");
    assert.match(outcome.result, /before\n\n\[Timeout: it did not end within 4\.0 s and was killed/);
    assert.ok(!(await isAlive(Number(outcome.result.split("\n")[0]))), "the background child is gone");
    assert.equal(host.processes.get(outcome.process_id ?? "").termination_source, "timeout");
  });

  it("F46: no setting of the system's clock ends a command early", async (t) => {
    host.settings = { ...host.settings, waitLimitMs: 20 }; // so that it looks often at the time that is left
    const running = run({ command: "echo begun; until [ -e go46 ]; do sleep 0.02; done" }, { callId: "call_jump" });
    await printed(processIdOfCall("call_jump"), "begun");
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 86_400_000 });
    await pause(100);
    await writeFile(join(host.home, "go46"), "");
    const outcome = await running;
    assert.equal(outcome.status, "ok", outcome.result);
    host.settings = { ...host.settings, waitLimitMs: 20_000 };
  });

  it("S6: cuts a timeout to the configured limit and says so", async () => {
    assert.match(
      (await run({ command: "true", timeout: 9999 })).result,
      /A timeout of 9999 s was asked for; the most is 30 s/,
    );
  });

  it("S6: waits longer than one wait may last", async () => {
    host.settings = { ...host.settings, waitLimitMs: 100 };
    const outcome = await run({ command: "sleep 0.5; echo done" });
    host.settings = { ...host.settings, waitLimitMs: 20_000 };
    assert.match(outcome.result, /^done\n\n\[Exit code 0/);
  });

  it("S7: a cancel ends the whole tree before the call returns", async () => {
    const cancel = new AbortController();
    const here = ctx({ signal: cancel.signal });
    const id = processIdOfCall(here.callId);
    const running = call(tool(), { command: "sleep 300 & echo pid $!; echo ready; sleep 300" }, here);
    await printed(id, "ready");
    cancel.abort(new Error("cancelled by a person"));
    await assert.rejects(running, /cancelled by a person/);
    const row = host.processes.get(id);
    assert.equal(row.status, "killed");
    assert.equal(row.termination_source, "cancel");
    const [, pid] = /pid (\d+)/.exec(await host.processes.tail(id, 1000)) ?? [];
    assert.ok(!(await isAlive(Number(pid))));
  });

  it("S10: after a restart the same call finds its process, waits on and never starts a second one", async () => {
    const here = ctx();
    const args = { command: "echo started; until [ -e go10 ]; do sleep 0.02; done; echo finished" };
    const plan = await tool().plan(args, here);
    const left = tool().run(args, here, plan);
    const id = processIdOfCall(here.callId);
    assert.equal(plan.process_id, id);
    await printed(id, "started");
    await host.down();
    assert.match((await left).result, /host is stopping/, "nobody reads this any more, and nothing was ended by it");
    await writeFile(join(host.home, "go10"), "");
    await host.up();
    const outcome = await tool().recover?.(args, here, plan);
    assert.equal(outcome?.status, "ok");
    assert.match(outcome?.result ?? "", /^started\nfinished\n\n\[Exit code 0/);
    assert.equal(
      (await host.events("session/ses_1", "process.started")).filter((e) => e.payload.process_id === id).length,
      1,
    );
  });

  it("S10: a call whose process was never started is to be run", async () => {
    const here = ctx();
    const args = { command: "true" };
    assert.equal(await tool().recover?.(args, here, await tool().plan(args, here)), undefined);
  });
});

describe("terminal in the background", () => {
  it("P35: answers at once with the id, and says what will be told", async () => {
    const outcome = await run({
      command: "sleep 300",
      background: true,
      watch_patterns: ["passed"],
      notify_on_complete: true,
    });
    assert.equal(outcome.status, "ok");
    assert.match(outcome.result, new RegExp(`^Started in the background as ${outcome.process_id}, pid \\d+, in `));
    assert.match(outcome.result, /You will be told when its output contains "passed", and when it has ended/);
    const row = host.processes.get(outcome.process_id ?? "");
    assert.deepEqual(
      [row.owner, row.session_id, row.notify_on_complete, row.watch_patterns],
      ["agent", "ses_1", true, ["passed"]],
    );
    const silent = await run({ command: "true", background: true });
    assert.match(silent.result, /You will not be told when it ends/);
  });

  it("S10: after a restart it is reported as started, once", async () => {
    const here = ctx();
    const args = { command: "sleep 300", background: true };
    const plan = await tool().plan(args, here);
    const first = await tool().run(args, here, plan);
    const pid = host.processes.get(first.process_id ?? "").pid;
    await host.down();
    await host.up();
    const again = await tool().recover?.(args, here, plan);
    assert.equal(again?.process_id, first.process_id);
    assert.equal(host.processes.get(first.process_id ?? "").pid, pid);
  });

  it("P35: refuses what makes no sense together", async () => {
    await assert.rejects(run({ command: "true", watch_patterns: ["x"] }), /need background: true/);
    await assert.rejects(run({ command: "true", notify_on_complete: true }), /need background: true/);
    await assert.rejects(run({ command: "true", background: true, timeout: 5 }), /timeout is for foreground/);
    await assert.rejects(run({ command: "  " }), /command is empty/);
  });
});

describe("a terminal call that is to be approved", () => {
  const plan = (args: Record<string, unknown>) => tool().plan(args, ctx());
  it("S6: always asks, and shows the exact command and where it runs", async () => {
    const shown = await plan({ command: "npm test\nrm x", cwd: "sub" });
    assert.equal(shown.preview, "npm test\\nrm x (in sub)");
    assert.equal(shown.approval?.dangerous, false);
    assert.equal((await plan({ command: "sudo true" })).approval?.dangerous, true);
  });
  it("A33: can be granted for always only if it is plain and not dangerous", async () => {
    assert.equal(typeof (await plan({ command: "npm test" })).grantKey, "string");
    assert.equal((await plan({ command: "npm test && true" })).grantKey, undefined);
    assert.equal((await plan({ command: "git push --force" })).grantKey, undefined);
  });
});
