// `hearth up --detach`: the host in the background, watched by the launcher, which starts it again when it dies.
import { spawn } from "node:child_process";
import { access, lstat, mkdir, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { keeperBinary } from "../config/keeper-binary.ts";
import type { Settings } from "../config/settings.ts";
import { CliError, EXIT } from "./failure.ts";
import { answers } from "./host-file.ts";
import { safe } from "./safe-text.ts";

const READY_WITHIN_MS = 30_000;
const PROBE_MS = 100;

/** Resolves when the host answers. Throws CliError with the end of its log if it does not come up. */
export async function detach(settings: Pick<Settings, "home" | "root">, port: number | undefined): Promise<void> {
  const keeper = (await keeperBinary(settings.root)).path;
  const log = join(await makeLogs(settings.home), "up.log");
  const begin = await stat(log).then(
    ({ size }) => size,
    () => 0,
  );
  const up = [
    process.execPath,
    ...process.execArgv,
    join(import.meta.dirname, "start.mjs"),
    "up",
    "--no-open",
    "--supervised",
  ];
  const command = [...up, ...(port === undefined ? [] : ["--port", String(port)])];
  const supervisor = await startSupervisor(keeper, log, command);
  for (const end = performance.now() + READY_WITHIN_MS; performance.now() < end; await delay(PROBE_MS)) {
    if (await answers(settings.home, 1_000)) return;
    // A host that ended by itself says why, and would say the same each time it is started again.
    if (!isRunning(supervisor) || refusedItself.test(await tail(log, begin))) break;
  }
  const [first = ""] = safe(await tail(log, begin)).split(/^hearth supervisor: /m);
  const said = first.replace(/^hearth: /gm, "").trim();
  if (isRunning(supervisor)) process.kill(supervisor, "SIGTERM");
  throw new CliError(
    `${said === "" ? "" : `${said}\n`}The host did not come up; its log is ${log}.`,
    refusedConfiguration.test(await tail(log, begin)) ? EXIT.refused : EXIT.failed,
  );
}

const refusedItself = /^hearth supervisor: .*\(code \d+\)/m;
const refusedConfiguration = /^hearth supervisor: .*\(code 78\)/m;

/** Resolves with the directory. */
async function makeLogs(home: string): Promise<string> {
  const logs = join(home, "logs");
  const unlessThere = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EEXIST") throw error;
  };
  try {
    // Not recursive without need: it never comes back where a file system has no place for directories, as /proc.
    const recursive = await access(dirname(home)).then(
      () => false,
      () => true,
    );
    await mkdir(home, { recursive, mode: 0o700 }).catch(unlessThere);
    await mkdir(logs, { mode: 0o700 }).catch(unlessThere);
    for (const place of [home, logs]) await checkOwn(place);
    return logs;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(
      `${home} cannot be made (${code}): set HEARTH_HOME to a directory that you may write to.`,
      EXIT.refused,
      {
        cause: error,
      },
    );
  }
}

/** The host looks too, but the supervisor writes before there is one: through no link, and in nobody else's directory (A15). */
async function checkOwn(place: string): Promise<void> {
  const found = await lstat(place);
  if (found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid())) return;
  const what = found.isSymbolicLink() ? "is a symbolic link" : found.isDirectory() ? "is not yours" : "is no directory";
  throw new CliError(`${place} ${what}: move it away.`, EXIT.refused);
}

/** Resolves with the supervisor's pid. */
async function startSupervisor(keeper: string, log: string, command: readonly string[]): Promise<number> {
  // Not from a directory that somebody may want to unmount or remove.
  const child = spawn(keeper, ["supervise", "--log", log, "--", ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", reject);
  child.once("exit", () => resolve());
  await promise;
  const pid = Number.parseInt(out, 10);
  if (!(pid > 0))
    throw new CliError(`The host could not be put into the background: ${err.trim() || "the keeper said nothing"}.`);
  return pid;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // Gone.
  }
}

async function tail(path: string, from: number): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const start = Math.max(from, size - 4_000);
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(Math.max(0, size - start)),
    0,
    Math.max(0, size - start),
    start,
  );
  return buffer.toString("utf8", 0, bytesRead);
}
