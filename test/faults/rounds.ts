// `npm run faults`: the fault tests with many rounds each, and a table of what came of them. Ends with 1 on any violation.
//   --rounds N    rounds for each fault (100)
//   --minutes N   about how long it may take in all (20); what does not fit is left out, and the table says how many were done
//   WORD…         only the test files whose path contains one of these
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FIGURES } from "../support/rounds.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FILES = ["test/faults/*.test.ts", "test/flow/kill-host.test.ts", "test/flow/process-api.test.ts"];
/** What a file may take past its share before it is held to hang. */
const PATIENCE_MS = 5 * 60_000;

interface Line {
  rows: string;
  what: string;
  rounds: string;
  figures: string;
  ms: number;
  violation: string | undefined;
}

const count = (text: string, otherwise: number): number => {
  const number = Number(text);
  return number > 0 ? number : otherwise;
};

async function files(words: readonly string[]): Promise<{ path: string; loops: number }[]> {
  const found = [];
  for await (const path of glob(FILES, { cwd: root })) {
    if (words.length > 0 && !words.some((word) => path.includes(word))) continue;
    const loops = (await readFile(join(root, path), "utf8")).split("new Rounds(").length - 1;
    found.push({ path, loops });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Runs one file; every test of it is one line. */
async function lines(path: string, limitMs: number): Promise<Line[]> {
  const found: Line[] = [];
  const stream = run({ files: [join(root, path)], concurrency: 1, signal: AbortSignal.timeout(Math.ceil(limitMs)) });
  stream.on("test:pass", ({ name, details }) => {
    if (details.type !== "suite") found.push(line(name, details.duration_ms, undefined));
  });
  stream.on("test:fail", ({ name, details }) => {
    const { cause } = details.error;
    const why = cause instanceof Error ? cause.message : String(cause ?? details.error.message);
    // A suite fails because of a test in it, or by itself, in its hooks.
    const inside = "failureType" in details.error && details.error.failureType === "subtestsFailed";
    if (details.type !== "suite" || !inside) found.push(line(name, details.duration_ms, why.split("\n", 1)[0]));
  });
  stream.on("test:diagnostic", ({ message }) => {
    const last = found.at(-1);
    const figures = new RegExp(`^${FIGURES} (\\d+)(?: · (.*))?$`).exec(message);
    if (last === undefined || figures === null) return;
    last.rounds = figures[1] ?? "";
    last.figures = figures[2] ?? "";
  });
  for await (const _ of stream);
  return found;
}

function line(name: string, ms: number, violation: string | undefined): Line {
  const [, rows = "", what = name] = /^((?:[A-Z]\d+(?:, )?)+): (.*)$/.exec(name) ?? [];
  return { rows, what, rounds: "1", figures: "", ms, violation };
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function table(all: readonly Line[]): string {
  const head = ["row", "fault", "rounds", "violations", "figure", "s"];
  const cells = all.map(({ rows, what, rounds, figures, ms, violation }) => [
    rows,
    cut(what, 76),
    rounds,
    violation === undefined ? "0" : "VIOLATED",
    figures,
    (ms / 1000).toFixed(1),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const drawn = [head, widths.map((width) => "-".repeat(width)), ...cells];
  return drawn.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`).join("\n");
}

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "100" }, minutes: { type: "string", default: "20" } },
  allowPositionals: true,
});
const rounds = Math.ceil(count(values.rounds, 100));
const until = performance.now() + count(values.minutes, 20) * 60_000;
const chosen = await files(positionals);
const all: Line[] = [];
for (const [at, { path }] of chosen.entries()) {
  const loopsLeft = chosen.slice(at).reduce((sum, { loops }) => sum + loops, 0);
  const left = Math.max(1_000, until - performance.now());
  process.env.HEARTH_ROUNDS = String(rounds);
  process.env.HEARTH_ROUNDS_SECONDS = String(Math.max(1, Math.floor(left / 1000 / Math.max(1, loopsLeft))));
  process.stderr.write(`${at + 1} of ${chosen.length}: ${path}\n`);
  const told = await lines(path, left + PATIENCE_MS);
  if (told.length === 0) told.push(line(path, 0, "it told nothing"));
  all.push(...told);
}
const violated = all.filter(({ violation }) => violation !== undefined);
process.stdout.write(`${table(all)}\n`);
for (const { rows, what, violation } of violated) process.stdout.write(`\n${rows} ${what}\n  ${violation}\n`);
process.stdout.write(`\n${all.length} faults, ${violated.length} violated.\n`);
process.exitCode = violated.length > 0 || all.length === 0 ? 1 : 0;
