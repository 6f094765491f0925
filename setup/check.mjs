// `npm run check`: types, lint and format, then every test. Runs all three, whatever fails, and ends with 1 if anything did.
// Arguments choose: a path or part of one runs only the test files that match (and skips types and lint); what begins with `--`
// goes to node's test runner (`npm run check -- turns --test-name-pattern=S10`).
import { glob } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { run, runTests } from "./tests.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith("--"));
const passedOn = words.filter((word) => word.startsWith("--"));

async function testFiles() {
  const files = [];
  for await (const file of glob(["src/**/*.test.ts", "test/**/*.test.ts", "setup/**/*.test.ts"], { cwd: root }))
    files.push(file);
  return files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part))).sort();
}

const failed = [];
let unsteady = [];
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
  await step(`tests (${files.length} files)`, async () => {
    const tests = await runTests(files, {
      // The whole tree for who chose some; failures and the closing counts for who runs them all.
      reporter: words.length > 0 ? "spec" : "./setup/reporter.mjs",
      flags: passedOn,
      again: words.length === 0,
    });
    unsteady = tests.unsteady;
    return tests.code;
  });
}
if (unsteady.length > 0)
  process.stdout.write(
    `\nUNSTEADY: failed beside others, passed alone (the failures are above): ${unsteady.join(", ")}\n`,
  );
process.stdout.write(failed.length === 0 ? "\nAll good.\n" : `\nFailed: ${failed.join(", ")}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
