// A host that systemd has to be able to start again.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { survey } from "./machine.ts";

describe("the group of a host", () => {
  it("is left whole where it is a service's that systemd could not start again otherwise, and divided elsewhere", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hearth-service-group-"));
    try {
      const proc = join(folder, "proc");
      await mkdir(join(proc, "self"), { recursive: true });
      await writeFile(join(proc, "self/mountinfo"), `30 25 0:26 / ${folder}/groups rw - cgroup2 cgroup2 rw\n`);
      const surveyed = async (group: string) => {
        const directory = join(folder, "groups", group);
        await mkdir(directory, { recursive: true });
        await writeFile(join(directory, "cgroup.controllers"), "cpu memory pids\n");
        await writeFile(join(directory, "cgroup.procs"), "");
        await writeFile(join(proc, "self/cgroup"), `0::/${group}\n`);
        return survey({ proc });
      };
      const service = await surveyed("app.slice/hearth.service");
      assert.deepEqual(service.places, []);
      assert.match(service.why ?? "", /hearth\.service is a service's/);
      const delegated = await surveyed("app.slice/hearth.service/hearth-host");
      assert.deepEqual(delegated.why, null);
      assert.match(delegated.places[0]?.directory ?? "", /hearth\.service$/);
      const terminal = await surveyed("app.slice/terminal.scope");
      assert.deepEqual(terminal.why, null);
      assert.equal(terminal.places.length, 1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
