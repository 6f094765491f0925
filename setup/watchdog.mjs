// Ends what hangs: a test file that never ends keeps node's test runner waiting for ever, whatever time-out its tests have, and
// so does one that ended and left somebody with its output open. A run that is ended says where it stood; one that hangs does not.
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const lookEveryMs = 2_000;

/** The processes that `pid` started itself: id and command line. */
async function childrenOf(pid) {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,args="], { maxBuffer: 64 << 20 });
  return stdout.split("\n").flatMap((line) => {
    const [, child, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === pid ? [{ pid: Number(child), command }] : [];
  });
}

/** The test file of a command line, as the reporter names it. */
function fileOf(command) {
  const file = command.split(" ").findLast((word) => /\.test\.[cm]?[jt]s$/.test(word));
  return file === undefined ? command : relative(process.cwd(), file);
}

/**
 * Watches a test runner until it ends: a file that takes longer than `fileMs` is killed, and the runner counts it as failed;
 * after `allMs` the runner itself is killed. `say` hears of both. Answers a function that ends the watch.
 */
export function watchTestRunner(runner, { fileMs, allMs, say, everyMs = lookEveryMs }) {
  const begun = performance.now();
  const seen = new Map();
  let over = false;
  async function look() {
    const children = await childrenOf(runner.pid);
    const now = performance.now();
    for (const { pid, command } of children) {
      const key = `${pid} ${command}`;
      const first = seen.get(key) ?? now;
      seen.set(key, first);
      if (over || now - first < fileMs) continue;
      say(`${fileOf(command)} has not ended after ${Math.round(fileMs / 1000)} s: killed`);
      process.kill(pid, "SIGKILL");
      seen.delete(key);
    }
    if (over || now - begun < allMs) return;
    const open = children.map(({ command }) => fileOf(command)).join(", ") || "none: an ended one left its output open";
    say(`The tests have not ended after ${Math.round(allMs / 1000)} s: killed. Files that still ran: ${open}`);
    for (const { pid } of children) process.kill(pid, "SIGKILL");
    runner.kill("SIGKILL");
  }
  // A process may be gone between the look and the kill: the next look finds it so.
  const timer = setInterval(() => look().catch((error) => say(`The watch over the tests: ${error.message}`)), everyMs);
  return () => {
    over = true;
    clearInterval(timer);
  };
}
