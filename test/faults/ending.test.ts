// How processes end, and what is known of it: through a real host, from outside, as often as somebody asks.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isAlive } from "../../src/keeper/testing/bed.ts";
import type { Payload } from "../../src/protocol/events.ts";
import { Rounds } from "../support/rounds.ts";
import { refused, rpc } from "../support/rpc.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const MIB = 1024 * 1024;
/** Signals whose usual effect is the end of a program. */
const DEADLY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31];

describe("the end of a process", () => {
  let host: RunningHost;
  before(async () => {
    host = await RunningHost.start();
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
  });

  it("F16: is told with the exact code or signal, and with why where it never began", async (t) => {
    const rounds = new Rounds(2);
    for (const round of rounds) {
      const codes = Array.from({ length: 16 }, (_, n) => (round * 16 + n) % 256);
      const signals = DEADLY.slice((round % 2) * 12, (round % 2) * 12 + 12);
      const all = [
        ...codes.map((code) => ({ script: `exit ${code}`, told: code })),
        ...signals.map((signal) => ({ script: `kill -${signal} $$`, told: -signal })),
      ].map(async ({ script, told }, n) => {
        const mode = (n + round) % 2 === 0 ? "pipe" : "pty";
        const argv = ["/bin/sh", "-c", `ulimit -c 0; ${script}`];
        const { process_id } = await rpc(host, "process.start", { argv, mode });
        const end = await rpc(host, "process.wait", { process_id, timeout: 60 });
        assert.deepEqual(
          [end.exit_code, end.signal === null, end.completion_reason, end.termination_source],
          [told, told >= 0, "exited", null],
          `${script} (${mode})`,
        );
      });
      await Promise.all(all);
      const failure = await refused(host, "process.start", { argv: ["/no/such/program"] });
      assert.deepEqual([failure.data.reason, failure.data.errno], ["failed_start", "ENOENT"]);
      await rpc(host, "process.kill_all", {});
    }
    rounds.report(t, "");
  });

  it("F17: comes after every byte of 1 MB, on pipes and in a PTY", async (t) => {
    const rounds = new Rounds(4);
    for (const round of rounds) {
      const mode = round % 2 === 0 ? "pipe" : "pty";
      const argv = ["/bin/sh", "-c", `head -c ${MIB} /dev/zero | tr '\\0' x; exit 9`];
      const { process_id } = await rpc(host, "process.start", { argv, mode });
      const end = await rpc(host, "process.wait", { process_id, timeout: 60 });
      const output = await (await host.fetch(`/api/processes/${process_id}/output?from=0`)).text();
      assert.equal(end.exit_code, 9);
      assert.equal((await rpc(host, "process.poll", { process_id })).bytes_at_exit, MIB);
      assert.equal(output.length, MIB);
      assert.ok(/^x+$/.test(output));
    }
    rounds.report(t, "");
  });

  it("F14, P22: is told at once though a grandchild keeps the output; the end of output is another event", async (t) => {
    const rounds = new Rounds(3);
    const { session_id } = await rpc(host, "session.create", {});
    using watched = new Watched(await host.client(), session_id);
    for (const round of rounds) {
      const began = performance.now();
      const argv = ["/bin/sh", "-c", "sleep 60 & echo mine; exit 6"];
      const { process_id, pid } = await rpc(host, "process.start", { argv, session_id });
      await watched.seen("process.ended", round + 1);
      rounds.measured(performance.now() - began);
      assert.equal(await isAlive(pid ?? 0), false);
      const last = watched.of("process.ended").at(-1)?.payload as Payload<"process.ended"> | undefined;
      assert.deepEqual([last?.process.exit_code, last?.process.closed, last?.process.bytes_at_exit], [6, false, 5]);
      assert.equal(watched.of("process.closed").length, round);
      // Killing what has ended ends what it left behind, and changes nothing of its end.
      const { status } = await rpc(host, "process.kill", { process_id, grace: 1 });
      assert.equal(status, "already_exited");
      await watched.seen("process.closed", round + 1);
      assert.equal(watched.of("process.ended").length, round + 1);
    }
    rounds.report(t, "start to end told");
  });
});
