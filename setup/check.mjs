// `npm run check`: types, lint and format, then every test. Runs all three, whatever fails, and ends with 1 if anything did.
// Arguments choose: a path or part of one runs only the test files that match (and skips types and lint); what begins with `--`
// goes to node's test runner (`npm run check -- turns --test-name-pattern=S10`).
import { spawn } from "node:child_process";
import { glob, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { watchTestRunner } from "./watchdog.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith("--"));
const passedOn = words.filter((word) => word.startsWith("--"));

/** Two at a time: many tests start hosts and browsers, and a machine with two cores has to bear them. */
const CONCURRENCY = 2;

/** No test takes a tenth of this, no file a fifth, all of them a quarter: what does hangs, and is ended where it can be seen. */
const TEST_MS = 5 * 60_000;
const FILE_MS = 10 * 60_000;
const ALL_MS = 40 * 60_000;

/** Resolves with the exit code; what the tool says goes where ours goes. */
function run(file, args, { env = process.env, watch = () => undefined } = {}) {
  return new Promise((done) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
    watch(child);
    child.on("error", (error) => {
      process.stderr.write(`${file} cannot be run: ${error.message}\n`);
      done(1);
    });
    child.on("close", (code) => done(code ?? 1));
  });
}

async function testFiles() {
  const files = [];
  for await (const file of glob(["src/**/*.test.ts", "test/**/*.test.ts", "setup/**/*.test.ts"], { cwd: root }))
    files.push(file);
  return files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part))).sort();
}

/**
 * Runs them with a home directory of their own: a developer's login profile and dot files change what a shell prints and how
 * long it takes to come up. npm keeps its cache and its settings.
 */
async function runTests(files) {
  const home = await mkdtemp(join(tmpdir(), "hearth-tests-home-"));
  let unwatch = () => undefined;
  const args = [
    "--disable-warning=ExperimentalWarning",
    "--test",
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TEST_MS}`,
    // The whole tree for who chose some; failures and the closing counts for who runs them all.
    `--test-reporter=${words.length > 0 ? "spec" : "./setup/reporter.mjs"}`,
    "--test-reporter-destination=stdout",
    ...passedOn,
    ...files,
  ];
  const { HOME = homedir() } = process.env;
  const npm = { npm_config_cache: join(HOME, ".npm"), npm_config_userconfig: join(HOME, ".npmrc") };
  const say = (text) => process.stdout.write(`✖ ${text}\n`);
  try {
    return await run(process.execPath, args, {
      env: { ...npm, ...process.env, HOME: home },
      watch: (child) => {
        unwatch = watchTestRunner(child, { fileMs: FILE_MS, allMs: ALL_MS, say });
      },
    });
  } finally {
    unwatch();
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const failed = [];
async function step(name, work) {
  const began = Date.now();
  process.stdout.write(`\n── ${name}\n`);
  const code = await work();
  process.stdout.write(`── ${name}: ${code === 0 ? "ok" : "FAILED"} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
  if (code !== 0) failed.push(name);
}

if (words.length === 0) {
  await step("types (tsc)", () => run(bin("tsc"), ["-p", ".", "--noEmit"]));
  await step("lint and format (biome)", () => run(bin("biome"), ["ci", "--no-errors-on-unmatched", "."]));
}
const files = await testFiles();
if (files.length === 0) {
  process.stderr.write(`No test file matches ${wanted.join(", ")}.\n`);
  failed.push("tests");
} else {
  await step(`tests (${files.length} files)`, () => runTests(files));
}
process.stdout.write(failed.length === 0 ? "\nAll good.\n" : `\nFailed: ${failed.join(", ")}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
