// To be run as a process of a PID namespace of its own, where the next pid can be chosen: processes end, strangers get their
// pids, and everything that ends processes is tried. Tells on standard output what came of it, as one line of JSON.
//
// A stranger leads a session and a group of its own and is stopped, so that any signal shows: one that is asked for stays
// pending, one that wakes it changes its state, one that kills it leaves nobody.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { parseStat } from "../../src/keeper/orphans.ts";
import { alive, isAlive, until } from "../../src/keeper/testing/bed.ts";
import { SmallHost } from "../../src/processes/testing/small-host.ts";
import { eventually } from "./eventually.ts";
import { Rounds } from "./rounds.ts";

export interface PidReuseReport {
  rounds: number;
  /** Strangers that got the pid of somebody else. */
  strangers: number;
  /** Those of them that felt a signal, and of what. */
  hit: string[];
  /** What a record says that is not so. */
  wrong: string[];
  survivors: number;
}

const NEXT = "/proc/sys/kernel/ns_last_pid";
const SECONDS = "317.25";

class Stranger {
  readonly pid: number;
  private constructor(pid: number) {
    this.pid = pid;
  }

  /** Somebody with exactly this pid. It has to be free; who else takes a pid at that moment is outrun. */
  static async with(pid: number): Promise<Stranger> {
    await eventually(`pid ${pid} is free`, () => statOf(pid) === undefined);
    for (let attempt = 0; attempt < 100; attempt++) {
      writeFileSync(NEXT, String(pid - 1));
      const child = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
      await once(child, "spawn");
      if (child.pid === pid) {
        process.kill(pid, "SIGSTOP");
        await eventually("the stranger is stopped", () => statOf(pid)?.state === "T");
        return new Stranger(pid);
      }
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    throw new Error(`Nobody could be given pid ${pid}`);
  }

  /** What it felt; undefined: nothing. */
  felt(): string | undefined {
    const state = statOf(this.pid)?.state;
    if (state !== "T") return `it is ${state ?? "gone"}`;
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const pending = /^ShdPnd:\s*(\w+)$/m.exec(status)?.[1] ?? "unknown";
    return /^0+$/.test(pending) ? undefined : `pending ${pending}`;
  }

  async end(): Promise<void> {
    killIfThere(this.pid);
    await eventually("the stranger is gone", () => statOf(this.pid) === undefined);
  }
}

function statOf(pid: number): ReturnType<typeof parseStat> {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ESRCH") return;
    throw error;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

await using host = await SmallHost.start();
const report: PidReuseReport = { rounds: 0, strangers: 0, hit: [], wrong: [], survivors: 0 };
const rounds = new Rounds(5);

/** Gives these pids away, does that, and looks who felt it. */
async function withStrangers(what: string, pids: readonly number[], work: () => Promise<unknown>): Promise<void> {
  const strangers: Stranger[] = [];
  for (const pid of pids) strangers.push(await Stranger.with(pid));
  await work();
  for (const stranger of strangers) {
    const felt = stranger.felt();
    report.strangers++;
    if (felt !== undefined) report.hit.push(`${what}: ${felt}`);
    await stranger.end();
  }
}

async function started(script: string): Promise<{ id: string; pid: number; keeperPid: number }> {
  const { process_id: id } = await host.processes.start({ owner: "person", argv: ["sh", "-c", script] });
  const adopted = await host.keepers.adopt();
  const live = adopted.flatMap((one) => ("child" in one && one.child.id === id ? (one.child.live ?? []) : []))[0];
  if (live === undefined) throw new Error(`${id} has no record of its start`);
  return { id, pid: live.pid, keeperPid: live.keeperPid };
}

function expect(id: string, status: string, code: number | null): void {
  const row = host.processes.get(id);
  if (row.status !== status || row.exit_code !== code)
    report.wrong.push(`${id} is ${row.status} with ${row.exit_code}, and should be ${status} with ${code}`);
}

/** Everything there is that may send a signal. */
async function endOfEveryKind(id: string): Promise<void> {
  await host.processes.signal(id, "TERM").catch(() => undefined); // it has ended
  await host.processes.kill(id, { graceMs: 0, source: "test" });
  await host.processes.kill(id, { graceMs: 20, source: "test" });
  await host.processes.killAll({}, "test");
}

async function ended(): Promise<void> {
  const { id, pid, keeperPid } = await started("read go; exit 3");
  await host.processes.submit(id, "go");
  await host.processes.wait(id, {});
  await withStrangers("one that has ended", [pid, keeperPid], () => endOfEveryKind(id));
  expect(id, "exited", 3);
}

/** The keeper lives, because of what the command left behind in a session of its own; that is to be ended, and only that. */
async function leftBehind(): Promise<void> {
  const { id, pid } = await started(`setsid sleep ${SECONDS} & read go; exit 4`);
  await eventually("it has left its parent's session", async () => (await alive(`sleep ${SECONDS}`)).length === 1);
  await host.processes.submit(id, "go");
  await host.processes.wait(id, {});
  await withStrangers("one that left another behind", [pid], () => endOfEveryKind(id));
  expect(id, "exited", 4);
  report.survivors += (await alive(`sleep ${SECONDS}`)).length;
}

/** Nobody was there when keeper and command died, and when their pids were given away. */
async function lost(): Promise<void> {
  const { id, pid, keeperPid } = await started("read go");
  await host.down();
  // In this order, or the keeper would record an end. With it goes the command's input, so that it may end by itself.
  for (const one of [keeperPid, pid]) killIfThere(one);
  await eventually("both are gone", async () => !(await isAlive(pid)) && !(await isAlive(keeperPid)));
  await withStrangers("one whose keeper died while no host was there", [pid, keeperPid], async () => {
    await host.up();
    await host.processes.wait(id, {});
    await endOfEveryKind(id);
  });
  expect(id, "lost", null);
}

/** The host is there, and the pid changes hands while it does not know of the end yet. */
async function lostUnseen(): Promise<void> {
  const { id, pid, keeperPid } = await started("echo here; read go");
  const child = (await host.keepers.adopt()).flatMap((one) =>
    "child" in one && one.child.id === id ? [one.child] : [],
  )[0];
  if (child !== undefined) await until(child, "here");
  process.kill(keeperPid, "SIGSTOP");
  killIfThere(pid);
  const killing = host.processes.kill(id, { graceMs: 50, source: "test" });
  killIfThere(keeperPid);
  await eventually("both are gone", async () => !(await isAlive(pid)) && !(await isAlive(keeperPid)));
  await withStrangers("one whose keeper died under the request", [pid, keeperPid], async () => {
    await killing;
    await endOfEveryKind(id);
  });
  expect(id, "lost", null);
}

for (const round of rounds) {
  for (const one of [ended, leftBehind, lost, lostUnseen]) await one();
  report.rounds = round + 1;
}
process.stdout.write(`${JSON.stringify(report)}\n`);
