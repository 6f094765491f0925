// Many are started at the same moment, by people and by turns, each with an environment and a folder of its own: whatever the
// host keeps of one must not be seen by another.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { HearthClient } from "../../src/client/client.ts";
import { Rounds } from "../support/rounds.ts";
import { RunningHost, Watched } from "../support/running-host.ts";

const MANY = 100;
const TELL = "pwd -P; env; echo told";

/** What a process saw: its folder, and its variables. */
interface Seen {
  cwd: string | undefined;
  env: ReadonlyMap<string, string>;
}

async function seenBy(host: RunningHost, process_id: string): Promise<Seen> {
  const output = await host.fetch(`/api/processes/${process_id}/output?from=0`);
  assert.equal(output.status, 200, process_id);
  const [cwd, ...lines] = (await output.text()).replaceAll("\r\n", "\n").trimEnd().split("\n");
  assert.equal(lines.pop(), "told", `${process_id} told all of it`);
  return { cwd, env: new Map(lines.map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)])) };
}

const marks = ({ env }: Seen): string[][] => [...env].filter(([name]) => /^(WHO|SAME|ONLY_\d+)$/.test(name)).sort();

describe("a hundred processes and a hundred turns at once", () => {
  it("F47, P6: each sees its own environment and folder, and nothing of another's", async (t) => {
    const rounds = new Rounds(1);
    let looked = 0;
    // None is forgotten before it was looked at.
    await using host = await RunningHost.start({ HEARTH_PROCESSES_KEEP_ENDED: "10000" });
    const client = await host.client();
    for (const round of rounds) {
      const folders = await Promise.all(
        Array.from({ length: MANY }, async (_, n) => {
          const folder = join(host.home, "folders", `${round}-${n}`);
          await mkdir(folder, { recursive: true });
          return folder;
        }),
      );
      const begun = performance.now();
      await Promise.all(folders.flatMap((folder, n) => [person(host, client, folder, n), turn(host, client, folder)]));
      rounds.measured(performance.now() - begun);
      looked += 2 * MANY;
    }
    rounds.report(t, `0 leaks in ${looked} environments, ${2 * MANY} of them in`);
  });

  async function person(host: RunningHost, client: HearthClient, cwd: string, n: number): Promise<void> {
    const env = { WHO: String(n), SAME: `of ${n}`, [`ONLY_${n}`]: "1" };
    const how = n % 2 === 0 ? { command: TELL } : { argv: ["sh", "-c", TELL] };
    const mode = n % 4 < 2 ? "pipe" : "pty";
    const { process_id } = await client.call("process.start", { ...how, mode, cwd, env });
    assert.equal((await client.call("process.wait", { process_id, timeout: 60 })).status, "exited");
    const seen = await seenBy(host, process_id);
    assert.equal(seen.cwd, cwd);
    assert.deepEqual(marks(seen), Object.entries(env).sort());
    assert.equal(seen.env.get("PWD"), cwd);
  }

  async function turn(host: RunningHost, client: HearthClient, workspace: string): Promise<void> {
    const { session_id } = await client.call("session.create", { workspace });
    await client.call("config.set", { key: "approvals", value: "off", session_id });
    using watched = new Watched(client, session_id);
    await client.call("prompt.submit", { session_id, text: `run ${TELL}` });
    await watched.seen("turn.ended");
    const { processes } = await client.call("process.list", { session_id });
    assert.deepEqual(
      processes.map((row) => [row.status, row.exit_code, row.notes]),
      [["exited", 0, []]],
    );
    const seen = await seenBy(host, processes[0]?.process_id ?? "");
    assert.equal(seen.cwd, workspace);
    assert.deepEqual(marks(seen), []);
  }
});
