// An end that several want to bring about, see, wait for and find again at the same moment: it comes once, and all are told the
// same of it, once.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { endedNotice } from "../../src/processes/processes.ts";
import { SmallHost } from "../../src/processes/testing/small-host.ts";
import type { ProcessRow } from "../../src/protocol/rows.ts";
import { Rounds } from "../support/rounds.ts";

/** Races of one round, at the same time. */
const TOGETHER = 10;

describe("the end of a process", () => {
  it("F44, P23: comes once, and is the same for all who kill, wait, look and adopt at once", async (t) => {
    const rounds = new Rounds(50);
    await using host = await SmallHost.start();
    const killed = new Map<string, number>();
    const start = (round: number, n: number) =>
      host.processes.start({
        ...{ owner: "agent", session_id: `ses_race_${round}_${n}`, notify_on_complete: true },
        argv: ["sh", "-c", "read go; exit 5"],
      });
    const race = async ({ process_id, session_id }: ProcessRow): Promise<void> => {
      const begun = performance.now();
      const { processes } = host;
      const wait = () => processes.wait(process_id, {});
      const waiting = [wait(), wait(), wait()];
      // From both sides of the natural end, as near to it as the round says.
      const ending = delay(Math.random() * 4).then(() => processes.submit(process_id, "go"));
      const killing = delay(Math.random() * 3).then(() => processes.kill(process_id, { source: "race" }));
      const looking = [processes.poll(process_id), processes.log(process_id, {}), host.keepers.adopt()];
      const submitted = ending.catch(() => 0); // it may have been killed before
      const [kill, ends] = await Promise.all([killing, Promise.all(waiting), Promise.all(looking), submitted]);
      rounds.measured(performance.now() - begun);

      const row = processes.get(process_id);
      killed.set(row.status, (killed.get(row.status) ?? 0) + 1);
      const truth = { exited: 5, killed: -15 }[row.status as "exited" | "killed"];
      // A kill that came while it was ending by itself: it asked for the end, and the code is the program's own.
      assert.ok(row.exit_code === truth || row.exit_code === 5, `${row.status} with ${row.exit_code}`);
      assert.equal(kill.status, row.status === "killed" ? "killed" : "already_exited");
      for (const end of [...ends, await wait()])
        assert.deepEqual([end.status, end.exit_code, end.completion_reason], ["exited", row.exit_code, row.status]);
      const events = await host.log.read(`session/${session_id}`, 0, 100);
      const of = (type: string) => events.filter((event) => event.type === type);
      assert.deepEqual([of("process.started").length, of("process.ended").length, of("notice").length], [1, 1, 1]);
      assert.deepEqual(
        of("notice").map((event) => (event.type === "notice" ? event.payload.notice_id : "")),
        [endedNotice(process_id)],
      );
      await host.log.append(`session/${session_id}`, [], {
        views: [{ view: "notice", key: endedNotice(process_id), value: null }],
      });
    };
    for (const round of rounds) {
      // Started before the first race: a host that looks for its children starts none at that moment.
      const rows = await Promise.all(Array.from({ length: TOGETHER }, (_, n) => start(round, n)));
      await Promise.all(rows.map(race));
      if (round % 10 !== 9) continue;
      // The next host finds the same, tells nothing a second time, and forgets them.
      host.settings = { ...host.settings, keepEnded: TOGETHER };
      await host.down();
      await host.up();
      for (const row of await host.processes.list({}))
        assert.equal((await host.events(`session/${row.session_id}`, "process.ended")).length, 1);
    }
    // Old ones are forgotten meanwhile: whoever looks for children finds them whole, or not at all.
    assert.deepEqual(host.warnings, []);
    rounds.report(
      t,
      `${TOGETHER} races each (${[...killed].map(([how, count]) => `${count} ${how}`).join(", ")}), settled in`,
    );
  });
});
