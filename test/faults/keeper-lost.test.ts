// When a keeper dies, a machine reboots or a file is torn: only that child is lost, and nobody else's process is touched.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Adopted, Child } from "../../src/keeper/keepers.ts";
import { endOrphans, parseStat } from "../../src/keeper/orphans.ts";
import { decodeIntent } from "../../src/keeper/records.ts";
import { alive, allText, Bed, binaries, isAlive, textSoFar, until } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";

const tag = `304.${process.pid}`;

async function resign(child: Child, name: string, change: (text: string) => string): Promise<void> {
  const secret = decodeIntent(await readFile(join(child.dir, "armed")))?.secret ?? "";
  const text = (await readFile(join(child.dir, name), "utf8")).replaceAll("\0", "");
  const body = change(text.slice(0, text.indexOf("mac=")));
  const mac = createHmac("sha256", secret).update(`${name}\n${body}`).digest("hex");
  await writeFile(join(child.dir, name), `${body}mac=${mac}\nend\n`);
}

describe("a child whose keeper is gone", () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.make(await binaries.ordinary());
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
  });

  /** The next host's view of one child. */
  async function found(id: string): Promise<Adopted | undefined> {
    const all = await (await bed.reopen()).adopt();
    return all.find((one) => ("child" in one ? one.child.id : one.id) === id);
  }
  async function endOf(id: string) {
    const one = await found(id);
    assert.equal(one?.state, "ended");
    return "child" in one ? one.child.end : undefined;
  }
  /** Nobody may notice before the records are changed. */
  async function killKeeper(child: Child): Promise<void> {
    child.detach();
    const pid = child.live?.keeperPid ?? 0;
    process.kill(pid, "SIGKILL");
    await eventually("the keeper is dead", async () => !(await isAlive(pid)));
  }

  it("F03: only that child is lost, its tree is ended, the others go on", async () => {
    const script = `sleep ${tag} & echo ready; while read x; do echo $x; done`;
    const children = await Promise.all(["a", "b", "c", "d"].map((id) => bed.sh(`f03-${id}`, script)));
    for (const child of children) await until(child, "ready");
    await eventually("all sleep", async () => (await alive(`sleep ${tag}`)).length === children.length);
    const [victim, ...others] = children;
    assert.ok(victim);
    process.kill(victim.live?.keeperPid ?? 0, "SIGKILL");
    assert.deepEqual(await victim.exited, { kind: "lost", reason: "keeper_gone" });
    assert.equal((await victim.closed).bytes, 6);
    assert.equal((await alive(`sleep ${tag}`)).length, others.length);
    for (const child of others) {
      await child.write(Buffer.from("still here\n"));
      await until(child, "still here");
      await child.kill({ graceMs: 100 });
    }
    assert.deepEqual(await alive(`sleep ${tag}`), []);
  });

  it("F03: what an ended child had left running is ended too, and its end stays as it was", async () => {
    const child = await bed.sh("f03-ended", `sleep ${tag}3 & setsid sleep ${tag}3 >/dev/null 2>&1 & exit 4`);
    const before = await child.exited;
    await eventually("both sleep", async () => (await alive(`sleep ${tag}3`)).length === 2);
    await killKeeper(child);
    assert.deepEqual(await endOf("f03-ended"), before);
    assert.deepEqual(await alive(`sleep ${tag}3`), []);
    assert.deepEqual(await endOf("f03-ended"), before);
  });

  it("F06: after a reboot it is lost, and nothing is signalled", async () => {
    const child = await bed.sh("f06", `trap '' HUP PIPE; sleep ${tag}6`);
    const pid = child.live?.pid ?? 0;
    bed.alsoEnd(pid);
    await killKeeper(child);
    await resign(child, "live", (text) => text.replace(/boot=.*/, "boot=00000000-0000-0000-0000-000000000000"));
    assert.deepEqual(await endOf("f06"), { kind: "lost", reason: "reboot" });
    assert.equal(await isAlive(pid), true);
    for (const one of await alive(`sleep ${tag}6`)) bed.alsoEnd(one);
  });

  it("P21: a pid that now belongs to somebody else is never signalled", async () => {
    const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(stranger, "spawn");
    bed.alsoEnd(stranger.pid ?? 0);
    const child = await bed.sh("p21", "sleep 60");
    const pid = child.live?.pid ?? 0;
    await killKeeper(child);
    process.kill(pid, "SIGKILL");
    await eventually("the child is dead", async () => !(await isAlive(pid)));
    await resign(child, "live", (text) =>
      text.replace(/^pid=.*$/m, `pid=${stranger.pid}`).replace(/^group=.*$/m, `group=${stranger.pid}`),
    );
    assert.deepEqual(await endOf("p21"), { kind: "lost", reason: "keeper_gone" });
    const stat = parseStat(await readFile(`/proc/${stranger.pid}/stat`, "utf8"));
    await resign(child, "live", (text) => text.replace(/^tick=.*$/m, `tick=${stat?.startTick}`));
    assert.deepEqual(await endOf("p21"), { kind: "lost", reason: "keeper_gone" });
    assert.equal(await isAlive(stranger.pid ?? 0), true);
    stranger.kill("SIGKILL");
  });

  it("P21: who has the mark is found wherever it went, and who has not is left alone", async () => {
    const child = await bed.sh(
      "marked",
      `setsid sh -c 'trap "" TERM; while :; do sleep ${tag}7; done' & echo ready; wait`,
    );
    await until(child, "ready");
    await eventually("it sleeps", async () => (await alive(`sleep ${tag}7`)).length > 0);
    const live = child.live;
    assert.ok(live);
    await killKeeper(child);
    assert.equal(await endOrphans({ ...live, bootId: "another" }, "x".repeat(32)), 0);
    assert.equal(await endOrphans(live, "0".repeat(32)), 0);
    assert.deepEqual(await endOf("marked"), { kind: "lost", reason: "keeper_gone" });
    assert.deepEqual(await alive(`sleep ${tag}7`), []);
  });

  it("parses a process whose name holds spaces and parentheses", () => {
    const line = `7 (a) b (c) S 1 7 5 0 -1 4194304 ${"0 ".repeat(12)}4711 0`;
    assert.deepEqual(parseStat(line), { pid: 7, parent: 1, session: 5, state: "S", startTick: "4711" });
    for (const torn of ["", "7", "7 (a", "7 (a) S 1"]) assert.equal(parseStat(torn), undefined);
  });

  it("P31, F29: torn and flipped records are ignored with a warning, at every length, and nothing is guessed", async () => {
    const child = await bed.sh("torn", "echo output; exit 3");
    await child.closed;
    const names = ["exit", "closed", "live"] as const;
    const whole = new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(child.dir, name))] as const)),
    );
    for (const name of names) {
      const bytes = whole.get(name) ?? Buffer.alloc(0);
      const text = bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0);
      for (const length of [0, 1, 10, Math.floor(text / 2), text - 5, text - 1]) {
        bed.warnings.length = 0;
        await writeFile(join(child.dir, name), bytes.subarray(0, length));
        const one = await found("torn");
        if (name === "exit")
          assert.deepEqual("child" in (one ?? {}) && (one as { child: Child }).child.end, {
            kind: "lost",
            reason: "keeper_gone",
          });
        if (name === "exit" && length > 0) assert.ok(bed.warnings.some((text) => text.includes("exit is torn")));
        if (name === "closed") assert.equal(one?.state === "ended" && (await one.child.closed).bytes, 7);
      }
      await writeFile(join(child.dir, name), bytes);
    }
    const exit = Buffer.from(whole.get("exit") ?? "");
    exit.write("code=4", exit.indexOf("code=3"));
    await writeFile(join(child.dir, "exit"), exit);
    assert.deepEqual(await endOf("torn"), { kind: "lost", reason: "status_untrusted" });
    await writeFile(join(child.dir, "exit"), whole.get("closed") ?? "");
    assert.deepEqual(await endOf("torn"), { kind: "lost", reason: "status_untrusted" });
    await writeFile(join(child.dir, "exit"), whole.get("exit") ?? "");
    const one = await found("torn");
    assert.equal(one?.state === "ended" && one.child.end?.kind === "exited" && one.child.end.code, 3);
  });

  it("P31: a torn spec, a foreign directory and a foreign file are passed over with a warning", async () => {
    const child = await bed.sh("torn-spec", "exit 0");
    await child.closed;
    await truncate(join(child.dir, "armed"), 40);
    assert.equal((await found("torn-spec"))?.state, "torn");
    await rm(join(child.dir, "armed"));
    assert.equal((await found("torn-spec"))?.state, "torn");
    await writeFile(join(bed.childrenDir, "a-file"), "what?");
    bed.warnings.length = 0;
    await bed.reopen();
    await bed.keepers.adopt();
    assert.ok(bed.warnings.some((text) => text.includes("a-file")));
    await bed.keepers.forget("torn-spec");
    assert.equal(await found("torn-spec"), undefined);
  });

  it("F29: a spool that lost bytes is read as far as it goes, and said to be short", async () => {
    const child = await bed.sh("short", "head -c 100000 /dev/zero");
    await allText(child);
    await truncate(join(child.dir, "spool.0"), 70_000);
    bed.warnings.length = 0;
    const one = await found("short");
    assert.ok(one?.state === "ended");
    assert.equal((await textSoFar(one.child)).length, 70_000);
    assert.equal(one.child.spool.ended, true);
    assert.ok(bed.warnings.some((text) => text.includes("30000 bytes of its output are missing")));
    await rm(join(child.dir, "spool.0"));
    const none = await found("short");
    assert.equal(none?.state === "ended" && (await textSoFar(none.child)), "");
  });

  it("a keeper that does not answer is waited for, not given up", async () => {
    const child = await bed.sh("slow", "read x; echo $x; exit 8");
    const keeper = child.live?.keeperPid ?? 0;
    process.kill(keeper, "SIGSTOP");
    const keepers = await bed.reopen();
    const adopting = keepers.adopt();
    await (await open("/dev/null")).close();
    process.kill(keeper, "SIGCONT");
    const one = (await adopting).find((each) => "child" in each && each.child.id === "slow");
    assert.ok(one?.state === "running");
    await one.child.write(Buffer.from("awake\n"));
    assert.equal(await allText(one.child), "awake\n");
  });

  it("P32: a keeper that stays silent is asked on, and holds up its next host no longer than one question", {
    timeout: 30_000,
  }, async () => {
    const child = await bed.sh("silent", "read x; echo $x; exit 9");
    const keeper = child.live?.keeperPid ?? 0;
    process.kill(keeper, "SIGSTOP");
    const keepers = await bed.reopen({ startDeadlineMs: 600_000 }); // so long would a second wait be
    const one = (await keepers.adopt()).find((each) => "child" in each && each.child.id === "silent");
    assert.ok(one?.state === "running");
    process.kill(keeper, "SIGCONT");
    await one.child.write(Buffer.from("awake\n"));
    assert.equal(await allText(one.child), "awake\n");
  });
});
