import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../../../test/support/eventually.ts";
import { HostError } from "../../protocol/errors.ts";
import { Redactor } from "../../secrets/redactor.ts";
import { SmallHost } from "../testing/small-host.ts";
import { Usage } from "./usage.ts";

const server = `
  const { createServer } = require("node:net");
  const server = createServer().listen(0, "127.0.0.1", () => {
    console.log("port " + server.address().port);
    require("node:child_process").spawn("sleep", ["600"]);
  });
  setInterval(() => { for (const until = Date.now() + 50; Date.now() < until; ); }, 60);
`;

describe("what running processes use", () => {
  let host: SmallHost;
  before(async () => {
    host = await SmallHost.start();
  });
  after(async () => {
    await host.processes.killAll({}, "test");
    await host[Symbol.asyncDispose]();
  });

  it("T16: says where a real server listens, what it uses, and what it consists of", async () => {
    await using usage = new Usage({ running: () => host.processes.measured() });
    const { process_id } = await host.processes.start({ owner: "person", argv: [process.execPath, "-e", server] });
    const quiet = await host.processes.start({ owner: "person", argv: ["sleep", "600"] });
    const sampleOf = async (id: string) => (await usage.of([id])).samples.find((one) => one.process_id === id);
    let sample = await sampleOf(process_id);
    await eventually("it is up, and busy", async () => {
      sample = await sampleOf(process_id);
      return sample?.listening.length === 1 && sample.processes === 2 && (sample.cpu ?? 0) > 0.2;
    });
    const port = Number(/port (\d+)/.exec(await host.processes.tail(process_id, 200))?.[1]);
    assert.deepEqual(sample?.listening, [{ address: "127.0.0.1", port }]);
    assert.ok((sample?.cpu ?? 0) > 0.2 && (sample?.cpu ?? 9) < 3, `it is busy: ${sample?.cpu}`);
    assert.ok((sample?.memory_bytes ?? 0) > 10_000_000, "Node alone is larger");
    assert.equal(sample?.processes, 2);
    const idle = await sampleOf(quiet.process_id);
    assert.deepEqual([idle?.listening, idle?.processes, (idle?.cpu ?? 1) < 0.2], [[], 1, true]);
    // One that has been forked has its parent's name until it is what it is to be.
    const names = async () => (await usage.top(process_id)).processes.map(({ name }) => name);
    await eventually("both have their names", async () => isDeepStrictEqual(await names(), ["node", "sleep"]));

    await host.processes.kill(process_id, { source: "test" });
    const { samples } = await usage.of();
    assert.deepEqual(
      samples.map((one) => one.process_id),
      [quiet.process_id],
      "only what runs",
    );
    await assert.rejects(
      usage.top(process_id),
      (error) => error instanceof HostError && error.reason === "not_running",
    );
  });

  it("T16: any number of questions at once are one look, and without questions there is none", async () => {
    await using usage = new Usage({ running: () => host.processes.measured() });
    assert.equal(usage.awake, false);
    const answers = await Promise.all(Array.from({ length: 20 }, () => usage.of()));
    assert.equal(new Set(answers.map((one) => one.taken_at)).size, 1);
    assert.equal(usage.awake, true);
    await usage.close();
    assert.equal(usage.awake, false);
    await assert.rejects(usage.of(), (error) => error instanceof HostError && error.reason === "stopping");
  });

  it("T16: says why where it cannot know", async () => {
    const running = [{ id: "proc_far", live: undefined, kind: "ssh" }];
    await using usage = new Usage({ running: () => running });
    const [far] = (await usage.of()).samples;
    assert.deepEqual([far?.cpu, far?.memory_bytes], [null, null]);
    assert.match(far?.reason ?? "", /ssh/);
    await using elsewhere = new Usage({ running: () => running, system: "darwin" });
    const answer = await elsewhere.of();
    assert.equal(answer.available, false);
    assert.match(answer.reason ?? "", /Linux/);
    assert.equal(elsewhere.awake, false);
  });

  it("P19: tells no secret that a program has in its name", async () => {
    const redactor = new Redactor();
    redactor.learn("KEY", "k3y-0f-0urs-99");
    await using usage = new Usage({ running: () => host.processes.measured(), redactor });
    const argv = ["bash", "-c", "exec -a k3y-0f-0urs-99 sleep 600"];
    const { process_id } = await host.processes.start({ owner: "person", argv });
    let names: string[] = [];
    while (names.length === 0 || names.includes("bash"))
      names = (await usage.top(process_id)).processes.map(({ name }) => name);
    assert.ok(!names.join().includes("k3y-0f"), names.join());
    await host.processes.kill(process_id, { source: "test" });
  });
});
