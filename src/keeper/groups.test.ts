import assert from "node:assert/strict";
import { mkdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { allText, Bed, binaries } from "./testing/bed.ts";

/** A new group directly below a hierarchy, empty and gone after the test; undefined where it cannot be had. */
async function group(t: TestContext, kind: "cgroup2" | "pids"): Promise<string | undefined> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const line = mounts
    .split("\n")
    .find((one) => (kind === "cgroup2" ? / - cgroup2 /.test(one) : / - cgroup .*\bpids\b/.test(one)));
  const directory = join(line?.split(" ")[4] ?? "/nowhere", `hearth-keeper-${process.pid}-${kind}`);
  const made = await mkdir(directory).then(
    () => true,
    () => false,
  );
  if (!made) {
    t.skip(`needs a writable hierarchy of control groups (${kind})`);
    return undefined;
  }
  t.after(() => eventually("the group is gone", () => rmdir(directory).then(() => true, () => false))); // biome-ignore format: one thought
  return directory;
}

const members = async (directory: string): Promise<string[]> =>
  (await readFile(join(directory, "cgroup.procs"), "utf8")).split("\n").filter(Boolean);

describe("a child with control groups", () => {
  for (const kind of ["cgroup2", "pids"] as const)
    it(`A49: is in them before it runs, with all it starts, and its keeper is not (${kind})`, async (t) => {
      const directory = await group(t, kind);
      if (directory === undefined) return;
      await using bed = await Bed.make(await binaries.ordinary());
      const child = await bed.sh("inside", "read go; cat /proc/self/cgroup", { groups: [directory] });
      assert.equal(child.live?.unlimited, null);
      assert.deepEqual(await members(directory), [String(child.live?.pid)]);
      await child.write(Buffer.from("go\n"));
      assert.match(
        await allText(child),
        new RegExp(`:${kind === "pids" ? "[\\w,]*pids[\\w,]*" : ""}:/.*${directory.split("/").at(-1)}$`, "m"),
      );
    });

  for (const kind of ["cgroup2", "pids"] as const)
    it(`F12: forks no more once it is to be killed, however fast it does (${kind})`, async (t) => {
      const directory = await group(t, kind);
      if (directory === undefined) return;
      await using bed = await Bed.make(await binaries.ordinary());
      // Each forks the next and is gone: whoever looks through a list of processes always comes too late.
      const script =
        "g() { i=0; while [ $i -lt 20 ]; do (sleep 0.01; exec sh -c 'while :; do (:) & done') & i=$((i+1)); done; }; g; sleep 600";
      const child = await bed.sh("bomb", script, { groups: [directory] });
      await eventually("it forks", async () => (await members(directory)).length > 15);
      await child.kill({ graceMs: 1, firstSignal: 9 });
      assert.deepEqual(await members(directory), []);
      assert.equal((await child.exited).kind, "exited");
    });

  it("A49: runs without where it could not be put into one, which is told, unless it must not", async () => {
    await using bed = await Bed.make(await binaries.ordinary());
    const groups = [join(bed.home, "no-such-group")];
    const child = await bed.sh("free", "echo here", { groups });
    assert.equal(child.live?.unlimited, "ENOENT");
    assert.equal(await allText(child), "here\n");
    await assert.rejects(bed.sh("bound", "echo here", { groups, groupsRequired: true }), {
      reason: "failed_start",
      message: /could not be put into its control group \(ENOENT\)/,
    });
  });
});

describe("a child's limit of open files", () => {
  it("P3: is the one that was asked for, and may be raised again to what the system allows", async () => {
    await using bed = await Bed.make(await binaries.ordinary(), { openFiles: 512 });
    const text = await allText(
      await bed.sh("files", "ulimit -Sn; ulimit -Hn; ulimit -Sn $(ulimit -Hn) && ulimit -Sn; ulimit -c"),
    );
    const [soft, hard, raised, core] = text.trim().split("\n");
    assert.deepEqual([soft, raised, core], ["512", hard, "0"]);
    assert.notEqual(hard, "512");
  });
});
