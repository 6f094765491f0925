// Where the tests of this part run real keepers: a temporary home, ended and removed with everything in it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { compile, defaultOutFile } from "../../../native/compile.mjs";
import { eventually } from "../../../test/support/eventually.ts";
import { type Child, type ChildSpec, Keepers, type KeepersOptions, type Transport } from "../keepers.ts";
import { parseStat } from "../orphans.ts";

/** The keepers the tests use; compiled when the source is newer, kept between runs. */
export const binaries = {
  ordinary: () => compile(),
  testPoints: () => compile({ outFile: `${defaultOutFile}-test-points`, testPoints: true }),
  sanitized: () => compile({ outFile: `${defaultOutFile}-sanitized`, sanitize: true }),
};

/** How long a test waits for what should come at once, even on a busy machine. */
const patienceMs = 60_000;
const unansweredMs = 10_000;

/** The words that lead from a keeper to its inside half, given the binary. */
export type WayIn = (binary: string) => readonly string[];

export class Bed implements AsyncDisposable {
  readonly home: string;
  readonly childrenDir: string;
  readonly binary: string;
  readonly warnings: string[] = [];
  keepers: Keepers;
  /** Where set, every child runs behind it. */
  wayIn: WayIn | undefined;
  readonly #strays: number[] = [];

  private constructor(home: string, childrenDir: string, binary: string, keepers: Keepers, warnings: string[]) {
    this.home = home;
    this.childrenDir = childrenDir;
    this.binary = binary;
    this.keepers = keepers;
    this.warnings = warnings;
  }

  static async make(binary: string, options: Partial<KeepersOptions> = {}): Promise<Bed> {
    const home = await mkdtemp(join(tmpdir(), "hearth-keeper-"));
    const warnings: string[] = [];
    const childrenDir = options.childrenDir ?? join(home, "children");
    await mkdir(join(home, "work"));
    const onWarning = (text: string) => warnings.push(text);
    return new Bed(
      home,
      childrenDir,
      binary,
      await Keepers.open({ childrenDir, binary, onWarning, ...options }),
      warnings,
    );
  }

  /** As the next host would find it: everything let go, nothing remembered. */
  async reopen(options: Partial<KeepersOptions> = {}): Promise<Keepers> {
    await this.keepers.close();
    const onWarning = (text: string) => this.warnings.push(text);
    this.keepers = await Keepers.open({ childrenDir: this.childrenDir, binary: this.binary, onWarning, ...options });
    return this.keepers;
  }

  spec(id: string, script: string, more: Partial<ChildSpec> = {}): ChildSpec {
    const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: this.home };
    const cwd = join(this.home, "work");
    const transport = this.wayIn === undefined ? {} : { transport: this.transport(this.wayIn(this.binary)) };
    return { id, argv: ["/bin/sh", "-c", script], env, cwd, mode: "pipe", ...transport, ...more };
  }

  transport(argv: readonly string[]): Transport {
    return { argv, env: { PATH: process.env.PATH ?? "/usr/bin:/bin" }, cwd: join(this.home, "work") };
  }

  sh(id: string, script: string, more: Partial<ChildSpec> = {}): Promise<Child> {
    return this.keepers.start(this.spec(id, script, more));
  }

  /** To be killed at the end in any case. */
  alsoEnd(pid: number): void {
    this.#strays.push(pid);
  }

  /** Files in which a sanitizer has said what it found. */
  async sanitizerReports(): Promise<string[]> {
    const ids = await readdir(this.childrenDir);
    const places = [join(this.home, "work"), ...ids.map((id) => join(this.childrenDir, id))];
    const files = await Promise.all(places.map((place) => readdir(place).catch(() => [])));
    return files.flat().filter((file) => file.startsWith("sanitizer"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.childrenDir, "test_point"), { force: true });
    const adopted = await this.keepers.adopt();
    const ended = Promise.all(adopted.map((one) => ("child" in one ? one.child.kill({ graceMs: 1 }) : undefined)));
    // A keeper that a failed test has left stopped answers nobody.
    if ((await Promise.race([ended, delay(unansweredMs, "late", { ref: false })])) === "late")
      for (const one of adopted)
        if ("child" in one) for (const pid of [one.child.live?.keeperPid, one.child.live?.pid]) this.alsoEnd(pid ?? 0);
    await this.keepers.close();
    for (const pid of this.#strays) if (pid > 0) killQuietly(pid);
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** The command itself, wherever it runs. */
export function pidOf(child: Child): number {
  return child.live?.pidInside ?? child.live?.pid ?? 0;
}

/** Whoever holds the command and reaps what it leaves: the keeper, or its half inside. */
export function holderOf(child: Child): number {
  return (child.live?.pidInside === null ? child.live.keeperPid : child.live?.pid) ?? 0;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Everything a child wrote from `from` up to what is known now. */
export async function textSoFar(child: Child, from = child.spool.firstKept): Promise<string> {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const { bytes } = await child.spool.read(at, 1 << 20);
    if (bytes.length === 0) return Buffer.concat(parts).toString("latin1");
    parts.push(Buffer.from(bytes));
    at += bytes.length;
  }
}

/** All of its output, once it has ended. */
export async function allText(child: Child): Promise<string> {
  await child.closed;
  return await textSoFar(child);
}

/** Waits until the output contains `text`; fails when it does not grow for long. */
export async function until(child: Child, text: string): Promise<string> {
  for (let patience = AbortSignal.timeout(patienceMs); ; patience = AbortSignal.timeout(patienceMs)) {
    const { length, ended } = child.spool;
    const now = await textSoFar(child);
    if (now.includes(text)) return now;
    if (ended) throw new Error(`The output ended without ${JSON.stringify(text)}: ${JSON.stringify(now)}`);
    await child.spool.grown(length, patience);
    if (patience.aborted) throw new Error(`The output never had ${JSON.stringify(text)}: ${JSON.stringify(now)}`);
  }
}

export async function processes(): Promise<{ pid: number; parent: number; state: string; command: string }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = pids.map(async (pid) => {
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return stat === undefined ? [] : [{ ...stat, command: command.replaceAll("\0", " ") }];
  });
  return (await Promise.all(all)).flat();
}

/** Who lives (zombies do not) and has a command line that begins so. */
export async function alive(text: string): Promise<number[]> {
  return (await processes()).filter((one) => one.state !== "Z" && one.command.startsWith(text)).map((one) => one.pid);
}

export async function isAlive(pid: number): Promise<boolean> {
  const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  return stat !== undefined && stat.state !== "Z";
}

/** A host in a process of its own, to be killed: it adopts, starts what it is given, and says so. */
export class OtherHost {
  readonly process: ChildProcess;
  #said = "";

  constructor(bed: Bed, specs: readonly ChildSpec[], wrapper: readonly string[] = []) {
    const command = [...wrapper, process.execPath, join(import.meta.dirname, "other-host.ts")];
    const [file = "", ...rest] = [...command, bed.childrenDir, bed.binary];
    this.process = spawn(file, rest, { stdio: ["pipe", "pipe", "inherit"] });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
    bed.alsoEnd(this.process.pid ?? 0);
    this.process.stdin?.end(JSON.stringify(specs));
  }

  /** Waits for a line. */
  async says(line: string): Promise<void> {
    await eventually(`the other host says ${line}`, () => {
      if (this.process.exitCode !== null) throw new Error(`The other host ended: ${this.#said}`);
      return this.#said.split("\n").some((said) => said.startsWith(line));
    });
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }
}
