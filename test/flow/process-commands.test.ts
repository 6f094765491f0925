// The process commands as a script uses them: real processes, the command line in a process of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { HearthClient } from "../../src/client/client.ts";
import { eventually } from "../support/eventually.ts";
import { RunningHost } from "../support/running-host.ts";

const main = join(resolve(import.meta.dirname, "../.."), "src/cli/main.ts");

describe("process commands", () => {
  let host: RunningHost;
  let client: HearthClient;
  before(async () => {
    host = await RunningHost.start();
    client = await host.client();
  });
  after(() => host[Symbol.asyncDispose]());

  const start = (...words: string[]) =>
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...words], {
      env: {
        PATH: process.env.PATH,
        HEARTH_HOME: host.home,
        HEARTH_CONFIG: join(host.home, "config.toml"),
        CI: "true",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  async function hearth(...words: string[]) {
    const child = start(...words);
    const [out, err, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { out, err, exitCode: exitCode as number | null };
  }
  /** Starts it, and waits until it has printed something. */
  async function running(...argv: string[]): Promise<string> {
    const { process_id } = await client.call("process.start", { argv });
    const output = async () => (await client.call("process.poll", { process_id })).output;
    await eventually("it has printed something", async () => (await output()) !== "");
    return process_id;
  }

  it("P36: a process is meant by its name too, and by the beginning of its id", async () => {
    const named = (await hearth("run", "--name", "echoing", "--", "cat")).out.trim();
    assert.equal((await hearth("send", "echoing", "a line")).exitCode, 0);
    assert.equal((await hearth("send", "--end", named.slice(0, -1))).exitCode, 0);
    assert.deepEqual(await hearth("wait", "echoing"), { out: "", err: "", exitCode: 0 });
    assert.equal((await hearth("logs", "echoing")).out, "a line\n");
    assert.match((await hearth("logs", "nothing")).err, /There is no process or terminal "nothing"/);
  });

  it("P36: wait and kill take several, and one that is not there keeps them from none of the others", async () => {
    const ended = async (code: number) =>
      (await client.call("process.start", { argv: ["sh", "-c", `exit ${code}`] })).process_id;
    const [fine, three, four] = await Promise.all([ended(0), ended(3), ended(4)]);
    assert.deepEqual(await hearth("wait", fine, three, four), { out: "0\n3\n4\n", err: "", exitCode: 3 });
    assert.deepEqual(await hearth("wait", fine, fine), { out: "0\n0\n", err: "", exitCode: 0 });
    const asJson = await hearth("wait", "--json", fine, four);
    const { processes } = JSON.parse(asJson.out) as { processes: { process_id: string; exit_code: number }[] };
    assert.deepEqual(
      [asJson.exitCode, ...processes.map((one) => [one.process_id, one.exit_code])],
      [4, [fine, 0], [four, 4]],
    );
    const nobody = "proc_000000000000";
    const missing = await hearth("wait", nobody, three);
    assert.deepEqual([missing.out, missing.exitCode], ["3\n", 1]);
    assert.match(missing.err, /^proc_0{12}: There is no process/);

    const { process_id } = await client.call("process.start", { argv: ["cat"] });
    const killed = await hearth("kill", nobody, process_id);
    assert.deepEqual([killed.out, killed.exitCode], [`${process_id}\n`, 1]);
    assert.match(killed.err, /^proc_0{12}: There is no process/);
    const { status } = await client.call("process.wait", { process_id, timeout: 30 });
    assert.equal(status, "exited");
  });

  it("P16, P36: ps shows where processes listen; stats, top and inspect what they use", async () => {
    const server =
      'require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port); })';
    const id = await running(process.execPath, "-e", server);
    const port = (await client.call("process.poll", { process_id: id })).output.trim();

    const ps = await hearth("ps");
    assert.match(ps.out.split("\n")[0] ?? "", /^PROCESS +STATUS +RAN +PORTS +COMMAND$/);
    assert.match(ps.out, new RegExp(`${id} +running .* ${port} `));
    assert.equal((await hearth("ps", "-q")).out, `${id}\n`);
    const listed = JSON.parse((await hearth("ps", "--json")).out) as { processes: { listening: unknown[] }[] };
    assert.deepEqual(listed.processes[0]?.listening, [{ address: "127.0.0.1", port: Number(port) }]);

    const stats = await hearth("stats", "--no-stream");
    assert.match(stats.out, new RegExp(`^PROCESS +CPU +MEMORY.*\\n${id} +[\\d.]+ % +\\d+ MiB +1 +${port} `));
    const sampled = JSON.parse((await hearth("stats", "--no-stream", "--json", id)).out) as {
      samples: { process_id: string; cpu: number }[];
    };
    assert.equal(sampled.samples[0]?.process_id, id);
    assert.equal(typeof sampled.samples[0]?.cpu, "number");
    assert.match((await hearth("top", id)).out, /^PID +CPU +MEMORY +THREADS +PROGRAM\n\d+ .* node$/m);
    const [inspected] = JSON.parse((await hearth("inspect", id)).out) as [
      { process_id: string; argv: string[]; usage: { processes: number } },
    ];
    assert.deepEqual([inspected.process_id, inspected.argv[2], inspected.usage.processes], [id, server, 1]);
    for (const command of ["stats", "inspect", "top"]) {
      const { exitCode, err } = await hearth(command, "proc_000000000000");
      assert.equal(exitCode, 1, command);
      assert.match(err, /ps --all/);
    }
  });

  it("P36: stats go on until they are interrupted", async () => {
    const id = await running("sh", "-c", "echo up; exec sleep 600");
    const child = start("stats", "--json", id);
    let lines = 0;
    for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      lines += chunk.split("\n").length - 1;
      if (lines >= 2) break;
    }
    const ended = once(child, "exit");
    child.kill("SIGINT");
    assert.deepEqual(await ended, [0, null]);
  });

  it("P36: logs --tail shows the last lines, of however much output", async () => {
    const { process_id } = await client.call("process.start", { command: "seq 1 60000; printf half" });
    await client.call("process.wait", { process_id });
    const tail = async (lines: string) => (await hearth("logs", "--tail", lines, process_id)).out;
    assert.equal(await tail("3"), "59999\n60000\nhalf");
    assert.equal(await tail("0"), "");
    assert.equal((await tail("40000")).split("\n")[0], "20002");
    assert.equal((await tail("999999")).split("\n").length, 60_001);
    const closed = await client.call("process.start", { command: "echo one; echo two" });
    await client.call("process.wait", { process_id: closed.process_id });
    assert.equal((await hearth("logs", "-f", "-n", "1", closed.process_id)).out, "two\n");
    const silent = await client.call("process.start", { argv: ["true"] });
    await client.call("process.wait", { process_id: silent.process_id });
    assert.equal((await hearth("logs", "-n", "5", silent.process_id)).out, "");
  });

  it("P36: kill --signal sends one signal and ends nothing by itself", async () => {
    const id = await running("sh", "-c", "trap 'echo hup; exit 4' HUP; echo ready; while :; do sleep 0.1; done");
    assert.equal((await hearth("kill", "--signal", "sighup", id)).out, `${id}\n`);
    const end = await client.call("process.wait", { process_id: id });
    assert.deepEqual([end.exit_code, end.completion_reason], [4, "exited"]);
    assert.match((await client.call("process.poll", { process_id: id })).output, /hup/);
    assert.equal((await hearth("kill", "--signal", "HUP", id)).exitCode, 1, "it has ended");
  });
});
