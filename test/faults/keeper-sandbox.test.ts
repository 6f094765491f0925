// A child in a sandbox, when one of those in between dies, sleeps or has no room: started at most once, told truly, ended
// wholly. The way in is a plain shell here; what real ones add is tested where they are made.
import assert from "node:assert/strict";
import { readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, StartTimeout } from "../../src/keeper/keepers.ts";
import { alive, allText, Bed, binaries, isAlive, OtherHost, until } from "../../src/keeper/testing/bed.ts";
import type { ChildSpec } from "../../src/keeper/types.ts";
import { eventually } from "../support/eventually.ts";
import { canRun, isRoot, mayRun, SmallDisk } from "../support/root.ts";
import { Rounds } from "../support/rounds.ts";
import { exists, StartSteps } from "../support/start-steps.ts";

const tag = `306.${process.pid}`;
const leaves = (child: Child) =>
  eventually("the keeper has left", async () => !(await isAlive(child.live?.keeperPid ?? 0)));

/** The half inside of this very child: tests of other files have theirs at the same time. */
async function halfOf(bed: Bed, child: Child): Promise<number> {
  for (const pid of await alive(`${bed.binary} inside`)) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(parent) === child.live?.pid) return pid;
  }
  throw new Error("it has no half inside");
}

/** The halves inside that this bed has begun. */
async function halvesOf(bed: Bed): Promise<number[]> {
  const places = (await alive(`${bed.binary} inside`)).map(async (pid) => {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    return cwd.startsWith(bed.home) ? [pid] : [];
  });
  return (await Promise.all(places)).flat();
}

describe("a start in a sandbox that is interrupted", () => {
  const steps = new StartSteps(tag, (program) => ["sh", "-c", 'exec "$0" inside', program]);
  after(() => steps[Symbol.asyncDispose]());

  const points = [
    { step: 3, what: "after it claimed", state: "failed_start", ran: 0 },
    { step: 4, what: "with the way in at its gate", state: "failed_start", ran: 0 },
    { step: 5, what: "with the way in recorded", state: "ended", ran: 0 },
    { step: 6, what: "with the way in open", state: "ended", ran: 0 },
    { step: 7, what: "with the command recorded", state: "ended", ran: 0 },
    { step: 8, what: "with the command let go", state: "ended", ran: 1 },
  ];
  for (const { step, what, state, ran } of points)
    it(`F09: keeper and host die ${what} (step ${step}): ${state}, executed ${ran === 0 ? "never" : "at most once"}`, async () => {
      const bed = await steps.fresh(10_000);
      await steps.stopAt(step, 9);
      const host = new OtherHost(bed, [steps.counting()]);
      await steps.reached();
      await host.kill();
      await steps.goOn();
      for (let round = 0; round < 2; round++) {
        const [adopted] = await (round === 0 ? bed.keepers : await bed.reopen()).adopt();
        assert.equal(adopted?.state, state);
        if (adopted?.state === "ended") assert.deepEqual(adopted.child.end, { kind: "lost", reason: "keeper_gone" });
        await eventually("nobody sleeps", async () => (await steps.sleepers()).length === 0);
        assert.ok((await steps.executions()) <= ran);
      }
    });

  for (const step of [6, 7])
    it(`P5: a keeper that stood still at step ${step} past the deadline never lets the command run`, async () => {
      const bed = await steps.fresh(1_000);
      await steps.stopAt(step, 19);
      const starting = bed.keepers.start(steps.counting());
      const pid = await steps.reached();
      await assert.rejects(starting, StartTimeout);
      process.kill(pid, "SIGCONT");
      await eventually("the keeper has left", async () => !(await isAlive(pid)));
      assert.equal(await steps.executions(), 0);
      assert.equal((await bed.keepers.adopt())[0]?.state, "failed_start");
      assert.deepEqual(await halvesOf(bed), []);
    });

  it("P5: a command that did come up after the deadline is ended", async () => {
    const bed = await steps.fresh(1_000);
    await steps.stopAt(8, 19);
    const starting = bed.keepers.start(steps.counting());
    const pid = await steps.reached();
    await assert.rejects(starting, StartTimeout);
    process.kill(pid, "SIGCONT");
    await eventually("the keeper has left", async () => !(await isAlive(pid)));
    assert.deepEqual(await steps.sleepers(), []);
    assert.equal((await bed.keepers.adopt())[0]?.state, "failed_start");
  });

  const waiting = (bed: Bed, then: string): ChildSpec => ({
    ...bed.spec("slow", "echo in; read x; exit 5"),
    transport: bed.transport(["sh", "-c", `mkfifo gate; read x < gate; ${then}`, bed.binary]),
    startDeadlineMs: 20_000,
  });
  const adoptStarting = async (then: string): Promise<Child> => {
    const bed = await steps.fresh(10_000);
    const host = new OtherHost(bed, [waiting(bed, then)]);
    await eventually("the way in waits", () => exists(join(bed.home, "work", "gate")));
    await host.kill();
    const [adopted] = await bed.keepers.adopt();
    assert.ok(adopted?.state === "running");
    assert.equal(adopted.child.live?.pidInside, null);
    await writeFile(join(bed.home, "work", "gate"), "go\n");
    return adopted.child;
  };

  it("P32: a host that is killed while a sandbox starts: the next one hears when the command runs", async () => {
    const child = await adoptStarting('exec "$0" inside');
    await until(child, "in");
    assert.equal(await isAlive(child.live?.pidInside ?? 0), true);
    await child.write(Buffer.from("\n"));
    const end = await child.exited;
    assert.equal(end.kind === "exited" && end.code, 5);
    await steps.bed.reopen();
    const [again] = await steps.bed.keepers.adopt();
    assert.equal(again?.state === "ended" && (again.child.live?.pidInside ?? 0) > 0, true);
  });

  it("P32: and hears that it never will, with the reason", async () => {
    const child = await adoptStarting("echo no such image >&2; exit 125");
    const end = await child.exited;
    assert.ok(end.kind === "lost" && end.reason === "transport_gone");
    assert.match(end.words ?? "", /no such image/);
    const [again] = await (await steps.bed.reopen()).adopt();
    assert.ok(again?.state === "failed_start");
    assert.match(again.words ?? "", /no such image/);
  });

  it("P5: without any host the keeper keeps the deadline", async () => {
    const bed = await steps.fresh(10_000);
    const host = new OtherHost(bed, [{ ...waiting(bed, 'exec "$0" inside'), startDeadlineMs: 1_000 }]);
    await eventually("the way in waits", () => exists(join(bed.home, "work", "gate")));
    await host.kill();
    await eventually("the keeper has left", async () => !(await exists(join(bed.childrenDir, "slow", "sock"))));
    const [adopted] = await bed.keepers.adopt();
    assert.ok(adopted?.state === "failed_start");
  });
});

