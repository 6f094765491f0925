import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { canRun, mayRun } from "../support/root.ts";
import { Rounds } from "../support/rounds.ts";
import { RunningHost } from "../support/running-host.ts";

const CLIENTS = 150;

/** The status that a plain request on a new connection gets, or how the connection ended without one. */
function ask(host: RunningHost, token: string, sockets: Socket[]): Promise<string> {
  const { hostname, port, host: name } = new URL(host.address);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let got = "";
  socket.on("connect", () =>
    socket.write(`GET /api/tools HTTP/1.1\r\nHost: ${name}\r\nAuthorization: Bearer ${token}\r\n\r\n`),
  );
  socket.on("data", (bytes) => {
    got += bytes;
    if (got.includes("\r\n\r\n")) resolve(got.slice(9, 12));
  });
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  socket.on("close", () => resolve("dropped"));
  return promise;
}

describe("a host with few file descriptors", () => {
  it("F24: refuses whoever is too many, drops nobody, and starts, reads and ends all the while", async (t) => {
    if (!mayRun(t, "prlimit", canRun("prlimit", "--version"))) return;
    await using host = await RunningHost.start({}, ["prlimit", "--nofile=90"]);
    const token = await host.token();
    const client = await host.client();
    await client.call("host.status", {});
    const before = (await readdir(`/proc/${host.pid}/fd`)).length;
    const rounds = new Rounds(2);
    for (const _ of rounds) {
      const sockets: Socket[] = [];
      const answers = await Promise.all(Array.from({ length: CLIENTS }, () => ask(host, token, sockets)));
      const refused = answers.filter((answer) => answer === "503").length;
      const served = answers.filter((answer) => /^[24]\d\d$/.test(answer)).length;
      assert.deepEqual(
        answers.filter((answer) => !/^\d+$/.test(answer)),
        [],
        "nobody is dropped without a word",
      );
      assert.equal(refused + served, CLIENTS);
      assert.ok(refused > 0 && served > 0, `${served} served, ${refused} refused`);
      // Those who were served are still there, and still the host works.
      for (let n = 0; n < 5; n++) {
        const begun = performance.now();
        const { process_id } = await client.call("process.start", { argv: ["sh", "-c", "echo here; exec sleep 60"] });
        const other = await host.client();
        await other.call("process.list", {});
        other.close();
        await client.call("process.log", { process_id });
        const { status } = await client.call("process.kill", { process_id, grace: 1 });
        assert.equal(status, "killed");
        rounds.measured(performance.now() - begun);
      }
      for (const socket of sockets) socket.destroy();
    }
    rounds.report(t, "start, list, log, kill");
    const taken = async () => (await readdir(`/proc/${host.pid}/fd`)).length;
    await eventually("what was taken is given back", async () => (await taken()) <= before + 12);
  });
});
