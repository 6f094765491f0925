// `npm run faults`: every test that injects a fault, with many rounds each, and a table of what came of them. Ends with 1 on
// any violation.
//   --rounds N    rounds for each fault (100)
//   --minutes N   about how long it may take in all (20); what does not fit is left out, and the table says how many were done
//   --write       puts the table into docs/faults.md
//   WORD…         only the test files whose path contains one of these
import { glob, readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FIGURES } from "../support/rounds.ts";
import { inOrder, type Line, page, printed } from "./report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** All that is in these is run. */
const WHOLE = ["test/faults/*.test.ts", "test/flow/kill-host.test.ts", "test/flow/process-api.test.ts"];
/** Of these, what is named by a fault, or by an attack by what a process prints, asks for or is told. */
const OTHERS = ["src/**/*.test.ts", "test/flow/*.test.ts"];
const NAMED = /\b(?:F\d+|A25|A42|A47|A49)(?:, [A-Z]\d+)*: /;
/** What a file may take past its share before it is held to hang. */
const PATIENCE_MS = 5 * 60_000;

interface Chosen {
  path: string;
  whole: boolean;
  /** How often it asks how many rounds there are to be. */
  loops: number;
}

const count = (text: string, otherwise: number): number => {
  const number = Number(text);
  return number > 0 ? number : otherwise;
};

/** Those without rounds first: what they leave of the time is for the others. */
async function files(words: readonly string[]): Promise<Chosen[]> {
  const found = new Map<string, Chosen>();
  for (const [patterns, whole] of [
    [WHOLE, true],
    [OTHERS, false],
  ] as const)
    for await (const path of glob(patterns, { cwd: root })) {
      if (found.has(path) || (words.length > 0 && !words.some((word) => path.includes(word)))) continue;
      const text = await readFile(join(root, path), "utf8");
      if (whole || NAMED.test(text)) found.set(path, { path, whole, loops: text.split("new Rounds(").length - 1 });
    }
  return [...found.values()].sort((a, b) => a.loops - b.loops || (a.path < b.path ? -1 : 1));
}

/** Runs one file; every test of it is one line. */
async function lines({ path, whole }: Chosen, limitMs: number): Promise<Line[]> {
  const found: Line[] = [];
  const stream = run({
    files: [join(root, path)],
    concurrency: 1,
    signal: AbortSignal.timeout(Math.ceil(limitMs)),
    ...(whole ? {} : { testNamePatterns: [NAMED] }),
  });
  /** What is under way, from the suite at the top down. */
  const names: string[] = [];
  const subject = (nesting: number): string => names.slice(0, nesting).join(", ");
  stream.on("test:start", ({ name, nesting }) => {
    names[nesting] = name;
  });
  stream.on("test:pass", ({ name, nesting, details, skip }) => {
    if (details.type === "suite") return;
    found.push(line(subject(nesting), name, details.duration_ms, undefined, skip));
  });
  stream.on("test:fail", ({ name, nesting, details }) => {
    const { cause } = details.error;
    const why = cause instanceof Error ? cause.message : String(cause ?? details.error.message);
    // A suite fails because of a test in it, or by itself, in its hooks.
    const inside = "failureType" in details.error && details.error.failureType === "subtestsFailed";
    if (details.type !== "suite" || !inside)
      found.push(line(subject(nesting), name, details.duration_ms, why.split("\n", 1)[0]));
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

function line(about: string, name: string, ms: number, violation?: string, skip?: string | boolean): Line {
  const [, rows = "", what = name] = /^((?:[A-Z]\d+(?:, )?)+): (.*)$/.exec(name) ?? [];
  const skipped = skip !== undefined && skip !== false;
  const whole = about === "" ? what : `${about}: ${what}`;
  return { rows, what: whole, rounds: skipped ? "0" : "1", figures: skipped ? `skipped: ${skip}` : "", ms, violation };
}

function machine(): string {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const load = `load average ${loadavg()[0]?.toFixed(1)} as it began`;
  return `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${memory}; ${type()} ${release()}; Node ${process.versions.node}; ${load}`;
}

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    minutes: { type: "string", default: "20" },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const rounds = Math.ceil(count(values.rounds, 100));
const began = performance.now();
const facts = machine();
const until = began + count(values.minutes, 20) * 60_000;
const chosen = await files(positionals);
const all: Line[] = [];
for (const [at, file] of chosen.entries()) {
  const loopsLeft = chosen.slice(at).reduce((sum, { loops }) => sum + loops, 0);
  const left = Math.max(1_000, until - performance.now());
  process.env.HEARTH_ROUNDS = String(rounds);
  process.env.HEARTH_ROUNDS_SECONDS = String(Math.max(1, Math.floor(left / 1000 / Math.max(1, loopsLeft))));
  process.stderr.write(`${at + 1} of ${chosen.length}: ${file.path}\n`);
  const told = await lines(file, left + PATIENCE_MS);
  if (told.length === 0) told.push(line("", file.path, 0, "it told nothing"));
  all.push(...told);
}
const sorted = inOrder(all);
const violated = sorted.filter(({ violation }) => violation !== undefined);
process.stdout.write(`${printed(sorted)}\n`);
for (const { rows, what, violation } of violated) process.stdout.write(`\n${rows} ${what}\n  ${violation}\n`);
process.stdout.write(`\n${all.length} faults, ${violated.length} violated.\n`);
if (values.write && positionals.length > 0)
  process.stderr.write("docs/faults.md is left as it was: a table of some of them misleads.\n");
else if (values.write) {
  const minutes = (performance.now() - began) / 60_000;
  const when = `${new Date().toISOString().slice(0, 10)}, in ${minutes.toFixed(1)} minutes, at most ${rounds} rounds each. ${facts}.`;
  await writeFile(join(root, "docs/faults.md"), page(sorted, when));
}
process.exitCode = violated.length > 0 || all.length === 0 ? 1 : 0;
