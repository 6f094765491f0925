// Trees of processes that do all they can to outlive a kill, in every kind of place, counted from outside: who is left?
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { processes } from "../../src/keeper/testing/bed.ts";
import { type Backend, type Kind, missing, openBackend } from "./backends.ts";
import { eventually } from "./eventually.ts";
import { FIGURES, type Rounds } from "./rounds.ts";
import { rpc } from "./rpc.ts";
import { RunningHost } from "./running-host.ts";
import { hostileTrees, markOf, survivors } from "./sandbox-conformance.ts";

/** Processes at a time; each has one tree of every class. */
const AT_ONCE = 5;

/** Rounds are processes, with a tree of every class in each. */
export function noneSurvives(kind: Kind, open: () => Rounds): void {
  it(`P20, F11: none survives a kill (${kind})`, async (t) => {
    const why = await missing(kind);
    if (why !== undefined) return t.skip(why);
    await using backend = await openBackend(kind);
    const workspace = await realpath(await mkdtemp(join(tmpdir(), "hearth-trees-")));
    const home = await realpath(await mkdtemp(join(tmpdir(), "hearth-host-")));
    await writeFile(join(home, "config.toml"), backend.config, { mode: 0o600 });
    await using host = await RunningHost.start({}, [], home);
    const rounds = open();
    const classes = hostileTrees("").length;
    let left = 0;
    let waiting: Promise<number>[] = [];
    for (const round of rounds) {
      waiting.push(oneOfEach(host, backend, workspace, `${backend.sandbox}-${round}-end`));
      if (waiting.length < AT_ONCE) continue;
      left += sum(await Promise.all(waiting));
      waiting = [];
    }
    left += sum(await Promise.all(waiting));
    t.diagnostic(`${FIGURES} ${rounds.done * classes} · trees, ${left} survivors`);
    // Best effort is said to be that, and what it leaves behind is ended here.
    if (backend.bestEffort) await endMarked(markOf(""));
    else assert.equal(left, 0);
    await rm(workspace, { recursive: true, force: true });
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** How many of them are left after a kill. */
async function oneOfEach(host: RunningHost, backend: Backend, cwd: string, name: string): Promise<number> {
  const mark = markOf(name);
  const trees = hostileTrees(mark);
  const script = `${trees.map((tree) => tree.script).join("\n")}\nwhile :; do sleep 1; done`;
  const row = await rpc(host, "process.start", { argv: ["sh", "-c", script], cwd, sandbox: backend.sandbox });
  assert.equal(row.best_effort, backend.bestEffort);
  await eventually(`all of ${name} are there`, async () => (await survivors(` ${mark}`)) >= trees.length);
  const { status } = await rpc(host, "process.kill", { process_id: row.process_id, grace: 0.2 });
  assert.equal(status, "killed");
  return await survivors(` ${mark}`);
}

async function endMarked(mark: string): Promise<void> {
  for (const { pid, command } of await processes())
    if (command.includes(mark) && pid !== process.pid) process.kill(pid, "SIGKILL");
}
