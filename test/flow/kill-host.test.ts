import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { EventParams } from "../../src/protocol/events.ts";
import { Rounds } from "../support/rounds.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const PROCESSES = 20;

/** Numbered lines, ten at a time, until the file `stop` appears; then one last line that says how many there were. */
const writer = (stop: string, code: number) =>
  `i=0; while [ ! -e "${stop}" ]; do for n in 1 2 3 4 5 6 7 8 9 10; do i=$((i+1)); echo "line $i"; done; sleep 0.1; done; echo "end $i"; exit ${code}`;

function checkLines(text: string, what: string): void {
  const lines = text.replaceAll("\r\n", "\n").trimEnd().split("\n");
  const last = lines.pop();
  assert.equal(last, `end ${lines.length}`, what);
  for (const [index, line] of lines.entries()) assert.equal(line, `line ${index + 1}`, what);
}

function checkDense(events: readonly EventParams[]): void {
  for (const [index, event] of events.entries()) assert.equal(event.seq, index + 1);
}

describe("a host killed with -9", () => {
  it(`F02, P32, P33: again and again while ${PROCESSES} processes write: no line lost or doubled, every code exact, numbers dense`, async (t) => {
    const kills = new Rounds(20);
    await using host = await RunningHost.start();
    const stops = await mkdtemp(join(tmpdir(), "hearth-stops-"));
    t.after(() => rm(stops, { recursive: true, force: true }));
    const [first, second] = [await host.client(), await host.client()];
    const { session_id } = await first.call("session.create", { workspace: stops });
    using one = new Watched(first, session_id);
    using two = new Watched(second, session_id);
    const ids: string[] = [];
    for (let n = 0; n < PROCESSES; n++) {
      const argv = ["/bin/sh", "-c", writer(join(stops, String(n)), n)];
      const started = await first.call("process.start", { argv, session_id, mode: n % 2 === 0 ? "pipe" : "pty" });
      ids.push(started.process_id);
    }
    const pids = (await first.call("process.list", { session_id })).processes.map((row) => [row.process_id, row.pid]);

    let ended = 0;
    for (const kill of kills) {
      await delay(Math.random() * 300); // a random moment is the point here, nothing is waited for
      await host.kill9();
      // Half of them end while nobody is there.
      for (; ended < Math.floor(((kill + 1) / kills.wanted) * (PROCESSES / 2)); ended++)
        await writeFile(join(stops, String(ended)), "");
      const began = performance.now();
      await host.restart();
      kills.measured(performance.now() - began);
    }
    const still = (await first.call("process.list", { session_id })).processes.map((row) => [row.process_id, row.pid]);
    assert.deepEqual(still, pids, "the same processes, not restarted ones");
    for (; ended < PROCESSES; ended++) await writeFile(join(stops, String(ended)), "");
    await Promise.all([one.seen("process.closed", PROCESSES), two.seen("process.closed", PROCESSES)]);

    for (const [n, id] of ids.entries()) {
      const poll = await first.call("process.poll", { process_id: id });
      assert.deepEqual([poll.status, poll.exit_code, poll.completion_reason], ["exited", n, "exited"], id);
      const output = await host.fetch(`/api/processes/${id}/output?from=0`);
      checkLines(await output.text(), `process ${n}`);
    }
    checkDense(one.events);
    assert.deepEqual(one.events, two.events);
    assert.equal(one.of("process.started").length, PROCESSES);
    assert.equal(one.of("process.ended").length, PROCESSES);
    kills.report(t, "the next host after");
  });

  it("F01, S10: at every event of a turn with three tool calls: no effect twice, one end, nothing half shown as whole", async (t) => {
    await using host = await RunningHost.start();
    const base = await mkdtemp(join(tmpdir(), "hearth-effects-"));
    t.after(() => rm(base, { recursive: true, force: true }));
    const client = await host.client();
    const text = [
      "run echo ran >> effects; echo visible",
      "write note.txt: written once",
      "start echo started >> effects; echo bye",
      "say all three are done",
    ].join("\n");
    const begin = async (name: string) => {
      const workspace = join(base, name);
      await mkdir(workspace);
      const { session_id } = await client.call("session.create", { workspace });
      const watched = new Watched(client, session_id);
      return {
        workspace,
        session_id,
        watched,
        submit: () => client.call("prompt.submit", { session_id, text, key: name }),
      };
    };
    /** The turn, the process it left behind, and the turn in which its end was told. */
    const over = (watched: Watched) => Promise.all([watched.seen("turn.ended", 2), watched.seen("process.closed", 2)]);

    const whole = await begin("whole");
    const start = performance.now();
    await whole.submit();
    await over(whole.watched);
    const took = performance.now() - start;
    const length = whole.watched.events.length;
    assert.ok(length > 15);

    // At each event first; who asks for more rounds than there are events gets moments in between.
    const kills = new Rounds(length - 1);
    for (const round of kills) {
      const k = round + 2;
      const { workspace, watched, submit } = await begin(String(k));
      const moment =
        k <= length
          ? watched.until((events) => (events.at(-1)?.seq ?? 0) >= k || closed(watched))
          : delay(Math.random() * took);
      const killed = moment.then(() => host.kill9());
      // The answer may be lost with the host; the key makes it safe to ask again.
      await submit().catch(() => undefined);
      await killed;
      await host.restart();
      const began = performance.now();
      await submit();
      await over(watched);
      kills.measured(performance.now() - began);
      checkDense(watched.events);
      const effects = (await readFile(join(workspace, "effects"), "utf8")).trim().split("\n").sort();
      assert.deepEqual(effects, ["ran", "started"], `killed at event ${k}`);
      assert.equal(await readFile(join(workspace, "note.txt"), "utf8"), "written once");
      assert.equal(watched.of("turn.ended").length, 2, `killed at event ${k}`);
      assert.deepEqual(new Set(watched.of("turn.ended").map(status)), new Set(["done"]));
      assert.equal(watched.of("tool.complete").length, 3);
      assert.deepEqual(watched.of("tool.complete").map(status), ["ok", "ok", "ok"], `killed at event ${k}`);
      assert.equal(watched.of("notice").length, 1);
      const dropped = new Set(watched.of("message.dropped").map(messageOf));
      for (const complete of watched.of("message.complete")) assert.ok(!dropped.has(messageOf(complete)));
      watched[Symbol.dispose]();
    }
    kills.report(t, "the turn whole after");
  });
});

const closed = (watched: Watched) => watched.of("turn.ended").length >= 2 && watched.of("process.closed").length >= 2;
const status = (event: EventParams) => (event.payload as { status: string }).status;
const messageOf = (event: EventParams) => (event.payload as { message_id: string }).message_id;
