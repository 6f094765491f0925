// Children that do not end when they are asked: they end all the same, when the grace is over and not before, and the record
// says what it took. The same for a child of this machine and for one behind an inside half.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import type { Child } from "../../src/keeper/keepers.ts";
import { alive, Bed, binaries, holderOf, pidOf, until, type WayIn } from "../../src/keeper/testing/bed.ts";
import { outcomeOf } from "../../src/processes/outcome.ts";
import { eventually } from "../support/eventually.ts";
import { Rounds } from "../support/rounds.ts";

const tag = `307.${process.pid}`;

/** The parent of a vfork waits in the kernel until the child executes or ends: it cannot answer a signal meanwhile. */
const blockedInVfork = `
#include <signal.h>
#include <unistd.h>
static void leave(int number) {
  (void)number;
  _exit(6);
}
int main(int count, char **words) {
  signal(SIGTERM, leave);
  if (vfork() == 0) {
    if (count > 1) signal(SIGTERM, SIG_IGN);
    if (write(1, "ready\\n", 6) != 6) _exit(1);
    for (;;) pause();
  }
  (void)words;
  for (;;) pause();
}
`;

async function stateOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "";
}

const halves: [string, WayIn | undefined][] = [
  ["on this machine", undefined],
  ["behind an inside half", (binary) => [binary, "inside"]],
];
for (const [where, wayIn] of halves)
  describe(`a child that does not end when asked, ${where}`, () => {
    let bed: Bed;
    let vfork: string;
    before(async () => {
      bed = await Bed.make(await binaries.ordinary());
      bed.wayIn = wayIn;
      vfork = join(bed.home, "vfork");
      await writeFile(`${vfork}.c`, blockedInVfork);
      await promisify(execFile)(process.env.CC || "cc", ["-o", vfork, `${vfork}.c`]);
    });
    after(async () => {
      await bed[Symbol.asyncDispose]();
    });

    async function blocked(id: string, ...words: string[]): Promise<Child> {
      const child = await bed.sh(id, "", { argv: [vfork, ...words] });
      await until(child, "ready");
      await eventually("it is blocked", async () => (await stateOf(pidOf(child))) === "D");
      return child;
    }
    const end = async (child: Child) => {
      const told = await child.exited;
      assert.ok(told.kind === "exited");
      return [told.code, told.signal, told.endedBy] as const;
    };

    it("F15: one that ignores TERM is killed when the grace is over", async (t) => {
      const rounds = new Rounds(3);
      const grace = 150;
      for (const round of rounds) {
        const child = await bed.sh(`deaf-${round}`, "trap '' TERM; echo ready; while :; do sleep 0.05; done");
        await until(child, "ready");
        const began = performance.now();
        await child.kill({ graceMs: grace });
        const took = performance.now() - began;
        assert.ok(took >= grace, String(took));
        rounds.measured(took - grace);
        assert.deepEqual(await end(child), [null, 9, "kill"]);
      }
      rounds.report(t, "past the grace");
    });

    it("F15: a stopped one is woken, so that it can end as it was asked to", async () => {
      const script = "trap 'exit 6' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done";
      const child = await bed.sh("stopped", script);
      await until(child, "ready");
      await eventually("it is stopped", async () => (await stateOf(pidOf(child))) === "T");
      await child.kill({ graceMs: 30_000 });
      assert.deepEqual(await end(child), [6, null, "signal"]);
    });

    it("F15: a stopped one that ignores TERM is killed", async () => {
      const child = await bed.sh(
        "stopped-deaf",
        "trap '' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done",
      );
      await until(child, "ready");
      await eventually("it is stopped", async () => (await stateOf(pidOf(child))) === "T");
      await child.kill({ graceMs: 50 });
      assert.deepEqual(await end(child), [null, 9, "kill"]);
    });

    it("F15: one that is blocked in vfork is freed by the end of its child, whom TERM reaches, and answers then", async () => {
      const child = await blocked("vfork");
      await child.kill({ graceMs: 30_000 });
      assert.deepEqual(await end(child), [6, null, "signal"]);
      assert.deepEqual(await alive(vfork), []);
    });

    it("F15: one that is blocked in vfork by a deaf child is killed", async () => {
      const child = await blocked("vfork-deaf", "deaf");
      await child.kill({ graceMs: 50 });
      const [code, signal, endedBy] = await end(child);
      assert.equal(endedBy, "kill");
      // Children are killed before parents: the parent may be free to answer TERM before KILL comes to it.
      assert.ok(signal === 9 || code === 6, `${code} ${signal}`);
      assert.deepEqual(await alive(vfork), []);
    });

    it("F15: one that ends in time has ended by the signal, one that nobody asked by itself", async () => {
      const polite = await bed.sh("polite", `trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done`);
      await until(polite, "ready");
      await polite.kill({ graceMs: 30_000 });
      assert.deepEqual(await end(polite), [0, null, "signal"]);
      const alone = await bed.sh("alone", "(trap '' HUP; exec sleep 0.2) >/dev/null 2>&1 & exit 5");
      assert.deepEqual(await end(alone), [5, null, "itself"]);
      await alone.kill({ graceMs: 50 });
      assert.deepEqual(await end(alone), [5, null, "itself"]);
      const shot = await bed.sh("shot", `exec sleep ${tag}`);
      await shot.kill({ graceMs: 50, firstSignal: 9 });
      assert.deepEqual(await end(shot), [null, 9, "kill"]);
    });

    it("P23: one that had ended when the kill came has ended by itself, though its keeper had not seen it yet", async () => {
      const rounds = new Rounds(3);
      for (const round of rounds) {
        const child = await bed.sh(`late-${round}`, "mkfifo go; echo ready; read x < go; rm go; exit 7");
        await until(child, "ready");
        const holder = holderOf(child);
        process.kill(holder, "SIGSTOP");
        const asked = { source: "process.kill", at: Date.now() };
        const killing = child.kill({ graceMs: 5_000 });
        await writeFile(join(bed.home, "work", "go"), "\n");
        await eventually("it is dead", async () => (await stateOf(pidOf(child))) === "Z");
        process.kill(holder, "SIGCONT");
        await killing;
        const told = await child.exited;
        assert.ok(told.kind === "exited" && told.endedAt >= asked.at);
        assert.deepEqual([told.code, told.endedBy], [7, "itself"]);
        const outcome = outcomeOf(told, asked, 0);
        assert.deepEqual([outcome.status, outcome.exit_code, outcome.termination_source], ["exited", 7, null]);
      }
    });
  });
