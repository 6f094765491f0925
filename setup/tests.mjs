// Runs test files by node's test runner: with a home directory of their own, watched for what hangs, and those that fail once more.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ALL } from "./failed-files.mjs";
import { watchTestRunner } from "./watchdog.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Two at a time: many tests start hosts and browsers, and a machine with two cores has to bear them. */
const CONCURRENCY = 2;

/** No test takes a tenth of this, no file a fifth, all of them a quarter: what does hangs, and is ended where it can be seen. */
const TEST_MS = 5 * 60_000;
const FILE_MS = 10 * 60_000;
const ALL_MS = 40 * 60_000;

/** More files than this that fail are no accident of the machine: they are not run again. */
const MOST_AGAIN = 2;

/** Resolves with the exit code; what the tool says goes where ours goes. */
export function run(file, args, { env = process.env, cwd = root, watch = () => undefined } = {}) {
  return new Promise((done) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
    watch(child);
    child.on("error", (error) => {
      process.stderr.write(`${file} cannot be run: ${error.message}\n`);
      done(1);
    });
    child.on("close", (code) => done(code ?? 1));
  });
}

/**
 * One run of node's test runner over `files`; `flags` go to it as they are. Answers its exit code, the files in which
 * something failed, and whether it came to its end: one that was killed has not run them all. A developer's login profile and
 * dot files change what a shell prints and how long it takes to come up: so the tests have an empty home. npm keeps its cache
 * and its settings.
 */
async function runOnce(files, { cwd, reporter, flags, concurrency }) {
  const home = await mkdtemp(join(tmpdir(), "hearth-tests-home-"));
  const failedList = `${home}.failed`;
  let unwatch = () => undefined;
  const args = [
    "--disable-warning=ExperimentalWarning",
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_MS}`,
    `--test-reporter=${reporter}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${join(root, "setup/failed-files.mjs")}`,
    `--test-reporter-destination=${failedList}`,
    ...flags,
    ...files,
  ];
  const { HOME = homedir(), NODE_TEST_CONTEXT: _, ...env } = process.env;
  const npm = { npm_config_cache: join(HOME, ".npm"), npm_config_userconfig: join(HOME, ".npmrc") };
  const say = (text) => process.stdout.write(`✖ ${text}\n`);
  try {
    const code = await run(process.execPath, args, {
      cwd,
      env: { ...npm, ...env, HOME: home },
      watch: (child) => {
        unwatch = watchTestRunner(child, { fileMs: FILE_MS, allMs: ALL_MS, say });
      },
    });
    const list = await readFile(failedList, "utf8").catch(() => ""); // a runner that was killed may have written none
    const failed = new Set(list.split("\n").filter((line) => line !== ""));
    const whole = failed.delete(ALL);
    return { code, failed: [...failed], whole };
  } finally {
    unwatch();
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    await rm(failedList, { force: true });
  }
}

/**
 * Runs test files; answers the exit code, and which files were unsteady. With `again`, one or two files that fail are run
 * once more, one at a time: real browsers, shells and servers on a busy machine fail now and then for reasons of the
 * machine's. What passes then is not hidden: it is named as unsteady, with its failure above, and is somebody's next task.
 */
export async function runTests(files, { cwd = root, reporter, flags = [], again = false }) {
  const first = await runOnce(files, { cwd, reporter, flags, concurrency: CONCURRENCY });
  const repeated =
    first.code !== 0 && first.whole && again && first.failed.length > 0 && first.failed.length <= MOST_AGAIN;
  if (!repeated) return { code: first.code, unsteady: [] };
  const names = (list) => list.map((file) => relative(cwd, file));
  process.stdout.write(`\nOnce more, one at a time: ${names(first.failed).join(", ")}\n`);
  const second = await runOnce(first.failed, { cwd, reporter, flags, concurrency: 1 });
  return { code: second.code, unsteady: names(first.failed.filter((file) => !second.failed.includes(file))) };
}
