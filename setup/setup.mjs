// Makes a checkout ready to run: dependencies (they bring Node 24 too), the keeper, the page. Run by npm's pre-scripts and by
// bin/hearth, by any Node from 20 on and before node_modules exists: plain JavaScript, nothing but Node's own modules.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, utimesSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { lock } from "./lock.mjs";
import { findNode } from "./node.mjs";
import { progress } from "./progress.mjs";
import { run } from "./run.mjs";
import { fingerprint, readStamp, writeStamp } from "./stamp.mjs";
import { Trouble } from "./trouble.mjs";

const PAGE_INPUTS = ["src/web", "src/client", "src/protocol", "package-lock.json", "tsconfig.json"];
const KEEPER_INPUTS = ["native"];

/** Everything that can be told from files alone, so that a set-up with nothing to do costs milliseconds. */
function state(root) {
  const at = (...parts) => join(root, ...parts);
  const lockText = readFileSync(at("package-lock.json"));
  const wanted = {
    dependencies: createHash("sha256").update(lockText).digest("hex"),
    keeper: fingerprint(root, KEEPER_INPUTS),
    page: fingerprint(root, PAGE_INPUTS),
  };
  const stamps = {
    // Inside node_modules, so that it goes when node_modules goes.
    dependencies: at("node_modules/.hearth"),
    keeper: at(".setup/keeper"),
    page: at(".setup/page"),
  };
  const is = (name, product) => existsSync(product) && readStamp(stamps[name]) === wanted[name];
  return {
    wanted,
    stamps,
    needs: {
      dependencies: !is("dependencies", at("node_modules/.package-lock.json")),
      // Parts a checkout does not have are not made.
      keeper: existsSync(at("native/compile.mjs")) && !is("keeper", at("native/build/keeper")),
      page: existsSync(at("src/web/vite.config.ts")) && !is("page", at("dist/web/index.html")),
    },
  };
}

/** True if node_modules already holds what package-lock.json asks for, whoever installed it. */
function installed(root) {
  const packages = (file) => JSON.parse(readFileSync(join(root, file), "utf8")).packages;
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const wanted = packages("package-lock.json");
  const there = packages("node_modules/.package-lock.json");
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = there[path];
    // What npm left out because it is for another system is not missing.
    if (found === undefined) return entry.optional === true && !meantForHere(entry);
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(join(root, path));
  });
}

/** True if npm would certainly install this optional package here. */
function meantForHere({ os, cpu, libc }) {
  if (os === undefined || cpu === undefined || libc !== undefined) return false;
  return [os].flat().includes(process.platform) && [cpu].flat().includes(process.arch);
}

async function installDependencies(root, now) {
  rmSync(now.stamps.dependencies, { force: true });
  // Development packages too, whatever NODE_ENV or npm's own settings say: the page is built with them. No package of the lock
  // file has an install script, and none may get one unseen.
  const args = [
    "ci",
    "--include=dev",
    "--include=optional",
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_config_(omit|only|production|global|dry_run|prefix|location|ignore_scripts)$/i.test(name),
    ),
  );
  const npm = process.env.npm_execpath;
  try {
    if (npm?.endsWith("npm-cli.js") && existsSync(npm)) await run(process.execPath, [npm, ...args], { cwd: root, env });
    else await run("npm", args, { cwd: root, env });
  } catch (error) {
    throw npmTrouble(error);
  }
  findNode(root);
  writeStamp(now.stamps.dependencies, now.wanted.dependencies);
}

function npmTrouble(error) {
  const said = error.output ?? "";
  const what = "The dependencies could not be installed";
  if (error.code === "ENOENT")
    return new Trouble(
      `${what}: there is no npm.`,
      "Install Node with npm (https://nodejs.org/en/download) and run the same command again.",
    );
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|ENOTCACHED/.test(said))
    return new Trouble(
      `${what}: npm cannot reach its registry.`,
      "Connect to the network (or set npm's proxy) and run the same command again.",
      said,
    );
  if (/ENOSPC/.test(said))
    return new Trouble(`${what}: the disk is full.`, "Free about 500 MB and run the same command again.", said);
  if (/EACCES|EPERM|EROFS/.test(said))
    return new Trouble(
      `${what}: this directory may not be written to.`,
      "Take a checkout that belongs to you and run the same command again.",
      said,
    );
  return new Trouble(
    `${what}: npm ci failed.`,
    "See npm's own words above; after a change of package.json run `npm install`.",
    said,
  );
}

