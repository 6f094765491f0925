// `npm pack` runs this first: makes what the package carries. The page and the keepers are built, the sources compiled to
// `lib`, because Node strips no types below node_modules. `lib` has the shape of `src`, so every path between files holds.
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { progress } from "./progress.mjs";
import { run } from "./run.mjs";
import { setUp } from "./setup.mjs";
import { Trouble } from "./trouble.mjs";

const root = resolve(fileURLToPath(new URL("..", import.meta.url)));
const at = (...parts) => join(root, ...parts);
const draft = at("lib.new");

/** What begins a thread is named by an address, which no compiler follows. */
const THREAD = /\bnew URL\([^;\n]*?"(\.\.?\/[^"]+\.ts)"[^;\n]*import\.meta\.url/g;
const isTest = (file) => /\.test\.ts$|\/(testing|fixtures|web)\//.test(file);

/** The modules that others are reached from: the command line's and those of the threads. */
async function entries() {
  const found = [at("src/cli/main.ts")];
  for (const name of await readdir(at("src"), { recursive: true })) {
    const file = at("src", name);
    if (!file.endsWith(".ts") || isTest(file)) continue;
    for (const [, to = ""] of (await readFile(file, "utf8")).matchAll(THREAD)) found.push(join(file, "..", to));
  }
  return found;
}

/** Only what is reached from the entries: no test, nothing of the page. */
async function compileSources() {
  await rm(draft, { recursive: true, force: true });
  const config = at(".setup/package.tsconfig.json");
  const compilerOptions = {
    ...{ noEmit: false, noEmitOnError: true, declaration: false, sourceMap: false, removeComments: true },
    // As Node 24 runs it: nothing is rewritten for older ones but the endings of imported files.
    ...{ target: "esnext", rewriteRelativeImportExtensions: true, rootDir: at("src"), outDir: draft },
  };
  await writeFile(
    config,
    JSON.stringify({ extends: at("tsconfig.json"), compilerOptions, include: [], files: await entries() }),
  );
  try {
    await run(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", config], { cwd: root });
  } catch (error) {
    throw new Trouble("The sources could not be compiled.", "See the compiler's own words above.", error.output);
  }
  await writeFile(join(draft, "cli/start.mjs"), await readFile(at("src/cli/start.mjs")));
  const files = (await readdir(draft, { recursive: true })).filter((file) => /\.m?js$/.test(file));
  for (const file of files) await finish(file);
  await rm(at("lib"), { recursive: true, force: true });
  await rename(draft, at("lib"));
}

const { dependencies } = JSON.parse(await readFile(at("package.json"), "utf8"));
const packageOf = (specifier) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** Of a package, at the beginning of a module or inside it. */
const IMPORT = /^(?:(?:import|export)\b[^"\n=]*|\} from )"([^."][^"]*)";$|\bimport\("([^."][^"]*)"\)/gm;

/** Addresses of modules get their new endings; what would only work in a checkout is found here and not by a user. */
async function finish(file) {
  const path = join(draft, file);
  const text = (await readFile(path, "utf8")).replace(/(["'`])(\.\.?\/[^"'`\n]+)\.ts\1/g, "$1$2.js$1");
  for (const [, fixed, dynamic] of text.matchAll(IMPORT)) {
    const specifier = fixed ?? dynamic;
    if (!specifier.startsWith("node:") && dependencies[packageOf(specifier)] === undefined)
      throw new Trouble(
        `src/${file.replace(/js$/, "ts")} imports ${specifier}, which an installed package does not have.`,
        "Name it among the dependencies of package.json.",
      );
  }
  await writeFile(path, text);
}

async function main() {
  await setUp(root);
  const show = progress();
  try {
    const { compile, targets } = await import("../native/compile.mjs");
    const keepers = Object.keys(targets).map((target) =>
      show.step(`compiling the keeper for ${target}`, () => compile({ target, force: true })),
    );
    const done = await Promise.allSettled([...keepers, show.step("compiling the sources", compileSources)]);
    for (const { reason } of done) if (reason !== undefined) throw reason;
    show.done();
  } finally {
    show.end();
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof Trouble && error.details) process.stderr.write(`${String(error.details).trimEnd()}\n`);
  process.stderr.write(`${`${error.message} ${error.remedy ?? ""}`.trimEnd()}\n`);
  process.exitCode = 1;
}
