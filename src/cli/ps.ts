// `ps` and `inspect`: what runs, and all that is known of one.
import type { HearthClient } from "../client/client.ts";
import type { Result } from "../protocol/methods.ts";
import { connect } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import { columns, type Screen, span } from "./screen.ts";

type Listed = Result<"process.list">["processes"][number];
export type Sampled = Result<"process.usage">["samples"][number];

export interface PsOptions {
  all?: boolean;
  session?: string;
  /** Ids alone, one to a line. */
  quiet?: boolean;
  json?: boolean;
}

/** Lists running processes, or with `all` also those that ended. */
export async function ps(home: string, options: PsOptions, screen: Screen): Promise<number> {
  using connected = await connect(home);
  const filter = options.session === undefined ? {} : { session_id: options.session };
  const { processes } = await connected.client.call("process.list", { ...filter, terminals: true });
  const rows = processes.filter((row) => options.all || row.status === "running");
  if (options.quiet && !options.json) {
    for (const row of rows) screen.line(row.process_id);
    return EXIT.done;
  }
  const listening = await portsOf(connected.client, rows);
  if (options.json) {
    const told = rows.map((row) => ({ ...row, listening: listening.get(row.process_id) ?? [] }));
    screen.line(safeJson({ processes: told }));
  } else if (rows.length > 0) screen.line(processTable(rows, listening, screen.terminal ? screen.columns : undefined));
  else
    screen.err(
      options.all ? "No process was ever started.\n" : "No process runs (`hearth ps --all` shows those that ended).\n",
    );
  return EXIT.done;
}

type Ports = ReadonlyMap<string, Sampled["listening"]>;

/** A list is worth showing also where the system does not tell about ports. */
async function portsOf(client: HearthClient, rows: readonly Listed[]): Promise<Ports> {
  const process_ids = rows.filter((row) => row.status === "running").map((row) => row.process_id);
  if (process_ids.length === 0) return new Map();
  const samples = await client.call("process.usage", { process_ids }).then(
    (answer) => answer.samples,
    () => [],
  );
  return new Map(samples.map((one) => [one.process_id, one.listening]));
}

/** Columns that would be empty in every row are left out. Exported for tests. */
export function processTable(rows: readonly Listed[], listening: Ports, width: number | undefined): string {
  const all: readonly (readonly [string, (row: Listed) => string])[] = [
    ["PROCESS", (row) => row.process_id],
    ["STATUS", statusOf],
    ["RAN", (row) => span(row.uptime_s * 1000)],
    ["PORTS", (row) => portsText(listening.get(row.process_id) ?? [])],
    ["NAME", (row) => safeLine(row.name ?? "", 24)],
    ["SANDBOX", (row) => (row.environment_kind === "local" ? "" : safeLine(row.environment, 16))],
    ["SESSION", (row) => row.session_id ?? ""],
    ["COMMAND", (row) => safeLine(row.argv?.join(" ") ?? row.command)],
  ];
  const cells = rows.map((row) => all.map(([, cell]) => cell(row)));
  const shown = all.map((_, at) => at === 0 || cells.some((row) => row[at] !== ""));
  const only = <T>(row: readonly T[]): T[] => row.filter((_, at) => shown[at]);
  return columns(only(all.map(([heading]) => heading)), cells.map(only), width);
}

/** `3000, 127.0.0.1:5432`: the address where it is not every one, or loopback's. */
export function portsText(listening: Sampled["listening"]): string {
  const ANY = new Set(["0.0.0.0", "::", "127.0.0.1", "::1"]);
  const words = listening.map(({ address, port }) =>
    ANY.has(address) ? String(port) : `${address.includes(":") ? `[${address}]` : address}:${port}`,
  );
  return [...new Set(words)].join(", ");
}

function statusOf(row: Listed): string {
  const limit = row.limit_hit === null ? "" : `, ${row.limit_hit} limit`;
  if (row.status === "running") return `running${row.recovered ? " (adopted)" : ""}${limit}`;
  if (row.signal !== null) return `${row.status} (${row.signal}${limit})`;
  return row.exit_code === null ? row.status : `${row.status} (${row.exit_code}${limit})`;
}

/** Everything that is known of processes and terminals, as JSON: an array, as docker prints it. */
export async function inspect(home: string, ids: readonly string[], screen: Screen): Promise<number> {
  using connected = await connect(home);
  const { client } = connected;
  const { processes } = await client.call("process.list", { terminals: true });
  const { samples } = await client.call("process.usage", { process_ids: [...ids] });
  const found = await Promise.all(
    ids.map(async (id) => {
      const listed = processes.find((row) => row.process_id === id);
      if (listed === undefined)
        throw new CliError(
          `There is no process or terminal ${safeLine(id, 60)}: \`hearth ps --all\` shows those there are.`,
        );
      // The list cuts long commands; a terminal is known only there.
      const whole = id.startsWith("term_") ? {} : await client.call("process.poll", { process_id: id });
      const { process_id: _, ...usage } = samples.find((one) => one.process_id === id) ?? { process_id: id };
      return { ...listed, ...whole, usage: Object.keys(usage).length === 0 ? null : usage };
    }),
  );
  screen.line(safeJson(found, 2));
  return EXIT.done;
}