async function compileKeeper(root, now) {
  const { compile } = await import(pathToFileURL(join(root, "native/compile.mjs")).href);
  try {
    await compile({ outFile: join(root, "native/build/keeper"), force: true });
  } catch (error) {
    // It says itself what to do.
    throw new Trouble(error.message, "", error.output ?? "");
  }
  writeStamp(now.stamps.keeper, now.wanted.keeper);
}

async function buildPage(root, now) {
  const node = findNode(root);
  const draft = join(root, "dist/web.new");
  const vite = join(root, "node_modules/vite/bin/vite.js");
  try {
    await run(
      node,
      [vite, "build", "--config", "src/web/vite.config.ts", "--outDir", draft, "--emptyOutDir", "--logLevel", "warn"],
      {
        cwd: root,
        env: { ...process.env, NODE_ENV: "production" },
      },
    );
  } catch (error) {
    throw new Trouble("The page could not be built.", "See Vite's own words above.", error.output);
  }
  // In one go: a host that runs meanwhile must not serve half a page.
  const old = join(root, "dist/web.old");
  rmSync(old, { recursive: true, force: true });
  if (existsSync(join(root, "dist/web"))) renameSync(join(root, "dist/web"), old);
  renameSync(draft, join(root, "dist/web"));
  rmSync(old, { recursive: true, force: true });
  writeStamp(now.stamps.page, now.wanted.page);
}

/**
 * Does what is missing, once, however many ask at the same time. Throws Trouble.
 * @param {string} root the checkout
 */
export async function setUp(root) {
  if (!Object.values(state(root).needs).includes(true)) return touch(root);
  const show = progress();
  const free = await lock(join(root, ".setup"), {
    onWait: (holder) =>
      show.say(`Another set-up of this directory is running (process ${holder.split(" ").at(-1)}): waiting for it.`),
  });
  try {
    const now = state(root); // Again: who held the lock before may have done it all.
    const compiling = now.needs.keeper ? show.step("compiling the keeper", () => compileKeeper(root, now)) : undefined;
    const settled = compiling?.then(
      () => undefined,
      (error) => error,
    );
    if (now.needs.dependencies && !adopt(root, now))
      await show.step("installing dependencies", () => installDependencies(root, now));
    if (now.needs.page) await show.step("building the page", () => buildPage(root, now));
    const failed = await settled;
    if (failed !== undefined) throw failed;
    touch(root);
    show.done();
  } finally {
    free();
    show.end();
  }
}

/** Takes a node_modules that somebody else installed as it is, without a word. */
function adopt(root, now) {
  if (!installed(root)) return false;
  findNode(root);
  writeStamp(now.stamps.dependencies, now.wanted.dependencies);
  return true;
}

/** bin/hearth asks `find -newer` of this file instead of starting a Node to compare hashes. */
function touch(root) {
  const file = join(root, ".setup/done");
  if (!existsSync(file)) writeStamp(file, "");
  const now = new Date();
  utimesSync(file, now, now);
}

/** True if Node itself is too old for the set-up. */
const tooOld = () => Number(process.versions.node.split(".")[0]) < 20;

async function main() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
  try {
    if (tooOld())
      throw new Trouble(
        `Hearth's set-up needs Node 20 or newer; this is ${process.version}.`,
        "Install Node 24 (https://nodejs.org/en/download).",
      );
    await setUp(root);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.details) process.stderr.write(`${String(error.details).trimEnd()}\n`);
    process.stderr.write(`${`${error.message} ${error.remedy}`.trimEnd()}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
