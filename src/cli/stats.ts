// `stats` and `top`: what running processes use, once or as it changes.
import { setTimeout as delay } from "node:timers/promises";
import type { HearthClient } from "../client/client.ts";
import type { Result } from "../protocol/methods.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { portsText, type Sampled } from "./ps.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import { columns, type Screen, size } from "./screen.ts";

export interface StatsOptions {
  /** False: one table, and done. */
  stream?: boolean;
  json?: boolean;
}

type Listed = Result<"process.list">["processes"][number];

/** The host looks once a second at most; processor time needs two looks. */
const EVERY_MS = 1_000;
const CLEAR = "\x1b[H\x1b[J";
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** What processes use, every second until interrupted; one table where nobody watches. */
export async function stats(
  home: string,
  ids: readonly string[],
  options: StatsOptions,
  screen: Screen,
): Promise<number> {
  using connected = await connect(home);
  const { client } = connected;
  const once = options.stream === false || (!screen.terminal && !options.json);
  let usage = await read(client, ids);
  if (once) {
    await delay(EVERY_MS);
    usage = await read(client, ids);
    show(usage, options.json ?? false, screen);
    return EXIT.done;
  }
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const whole = screen.terminal && options.json !== true;
  if (whole) screen.out(ENTER);
  try {
    while (!interrupted.signal.aborted) {
      if (whole) screen.out(CLEAR);
      show(usage, options.json ?? false, screen);
      await delay(EVERY_MS, undefined, { signal: interrupted.signal }).catch(() => undefined);
      if (!interrupted.signal.aborted) usage = await read(client, ids);
    }
  } finally {
    if (whole) screen.out(LEAVE);
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
  return EXIT.done;
}

interface Read {
  usage: Result<"process.usage">;
  names: ReadonlyMap<string, Listed>;
}

async function read(client: HearthClient, ids: readonly string[]): Promise<Read> {
  const [usage, { processes }] = await Promise.all([
    client.call("process.usage", ids.length === 0 ? {} : { process_ids: [...ids] }),
    client.call("process.list", { terminals: true }),
  ]);
  const names = new Map(processes.map((row) => [row.process_id, row]));
  const unknown = ids.find((id) => !names.has(id));
  if (unknown !== undefined)
    throw new CliError(
      `There is no process or terminal ${safeLine(unknown, 60)}: \`hearth ps --all\` shows those there are.`,
    );
  if (!usage.available) throw new CliError(usage.reason ?? "This system does not tell what processes use.");
  return { usage, names };
}

function show({ usage, names }: Read, json: boolean, screen: Screen): void {
  if (json) {
    screen.line(safeJson(usage));
    return;
  }
  if (usage.samples.length === 0) screen.err("No such process runs (`hearth ps --all` shows those that ended).\n");
  else screen.line(usageTable(usage.samples, names, screen.terminal ? screen.columns : undefined));
}

/** The busiest first. Exported for tests. */
export function usageTable(
  samples: readonly Sampled[],
  names: ReadonlyMap<string, { name: string | null; command: string }>,
  width: number | undefined,
): string {
  const sorted = samples.toSorted(
    (a, b) => (b.cpu ?? -1) - (a.cpu ?? -1) || (b.memory_bytes ?? 0) - (a.memory_bytes ?? 0),
  );
  const rows = sorted.map((one) => {
    const row = names.get(one.process_id);
    return [
      one.process_id,
      percent(one.cpu),
      one.memory_bytes === null ? "–" : size(one.memory_bytes),
      one.processes === null ? "–" : String(one.processes),
      portsText(one.listening),
      one.reason === null ? safeLine(row?.name ?? row?.command ?? "") : `(${one.reason})`,
    ];
  });
  return columns(["PROCESS", "CPU", "MEMORY", "PROCESSES", "PORTS", "NAME"], rows, width);
}

const percent = (cpu: number | null): string => (cpu === null ? "–" : `${(cpu * 100).toFixed(cpu < 0.1 ? 1 : 0)} %`);

/** The processes that one consists of, as a tree. */
export async function top(home: string, id: string, json: boolean, screen: Screen): Promise<number> {
  using connected = await connect(home);
  await connected.client.call("process.top", { process_id: id });
  await delay(EVERY_MS);
  const answer = await connected.client.call("process.top", { process_id: id });
  if (json) screen.line(safeJson(answer));
  else if (answer.reason !== null) throw new CliError(`What ${id} consists of is not known: ${answer.reason}.`);
  else screen.line(treeTable(answer.processes, screen.terminal ? screen.columns : undefined));
  return EXIT.done;
}

type Member = Result<"process.top">["processes"][number];

/** Each below its parent. Exported for tests. */
export function treeTable(members: readonly Member[], width: number | undefined): string {
  const known = new Set(members.map((one) => one.pid));
  const rows: string[][] = [];
  const add = (one: Member, depth: number): void => {
    const name = safeLine(one.name, 60) + (one.state === "Z" ? " (ended, not waited for)" : "");
    const indent = "  ".repeat(Math.min(depth, 20));
    rows.push([String(one.pid), percent(one.cpu), size(one.memory_bytes), String(one.threads), indent + name]);
    for (const child of members) if (child.parent === one.pid) add(child, depth + 1);
  };
  for (const one of members) if (!known.has(one.parent)) add(one, 0);
  return columns(["PID", "CPU", "MEMORY", "THREADS", "PROGRAM"], rows, width);
}
