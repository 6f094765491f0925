// `run`, `wait`, `kill`, `send`: processes of the host, as in docker.
import type { HearthClient } from "../client/client.ts";
import type { Params, Result } from "../protocol/methods.ts";
import { ask } from "./ask.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT, exitCodeOf, outcomeOf } from "./failure.ts";
import { type LimitOptions, limitsFrom } from "./run-limits.ts";
import { safe, safeJson, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

export interface RunOptions extends LimitOptions {
  pty?: boolean;
  watch?: string[];
  watchRegex?: string[];
  notify?: string;
  name?: string;
  cwd?: string;
  sandbox?: string;
  json?: boolean;
}

/** Starts a background process and prints its id. */
export async function run(
  home: string,
  argv: readonly string[],
  options: RunOptions,
  cwd: string,
  screen: Screen,
): Promise<number> {
  using connected = await connect(home);
  const { rows, columns: cols } = process.stdout;
  const params: Params<"process.start"> = {
    argv: [...argv],
    cwd: options.cwd ?? cwd,
    mode: options.pty ? "pty" : "pipe",
  };
  if (options.name !== undefined) params.name = options.name;
  if (options.sandbox !== undefined) params.sandbox = options.sandbox;
  params.limits = limitsFrom(options);
  const { watch = [], watchRegex = [] } = options;
  if (watch.length + watchRegex.length > 0)
    params.watch_patterns = [...watch, ...watchRegex.map((regex) => ({ regex }))];
  if (options.notify !== undefined) Object.assign(params, { session_id: options.notify, notify_on_complete: true });
  if (options.pty && rows > 0 && cols > 0) Object.assign(params, { rows, cols });
  const row = await connected.client.call("process.start", params);
  for (const note of row.notes) screen.err(`${safeLine(note)}\n`);
  if (row.status === "failed_start")
    throw new CliError(`It could not start: ${safeLine(row.reason ?? "no reason was given")}.`);
  screen.line(options.json ? safeJson(row) : row.process_id);
  return EXIT.done;
}

/**
 * Waits for the end of all of them, over restarts of the host. Exits as the one did, 128 + n for signal n; of several as the
 * first of them that did not end with 0, and a line for each, in the order given, says how it ended.
 */
export async function wait(home: string, ids: readonly string[], json: boolean, screen: Screen): Promise<number> {
  using connected = await connect(home, { reconnect: true });
  const several = ids.length > 1;
  const waits = ids.map((id) => waitForEnd(connected.client, id));
  // Each is looked at in its turn: until then nobody hears of one that fails.
  for (const one of waits) one.catch(() => undefined);
  const ends: Result<"process.wait">[] = [];
  let code: number = EXIT.done;
  for (const [index, waiting] of waits.entries()) {
    try {
      const end = await waiting;
      ends.push(end);
      if (end.exit_code === null) screen.err(`${end.process_id} was lost: what it ended with is not known.\n`);
      if (several && !json) screen.line(String(exitCodeOf(end.exit_code)));
      code ||= exitCodeOf(end.exit_code);
    } catch (error) {
      if (!several) throw error;
      code ||= sayFailed(ids[index] ?? "", error, screen);
    }
  }
  if (json) screen.line(safeJson(several ? { processes: ends } : ends[0]));
  return code;
}

/** Of several one that cannot be had keeps nobody from the others. Throws what no answer of the host is. */
function sayFailed(id: string, error: unknown, screen: Screen): number {
  const outcome = outcomeOf(error);
  if (outcome === undefined || isTransient(error)) throw error;
  screen.err(`${safeLine(id)}: ${safe(outcome.message)}\n`);
  return outcome.exitCode;
}

async function waitForEnd(client: HearthClient, id: string): Promise<Result<"process.wait">> {
  for (;;) {
    try {
      const answer = await client.call("process.wait", { process_id: id, timeout: 120 });
      if (answer.status === "exited") return answer;
    } catch (error) {
      // The host went away while we waited: the process did not notice, and the next host is asked the same.
      if (!isTransient(error)) throw error;
    }
  }
}

const transient = new Set<unknown>(["disconnected", "stopping", "cancelled"]);
/** True where the host went away, and the next one can be asked again. */
export const isTransient = (error: unknown): boolean =>
  error instanceof Error && "reason" in error && transient.has(error.reason);

export interface KillOptions {
  /** Asks nobody. */
  force?: boolean;
  /** Sends this, and waits for nothing. */
  signal?: Params<"process.signal">["signal"];
  json?: boolean;
}

/**
 * Ends a process with everything it started, or a terminal. A person is asked before a terminal in which something runs is
 * ended, unless `force`; a script never.
 */
export async function kill(
  home: string,
  ids: readonly string[],
  { force = false, signal, json = false }: KillOptions,
  screen: Screen,
): Promise<number> {
  using connected = await connect(home);
  let code: number = EXIT.done;
  const done: string[] = [];
  const endOne = async (id: string): Promise<"done" | "left" | "running"> => {
    if (signal !== undefined) await connected.client.call("process.signal", { process_id: id, signal });
    else if (id.startsWith("term_")) {
      if (!force && !(await mayEnd(connected.client, id, screen))) return "left";
      await connected.client.call("terminal.close", { terminal_id: id });
    } else {
      const { status, note } = await connected.client.call("process.kill", { process_id: id });
      if (status === "already_exited") screen.err(`${id} had ended already.\n`);
      if (status === "running") {
        const running = `was asked to end and still runs: \`hearth kill --signal KILL ${id}\` ends it.`;
        screen.err(`${id}${note === undefined ? ` ${running}` : `: ${note}`}\n`);
        return "running";
      }
    }
    return "done";
  };
  for (const id of ids) {
    try {
      const how = await endOne(id);
      if (how === "running") code = EXIT.failed;
      if (how !== "done") continue;
    } catch (error) {
      if (ids.length === 1) throw error;
      code = sayFailed(id, error, screen);
      continue;
    }
    if (json) done.push(id);
    else screen.line(id);
  }
  if (json) screen.line(safeJson({ [signal === undefined ? "killed" : "signalled"]: done }));
  return code;
}

async function mayEnd(client: HearthClient, id: string, screen: Screen): Promise<boolean> {
  if (!screen.interactive) return true;
  const { processes } = await client.call("terminal.inside", { terminal_id: id });
  if (processes.length === 0) return true;
  for (const one of processes) screen.err(`  ${one.pid}  ${safeLine(one.command, 100)}\n`);
  return /^y/i.test((await ask(`These run in ${id} and would end too. End it? [y/N] `)) ?? "");
}

/** Sends a line of input, or with `end` the end of input. */
export async function send(home: string, id: string, words: readonly string[], end: boolean): Promise<number> {
  using connected = await connect(home);
  const text = words.join(" ");
  if (id.startsWith("term_")) {
    const data = Buffer.from(end ? `${text}\u0004` : `${text}\r`);
    const { bytes } = await connected.client.call("terminal.input", {
      terminal_id: id,
      data: { base64: data.toString("base64") },
    });
    if (bytes < data.length)
      throw new CliError(
        `Only ${bytes} of ${data.length} bytes were taken: the line is too long for the program, or it does not read.`,
      );
    return EXIT.done;
  }
  if (words.length > 0 || !end) await connected.client.call("process.submit", { process_id: id, data: text });
  if (end) await connected.client.call("process.close", { process_id: id });
  return EXIT.done;
}

/** Names a terminal. */
export async function rename(home: string, id: string, title: string, json: boolean, screen: Screen): Promise<number> {
  using connected = await connect(home);
  const row = await connected.client.call("terminal.rename", { terminal_id: id, title });
  screen.line(json ? safeJson(row) : safeLine(row.title ?? row.name));
  return EXIT.done;
}
