// Which Node runs Hearth: the one the dependencies bring, else the machine's own if it is new enough.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Trouble } from "./trouble.mjs";

/** Type stripping without a flag, and node:sqlite as the log uses it. */
const OLDEST = [24, 16];

/** @param {string} version such as v24.21.0 */
export function newEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * Path of a Node that can run Hearth. Removes the brought one if it cannot run here (it is built for glibc), because npm
 * scripts would find it first.
 * @param {string} root
 */
export function findNode(root) {
  const brought = join(root, "node_modules/.bin/node");
  if (existsSync(brought)) {
    if (runs(brought)) return brought;
    rmSync(brought, { force: true });
  }
  if (newEnough(process.version)) return process.execPath;
  throw new Trouble(
    `Hearth runs on Node ${OLDEST.join(".")} or newer; this is ${process.version}, and there is no ready-made one for ${process.platform} ${process.arch}${musl() ? " with musl" : ""}.`,
    "Install Node 24 (https://nodejs.org/en/download) and run the same command again.",
  );
}

function runs(node) {
  try {
    return newEnough(
      execFileSync(node, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim(),
    );
  } catch {
    return false; // Another system's binary, or another C library's: as good as none.
  }
}

const musl = () => process.platform === "linux" && !process.report?.getReport().header?.glibcVersionRuntime;
