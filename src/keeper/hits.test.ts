// Which limits a half in a sandbox says were hit, by the files of its own control group: those of version 1 are the kernel's
// in the tests with containers, those of version 2 are written here, since no machine has both with their controllers.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { canRun, isRoot, mayRun } from "../../test/support/root.ts";
import type { Child } from "./keepers.ts";
import { Bed, binaries } from "./testing/bed.ts";

for (const name of ["ordinary", "sanitized"] as const)
  describe(`limits as a half inside sees them (${name})`, () => {
    let bed: Bed;
    let count = 0;
    before(async () => {
      bed = await Bed.make(await binaries[name]());
    });
    after(async () => {
      const reports = await bed.sanitizerReports();
      await bed[Symbol.asyncDispose]();
      assert.deepEqual(reports, []);
    });

    const possible = isRoot && canRun("unshare", "-m", "sh", "-c", "mount --bind /dev/null /proc/$$/mountinfo");
    const hits = (child: Child): Promise<string> => readFile(join(child.dir, "hits"), "utf8").catch(() => "");

    /** `script` runs in a group at /a/b of a hierarchy that is mounted from `root` on, with its files in the work folder. */
    async function sh(script: string, words: readonly string[] = ["limits", "inside"], root = "/a"): Promise<Child> {
      const folder = join(bed.home, "work");
      const group = join(folder, "b");
      await mkdir(group, { recursive: true });
      await writeFile(join(folder, "mountinfo"), `30 25 0:26 ${root} ${folder} rw - cgroup2 cgroup2 rw\n`);
      await writeFile(join(folder, "cgroup"), "9:name=systemd:/\n0::/a/b\n");
      const empty = {
        "memory.events": "oom 0\noom_kill 0\n",
        "memory.events.local": "oom 0\n",
        "pids.events": "max 0\n",
      };
      for (const [file, text] of Object.entries(empty))
        for (const directory of [folder, group]) await writeFile(join(directory, file), text);
      const seen = ["mountinfo", "cgroup"]
        .map((file) => `mount --bind ${join(folder, file)} /proc/$$/${file}`)
        .join(" && ");
      const way = ["unshare", "-m", "sh", "-c", `${seen} && exec "$0" "$@"`, bed.binary, ...words];
      return await bed.sh(`hits-${count++}`, script, { transport: bed.transport(way) });
    }
    const killed = "echo 'oom_kill 1' > b/memory.events";
    const lacked = "echo 'oom 2' > b/memory.events.local";
    const refused = "echo 'max 3' > b/pids.events";

    it("F12, A49: what was hit when the command ends is kept before its end is told", async (t) => {
      if (!mayRun(t, "root and unshare", possible)) return;
      const cases: [string, string][] = [
        [`${killed}; ${lacked}`, "oom_kill 1\n"],
        [refused, "max 1\n"],
        [`${killed}; ${lacked}; ${refused}`, "oom_kill 1\nmax 1\n"],
        [lacked, ""], // it gave something back, and went on
        [killed, ""], // the whole machine had no memory left
        ["true", ""],
      ];
      for (const [script, expected] of cases) {
        const child = await sh(script);
        await child.exited;
        assert.equal(await hits(child), expected, script);
      }
    });

    it("F12, A49: what is hit while it runs is known while it runs", async (t) => {
      if (!mayRun(t, "root and unshare", possible)) return;
      const child = await sh(`${refused}; read go; ${killed}; ${lacked}; read go; exit 4`);
      await eventually("processes", async () => (await hits(child)) === "max 1\n");
      await child.write(Buffer.from("\n"));
      await eventually("memory", async () => (await hits(child)) === "oom_kill 1\nmax 1\n");
      await child.write(Buffer.from("\n"));
      const end = await child.exited;
      assert.deepEqual(end.kind === "exited" && end.code, 4);
    });

    it("A49: nothing is said unasked, nor of a group that is not its own", async (t) => {
      if (!mayRun(t, "root and unshare", possible)) return;
      const all = `${killed}; ${lacked}; ${refused}; cp b/*events* .`;
      for (const child of [await sh(all, ["inside"]), await sh(all, undefined, "/c")]) {
        const end = await child.exited;
        assert.deepEqual([end.kind === "exited" && end.code, await hits(child)], [0, ""]);
      }
    });
  });