describe("a child in a sandbox", () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.make(await binaries.ordinary());
    bed.wayIn = (program) => ["sh", "-c", 'trap "" TERM; "$0" inside; echo it left >&2; exit 3', program];
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
  });

  it("F03: is lost when its way in is killed, and nothing of it is left", async () => {
    const child = await bed.sh("killed", `setsid sleep ${tag}1 & echo up; wait`);
    await until(child, "up");
    process.kill(child.live?.pid ?? 0, "SIGKILL");
    const end = await child.exited;
    assert.equal(end.kind === "lost" && end.reason, "transport_gone");
    assert.equal(await allText(child), "up\n");
    await leaves(child);
    await eventually("nobody sleeps", async () => (await alive(`sleep ${tag}1`)).length === 0);
  });

  it("F03: is lost when the half inside is killed, with the last words of the way in", async () => {
    const child = await bed.sh("half-killed", `setsid sleep ${tag}2 & echo up; wait`);
    await until(child, "up");
    process.kill(await halfOf(bed, child), "SIGKILL");
    const end = await child.exited;
    assert.ok(end.kind === "lost" && end.reason === "transport_gone");
    assert.match(end.words ?? "", /it left/);
    await leaves(child);
    await eventually("nobody sleeps", async () => (await alive(`sleep ${tag}2`)).length === 0);
    const found = (await (await bed.reopen()).adopt()).find((one) => "child" in one && one.child.id === "half-killed");
    assert.deepEqual(found?.state === "ended" && found.child.end, end);
  });

  it("P20: a kill ends the way in where the half inside does not answer, and it is lost", async () => {
    const child = await bed.sh("frozen", `echo up; exec sleep ${tag}3`);
    await until(child, "up");
    process.kill(await halfOf(bed, child), "SIGSTOP");
    await child.kill({ graceMs: 100 });
    const end = await child.exited;
    assert.equal(end.kind === "lost" && end.reason, "transport_gone");
    assert.deepEqual(await alive(`sleep ${tag}3`), []);
    await leaves(child);
  });

  it("F02: hosts killed over children that write numbered lines there: no line lost or doubled, every code exact", async (t) => {
    const rounds = new Rounds(4);
    const lines = 2_000;
    const expected = Array.from({ length: lines }, (_, i) => `${i}\n`).join("");
    for (const round of rounds) {
      const ids = [`f02-${round}-pipe`, `f02-${round}-pty`] as const;
      const script = `i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.01; done; exit 44`;
      const specs = ids.map((id) => bed.spec(id, script, { mode: id.endsWith("pty") ? "pty" : "pipe" }));
      const host = new OtherHost(bed, specs);
      await host.says("ready");
      await delay(Math.random() * 60); // any moment will do: this one chooses it, it waits for nothing
      await host.kill();
      const adopted = await (await bed.reopen()).adopt();
      for (const id of ids) {
        const one = adopted.find((each) => "child" in each && each.child.id === id);
        assert.ok(one !== undefined && "child" in one);
        const end = await one.child.exited;
        assert.equal(end.kind === "exited" && end.code, 44);
        assert.ok((await allText(one.child)).replaceAll("\r", "") === expected);
      }
    }
    rounds.report(t, "");
  });

  it("F21: with a full disk it is killed all the same, its end is told, and no byte is lost once there is room", async (t) => {
    await using disk = isRoot ? await SmallDisk.mount(4 << 20) : undefined;
    if (!mayRun(t, "root and mount", disk !== undefined) || disk === undefined) return;
    const small = await Bed.make(bed.binary, { childrenDir: join(disk.path, "children") });
    try {
      small.wayIn = (program) => [program, "inside"];
      const counts = "i=100000; while [ $i -lt 220000 ]; do echo $i; i=$((i+1)); done";
      const ends = await small.sh("ends", `read x; ${counts}; exit 8`);
      const endless = await small.sh("endless", "echo up; read x; while :; do echo more; done");
      await until(endless, "up");
      const ballast = join(disk.path, "ballast");
      await writeFile(ballast, Buffer.alloc(8 << 20)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOSPC") throw error;
      });
      for (const child of [ends, endless]) await child.write(Buffer.from("go\n"));
      const said = await ends.exited; // all of it fits into what the two halves hold
      assert.equal(said.kind === "exited" && said.code, 8);
      assert.equal(ends.spool.ended, false);
      await endless.kill({ graceMs: 5_000 });
      const killed = await endless.exited;
      assert.deepEqual(killed.kind === "exited" && [killed.signal, killed.endedBy], [15, "signal"]);
      await rm(ballast);
      const expected = Array.from({ length: 120_000 }, (_, i) => `${100_000 + i}\n`).join("");
      assert.ok((await allText(ends)) === expected);
      assert.equal((await endless.closed).bytes, killed.kind === "exited" && killed.bytesAtExit);
      assert.match(await allText(endless), /^up\n(more\n)+(m|mo|mor|more)?$/);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });

  it("F11, F13: as the first process of its own system the half reaps all, ends all, and leaves", async (t) => {
    const alone = ["unshare", "-pf", "--mount-proc", "--kill-child"];
    if (!mayRun(t, "root and unshare", isRoot && canRun("unshare", ...alone.slice(1), "true"))) return;
    const first = await Bed.make(bed.binary);
    try {
      first.wayIn = (program) => [...alone, program, "inside"];
      const script = [
        "i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1)); done",
        `setsid sh -c 'env -i setsid sleep ${tag}4 & exit' </dev/null >/dev/null 2>&1`,
        `(trap '' TERM HUP; while :; do sleep ${tag}4; done) &`,
        'echo pid $$; until [ "$(ps -e -o stat= | grep -c Z)" = 0 ]; do sleep 0.05; done; echo 0; wait',
      ].join("\n");
      const child = await first.sh("pid1", script);
      assert.match(await until(child, "\n0\n"), /^pid 2\n/);
      assert.equal(child.live?.pidInside, 2);
      assert.equal(child.live?.bestEffort, false);
      await child.kill({ graceMs: 100 });
      assert.deepEqual(await alive(`sleep ${tag}4`), []);
      const end = await child.exited;
      assert.equal(end.kind === "exited" && end.signal, 15);
      await leaves(child);
      const early = await first.sh("pid1-early", `(trap '' TERM; exec sleep ${tag}5) & echo up; exit 6`);
      const left = await early.exited;
      assert.equal(left.kind === "exited" && left.code, 6);
      await early.kill({ graceMs: 50 });
      await leaves(early);
      assert.deepEqual(await alive(`sleep ${tag}5`), []);
    } finally {
      await first[Symbol.asyncDispose]();
    }
  });
});
