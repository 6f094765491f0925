import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Payload } from "../../src/protocol/events.ts";
import { eventually } from "../support/eventually.ts";
import { canRun, mayRun } from "../support/root.ts";
import { Rounds } from "../support/rounds.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const PIDS = 400;

async function limitedHost(t: TestContext, env: Record<string, string>): Promise<RunningHost | undefined> {
  const host = await RunningHost.start(env);
  const { limits } = await (await host.client()).call("host.status", {});
  if (limits.controllers.length === 3) return host;
  await host[Symbol.asyncDispose]();
  t.skip(`this machine does not give its control groups: ${limits.why}`); // no program that could be installed
  return undefined;
}

/** The members of a group, by the file the kernel keeps. */
const members = async (group: string): Promise<number> =>
  (await readFile(`${group}/cgroup.procs`, "utf8").catch(() => "")).split("\n").filter(Boolean).length;

/** Where the groups of this host's home are that limit how many processes there may be. */
async function baseOf(host: RunningHost): Promise<string> {
  const bases = (await readFile(`${host.home}/control-groups`, "utf8")).split("\n");
  return bases.find((one) => one.includes("/pids/")) ?? bases[0] ?? "";
}

describe("a fork bomb", () => {
  it("F12, A49: hits its limit and says so, leaves the host answering, and a kill empties its group", async (t) => {
    const host = await limitedHost(t, { HEARTH_PROCESSES_PIDS: String(PIDS) });
    if (host === undefined) return;
    await using _ = host;
    const client = await host.client();
    const { session_id } = await client.call("session.create", { workspace: host.home });
    using watched = new Watched(client, session_id);
    const rounds = new Rounds(2);
    const answers: number[] = [];
    for (const round of rounds) {
      const bomb = await client.call("process.start", { command: "f(){ f|f& }; f; sleep 600", session_id });
      const group = `${await baseOf(host)}/${session_id}/${bomb.process_id}`;
      await eventually("it is full", async () => (await members(group)) > PIDS / 2);
      for (let n = 0; n < 50; n++) {
        const begun = performance.now();
        await client.call("process.list", {});
        answers.push(performance.now() - begun);
      }
      await watched.seen("process.limited", round + 1);
      const hit = watched.of("process.limited").at(-1)?.payload as Payload<"process.limited">;
      assert.deepEqual([hit.process_id, hit.limit, hit.value], [bomb.process_id, "pids", PIDS]);
      assert.equal((await client.call("process.poll", { process_id: bomb.process_id })).limit_hit, "pids");
      // Another process is not affected.
      const beside = await client.call("process.start", { argv: ["echo", "fine"], session_id });
      assert.equal(
        (await client.call("process.wait", { process_id: beside.process_id, timeout: 60 })).output,
        "fine\n",
      );
      const begun = performance.now();
      const killing = client.call("process.kill", { process_id: bomb.process_id, grace: 0.2 });
      await eventually("its group is empty", async () => (await members(group)) === 0);
      rounds.measured(performance.now() - begun - 200);
      await killing;
      await watched.seen("process.ended", 2 * (round + 1));
      const end = watched.of("process.ended").at(-1)?.payload as Payload<"process.ended">;
      assert.equal(end.process_id, bomb.process_id);
      assert.match(end.process.reason ?? "", /^it ran into the limit of 400 processes$/);
      await eventually("its group is gone", async () => !(await exists(group)));
    }
    const sorted = answers.toSorted((a, b) => a - b);
    t.diagnostic(`answers beside it p99 ${Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0)} ms`);
    rounds.report(t, "emptied after the grace in");
  });
});

const exists = (path: string): Promise<boolean> =>
  readdir(path).then(
    () => true,
    () => false,
  );

describe("a machine without file notifications", () => {
  it("F27: changes nothing: nothing here needs them, and no hit of a limit or change of a profile is missed", async (t) => {
    const without = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" "$@"';
    if (!mayRun(t, "unshare", canRun("unshare", "-Ur", "sh", "-c", without, "true"))) return;
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-silent-")));
    const env = { HEARTH_PROCESSES_PIDS: "20", HOME: home, SHELL: "/bin/bash" };
    await using host = await RunningHost.start(env, ["unshare", "-Ur", "sh", "-c", without], home);
    const client = await host.client();
    const profile = join(host.home, ".profile");
    const seen = async () => {
      const { process_id } = await client.call("process.start", { command: "echo $FROM_PROFILE" });
      return (await client.call("process.wait", { process_id, timeout: 60 })).output.trim();
    };
    for (const value of ["first", "another"]) {
      await writeFile(profile, `export FROM_PROFILE=${value}\n`);
      assert.equal(await seen(), value);
    }
    const links = (await readdir(`/proc/${host.pid}/fd`)).map((fd) =>
      readlink(`/proc/${host.pid}/fd/${fd}`).catch(() => ""),
    );
    assert.deepEqual(
      (await Promise.all(links)).filter((link) => link.includes("inotify")),
      [],
    );
    const { limits } = await client.call("host.status", {});
    if (!limits.controllers.includes("pids"))
      return t.skip(`this machine does not give its control groups: ${limits.why}`);
    const rounds = new Rounds(2);
    for (const _ of rounds) {
      const script = "i=0; while [ $i -lt 40 ]; do sleep 20 & i=$((i+1)); done; wait";
      const { process_id } = await client.call("process.start", { argv: ["bash", "-c", script] });
      const begun = performance.now();
      await eventually(
        "it is told",
        async () => (await client.call("process.poll", { process_id })).limit_hit === "pids",
      );
      rounds.measured(performance.now() - begun);
      await client.call("process.kill", { process_id, grace: 0.1 });
      await delay(1);
    }
    rounds.report(t, "told after");
  });
});
