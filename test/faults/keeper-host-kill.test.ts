// The host may be killed at any moment: the children run on, and the next host finds all they said and how they ended.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { allText, Bed, binaries, isAlive, OtherHost, until } from "../../src/keeper/testing/bed.ts";
import { eventually } from "../support/eventually.ts";
import { Rounds } from "../support/rounds.ts";

describe("children of a host that is killed", () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.make(await binaries.ordinary());
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
  });

  it("P32: run on, still write, still answer their input, and their end is known though nobody was there", async () => {
    const answering = "echo first; while read x; do echo heard $x; done; exit 21";
    const ending = "while ! test -e go; do sleep 0.02; done; echo alone; exit 22";
    const host = new OtherHost(bed, [
      bed.spec("pipe", answering),
      bed.spec("pty", answering, { mode: "pty" }),
      bed.spec("alone", ending),
      bed.spec(
        "by-signal",
        ending.replace("exit 22", () => "kill -TERM $$"),
        { mode: "pty" },
      ),
    ]);
    await host.says("ready");
    await host.kill();
    await writeFile(join(bed.home, "work", "go"), "");
    const adopted = await bed.keepers.adopt();
    const child = (id: string) => {
      const one = adopted.find((each) => "child" in each && each.child.id === id);
      assert.ok(one !== undefined && "child" in one, `${id} was not found`);
      return one.child;
    };
    for (const id of ["pipe", "pty"]) {
      assert.equal(child(id).end, undefined);
      await child(id).write(Buffer.from("again\n"));
      await until(child(id), "heard again");
      await child(id).eof();
      const end = await child(id).exited;
      assert.equal(end.kind === "exited" && end.code, 21);
      assert.match(await allText(child(id)), /^first\r?\n/);
    }
    const alone = await child("alone").exited;
    assert.equal(alone.kind === "exited" && alone.code, 22);
    assert.equal(await allText(child("alone")), "alone\n");
    const signalled = await child("by-signal").exited;
    assert.equal(signalled.kind === "exited" && signalled.signal, 15);
  });

  it("F02: kills over children that write numbered lines: no line lost or doubled, every code exact", async (t) => {
    const kills = new Rounds(10);
    const lines = 3_000;
    const codeOf = (i: number) => 40 + (i % 100);
    const script = (code: number) =>
      `i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); [ $((i % 50)) = 0 ] && sleep 0.02; done; exit ${code}`;
    const specs = Array.from({ length: 2 * kills.wanted }, (_, i) =>
      bed.spec(`f02-${i}`, script(codeOf(i)), { mode: i % 2 === 0 ? "pipe" : "pty" }),
    );
    for (const kill of kills) {
      const host = new OtherHost(bed, specs.slice(kill * 2, kill * 2 + 2));
      await host.says("ready");
      await delay(Math.random() * 60); // any moment will do: this one chooses it, it waits for nothing
      await host.kill();
    }
    const adopted = await (await bed.reopen()).adopt();
    const expected = Array.from({ length: lines }, (_, i) => `${i}\n`).join("");
    for (const [i, spec] of specs.slice(0, 2 * kills.done).entries()) {
      const one = adopted.find((each) => "child" in each && each.child.id === spec.id);
      assert.ok(one !== undefined && "child" in one);
      const end = await one.child.exited;
      assert.equal(end.kind === "exited" && end.code, codeOf(i));
      assert.equal((await allText(one.child)).replaceAll("\r", ""), expected, spec.id);
    }
    kills.report(t, "");
  });

  it("adopting twice answers the same, and several hosts at once do not disturb each other", async () => {
    const child = await bed.sh("shared", "read x; echo $x");
    assert.equal((await bed.keepers.adopt()).find((one) => "child" in one && one.child === child)?.state, "running");
    const host = new OtherHost(bed, []);
    await host.says("running shared");
    await host.kill();
    await child.write(Buffer.from("undisturbed\n"));
    assert.equal(await allText(child), "undisturbed\n");
    assert.deepEqual(child.spec.argv, bed.spec("", "read x; echo $x").argv);
  });

  it("facts given at the start are handed back", async () => {
    const facts = { session: "s_1", "a=b": "" };
    const child = await bed.sh("facts", "read x", { facts: { session: "s_1", note: "a=b\nc" } });
    assert.ok(facts.session);
    const found = (await (await bed.reopen()).adopt()).find((one) => "child" in one && one.child.id === child.id);
    assert.ok(found !== undefined && "child" in found);
    assert.deepEqual({ ...found.child.spec.facts }, { session: "s_1", note: "a=b\nc" });
    assert.deepEqual(found.child.live, child.live);
    await found.child.kill({ graceMs: 100 });
  });

  it("F08: the launcher ends a host that hangs past its deadline, and no other", async () => {
    const script = [
      `import { Keepers } from ${JSON.stringify(join(import.meta.dirname, "../../src/keeper/keepers.ts"))};`,
      `const keepers = await Keepers.open({ childrenDir: ${JSON.stringify(bed.childrenDir)}, binary: ${JSON.stringify(bed.binary)} });`,
      "keepers.armDeadline(100); keepers.disarmDeadline(); await new Promise((r) => setTimeout(r, 200));",
      "const launcher = keepers.launcherPid; keepers.armDeadline(100); await keepers.close();",
      "process.stdout.write(String(launcher));",
      "for (;;);",
    ];
    const host = spawn(process.execPath, ["--input-type=module", "-e", script.join("\n")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    bed.alsoEnd(host.pid ?? 0);
    let said = "";
    host.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const [code, signal] = (await once(host, "close")) as [number | null, string | null];
    assert.deepEqual([code, signal], [null, "SIGKILL"]);
    assert.ok(Number(said) > 1);
    await eventually("its launcher has left", async () => !(await isAlive(Number(said))));
    assert.equal(await isAlive(bed.keepers.launcherPid ?? 0), true);
  });
});
