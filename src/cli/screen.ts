// Where a command writes, and what kind of place that is: a person's terminal, a pipe, a log.
import type { Environment } from "../config/environment.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
const codes: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export interface Screen {
  /** True if a person can see and answer. */
  readonly interactive: boolean;
  /** True if standard output is a terminal: what is written there must be safe. */
  readonly terminal: boolean;
  readonly columns: number;
  out(text: string): void;
  err(text: string): void;
  line(text?: string): void;
  style(style: Style, text: string): string;
}

/** The process's own standard streams. Colours only for a terminal that wants them (NO_COLOR, TERM=dumb). */
export function openScreen(env: Environment, stdio: Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">): Screen {
  const { stdin, stdout, stderr } = stdio;
  const terminal = Boolean(stdout.isTTY);
  const coloured = terminal && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    interactive: terminal && Boolean(stdin.isTTY),
    terminal,
    get columns() {
      return stdout.columns || 80;
    },
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    line: (text = "") => void stdout.write(`${text}\n`),
    style: (style, text) => {
      const [on, off] = codes[style];
      return coloured && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
    },
  };
}

/**
 * Rows under headings, columns as wide as they need to be. On a terminal the last column is cut to the line's end; in a pipe
 * nothing is cut. Cells must be safe text of one line each.
 */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, at) => Math.max(...all.map((row) => [...(row[at] ?? "")].length)));
  return all
    .map((row) => {
      const line = row.map((cell, at) =>
        at === row.length - 1 ? cell : cell + " ".repeat((widths[at] ?? 0) - [...cell].length),
      );
      const text = [...line.join("  ").trimEnd()];
      return width !== undefined && text.length > width ? `${text.slice(0, width - 1).join("")}…` : text.join("");
    })
    .join("\n");
}

/** A span of time in one or two units: "3 s", "5 min", "2 h 10 min", "4 d". */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 === 0 ? `${h} h` : `${h} h ${min % 60} min`;
  return `${Math.floor(h / 24)} d`;
}

/** Bytes for a person: `512 B`, `1.5 MiB`, `12 GiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
