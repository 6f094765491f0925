// Which processes are shown, in which order, and how what is known of one is said.
import type { ProcessItem } from "../hub.ts";
import { visiblePieces } from "../visible.ts";
import type { History } from "./usage.ts";

export type Which = "running" | "ended" | "all";
export type SortKey = "age" | "name" | "status" | "session" | "cpu" | "memory";
export interface Choice {
  which: Which;
  /** A session's id; null: of all. */
  session: string | null;
  text: string;
  sort: SortKey;
  /** The other way round than usual. */
  reversed: boolean;
}
export const everything: Choice = { which: "all", session: null, text: "", sort: "age", reversed: false };

type Histories = ReadonlyMap<string, History>;
type Titles = ReadonlyMap<string, string>;

/** Those that fit, in the chosen order; all words must be found somewhere in a row. */
export function arrange(
  rows: readonly ProcessItem[],
  choice: Choice,
  histories: Histories,
  titles: Titles,
): ProcessItem[] {
  const words = choice.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const fits = (row: ProcessItem): boolean => {
    if (choice.which !== "all" && (row.status === "running") !== (choice.which === "running")) return false;
    if (choice.session !== null && row.session_id !== choice.session) return false;
    if (words.length === 0) return true;
    const ports = histories.get(row.process_id)?.last.listening.map((one) => `:${one.port}`) ?? [];
    const about = [row.process_id, row.name, row.command, row.cwd, row.environment, row.status, row.owner];
    const all = [...about, titles.get(row.session_id ?? ""), ...ports].join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  };
  const order = orders(histories, titles)[choice.sort];
  const direction = choice.reversed ? -1 : 1;
  return rows.filter(fits).sort((a, b) => direction * order(a, b) || b.started_at - a.started_at);
}

type Order = (a: ProcessItem, b: ProcessItem) => number;
const statuses = ["running", "failed_start", "lost", "killed", "exited"];

function orders(histories: Histories, titles: Titles): Record<SortKey, Order> {
  const used = (row: ProcessItem, what: "cpu" | "memory_bytes") => histories.get(row.process_id)?.last[what] ?? -1;
  const text =
    (of: (row: ProcessItem) => string): Order =>
    (a, b) =>
      of(a).localeCompare(of(b));
  return {
    age: (a, b) => b.started_at - a.started_at,
    name: text((row) => (row.name ?? row.command).toLowerCase()),
    status: (a, b) => statuses.indexOf(a.status) - statuses.indexOf(b.status),
    session: text((row) => titles.get(row.session_id ?? "") ?? ""),
    cpu: (a, b) => used(b, "cpu") - used(a, "cpu"),
    memory: (a, b) => used(b, "memory_bytes") - used(a, "memory_bytes"),
  };
}

/** On one line, with everything in it that could not be seen named (A46). */
export function oneLine(text: string): string {
  return visiblePieces(text)
    .map((piece) => piece.text.replace(/⏎\n/g, "⏎ ").replace(/\n/g, " "))
    .join("");
}

const HERE = new Set(["127.0.0.1", "::1", "0.0.0.0", "::"]);
/** 127.0.0.0/8 is this machine as well, each address for itself. */
const LOOPBACK = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

export interface Port {
  /** What is shown. */
  label: string;
  /** Where it opens in a browser on this machine; null: not from here. */
  href: string | null;
}

/** Each port once; a link where this machine's own addresses lead to it. */
export function portsOf(listening: readonly { address: string; port: number }[]): Port[] {
  const ports = new Map<string, Port>();
  for (const { address, port } of listening) {
    const here = HERE.has(address);
    const host = address.includes(":") ? `[${address}]` : address;
    const label = here ? `:${port}` : `${host}:${port}`;
    // `::1` alone is not to be had under 127.0.0.1.
    const name = address === "::1" ? "[::1]" : LOOPBACK.test(address) ? address : "127.0.0.1";
    const href = here || LOOPBACK.test(address) ? `http://${name}:${port}` : null;
    const known = ports.get(label);
    if (known === undefined || address.includes(".")) ports.set(label, { label, href });
  }
  return [...ports.values()];
}

/** What it may use, in words; empty where there is no limit. */
export function limitsOf({ limits }: Pick<ProcessItem, "limits">): string {
  if (limits === null) return "";
  const { memory_bytes, cpus, pids, enforced } = limits;
  const parts = [
    ...(memory_bytes === null ? [] : [`${Math.round(memory_bytes / 1_048_576)} MiB memory`]),
    ...(cpus === null ? [] : [`${cpus} ${cpus === 1 ? "processor" : "processors"}`]),
    ...(pids === null ? [] : [`${pids} processes`]),
  ];
  if (parts.length === 0) return "";
  return `${parts.join(", ")}${enforced ? "" : " (not held: this machine has no control groups for it)"}`;
}
