// Runs the benchmarks, each in a process of its own so that none leaves its heap to the next, and shows where each figure stands.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Benchmark, type Figure, Report, shortTable, table } from "./report.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    filter: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
    one: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const preface = `# Where the figures stand

Made by \`npm run bench -- --write\`. Figures move from machine to machine and with whatever else it does (see its load); the baseline beside each comes from the same run.`;

if (values.help) {
  console.log(
    "npm run bench -- [--filter ID]… [--write]\n  --filter N1  only this row; may be repeated\n  --write      put the tables into bench/RESULTS.md and README.md",
  );
} else if (values.one !== undefined) {
  await runOne(values.one);
} else {
  process.exitCode = await runAll();
}

/** In the child: the figures go to the parent as they come. */
async function runOne(file: string): Promise<void> {
  const benchmark: Benchmark = await import(pathToFileURL(file).href);
  const report = new Report({
    filter: values.filter,
    onFigure: (figure) => process.send?.(figure),
    progress: (text) => console.error(`  ${text}`),
  });
  if (benchmark.rows?.some((id) => report.wants(id)) ?? true) await benchmark.default(report);
  process.disconnect?.();
}

async function runAll(): Promise<number> {
  const files = (await readdir(here)).filter((name) => name.endsWith(".bench.ts")).sort();
  const facts = machine();
  const figures: Figure[] = [];
  const broken: string[] = [];
  for (const name of files) {
    console.error(name);
    const filters = values.filter.flatMap((id) => ["--filter", id]);
    const child: ChildProcess = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), "--one", join(here, name), ...filters],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    child.on("message", (figure: Figure) => {
      if (values.filter.length === 0 || values.filter.includes(figure.id)) figures.push(figure);
    });
    const [code, signal] = await once(child, "close");
    if (code !== 0) broken.push(`${name} ended with ${signal ?? `exit code ${code}`}`);
  }
  const text = `${facts}\n\n${table(figures)}\n`;
  console.log(text);
  for (const one of broken) console.error(`Failed: ${one}`);
  if (values.write && broken.length > 0) console.error("RESULTS.md is left as it was: a table with gaps misleads.");
  else if (values.write && values.filter.length > 0) console.error("Only whole runs are written: leave out --filter.");
  else if (values.write) {
    await writeFile(join(here, "RESULTS.md"), `${preface}\n\n${text}`);
    await writeReadme(`${facts}\n\n${shortTable(figures)}`);
  }
  return broken.length === 0 ? 0 : 1;
}

/** README shows the figures that have an aim, between two comments. */
async function writeReadme(figures: string): Promise<void> {
  const [begin, end] = ["<!-- figures: npm run bench -- --write -->", "<!-- end of figures -->"];
  const file = join(here, "../README.md");
  const text = await readFile(file, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no place for the figures: "${begin}" … "${end}".`);
  await writeFile(file, `${text.slice(0, from)}${begin}\n${figures}\n\n${text.slice(to)}`);
}

function machine(): string {
  const [first] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  // Whatever else the machine does moves every figure.
  const load = `load average ${loadavg()[0]?.toFixed(1)} as it began`;
  return `${first?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores, ${memory}; ${type()} ${release()}; Node ${process.versions.node}; ${load}.`;
}
