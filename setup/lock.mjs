// Two set-ups of one checkout must not run at once: `npm ci` empties node_modules under the other's feet.
// Works on every system Node runs on, without flock: a lock is a file `lock.N`, and whoever creates the next number holds it.
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const HEARTBEAT_MS = 2_000;
/** A holder that has not touched its lock for so long is gone, whatever its pid says (it may be another machine's). */
const STALE_MS = 60_000;
const FREE = "free\n";

/**
 * Holds the lock in `directory` (made if missing) and resolves with the function that frees it.
 * @param {string} directory
 * @param {{ onWait?: (holder: string) => void, staleMs?: number, pollMs?: number }} [options] `onWait` is called once, if another holds it.
 * @returns {Promise<() => void>}
 */
export async function lock(directory, { onWait, staleMs = STALE_MS, pollMs = 200 } = {}) {
  mkdirSync(directory, { recursive: true });
  let told = false;
  for (;;) {
    const top = highest(directory);
    if (top === 0 || takeable(path(directory, top), staleMs)) {
      if (take(directory, top + 1)) return held(directory, top + 1);
    } else if (!told) {
      told = true;
      onWait?.(read(path(directory, top)).trim());
    }
    await delay(pollMs);
  }
}

/** Creates lock number `mine` whole or not at all. False if another was faster. */
function take(directory, mine) {
  const draft = join(directory, `draft.${process.pid}.${Math.random().toString(36).slice(2)}`);
  writeFileSync(draft, `${hostname()} ${process.pid}\n`);
  try {
    linkSync(draft, path(directory, mine));
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  // Someone may have passed us between our look and our link, and have cleared the numbers below; then ours counts for nothing.
  if (highest(directory) === mine) return true;
  rmSync(path(directory, mine), { force: true });
  return false;
}

function held(directory, mine) {
  for (const number of numbers(directory)) if (number < mine) rmSync(path(directory, number), { force: true });
  const file = path(directory, mine);
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch (error) {
      // Someone removed the directory: there is nothing left to guard.
      if (error.code !== "ENOENT") throw error;
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return () => {
    clearInterval(heartbeat);
    // Not removed: a number that vanished could be taken a second time by one who looked before.
    const draft = `${file}.free`;
    writeFileSync(draft, FREE);
    renameSync(draft, file);
  };
}

function takeable(file, staleMs) {
  const text = read(file);
  if (text === FREE || text === "") return true;
  const [host, pid] = text.trim().split(" ");
  if (host === hostname() && !alive(Number(pid))) return true;
  try {
    return Date.now() - statSync(file).mtimeMs > staleMs;
  } catch (error) {
    if (error.code === "ENOENT") return true;
    throw error;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}

const path = (directory, number) => join(directory, `lock.${number}`);
const numbers = (directory) =>
  readdirSync(directory).flatMap((name) => (/^lock\.\d+$/.test(name) ? [Number(name.slice("lock.".length))] : []));
const highest = (directory) => Math.max(0, ...numbers(directory));
