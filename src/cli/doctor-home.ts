// What `hearth doctor` says of the home: the same that `up` would refuse, before it does, and how much room there is.
import { access, constants, readFile, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { networkFileSystem } from "../protocol/file-systems.ts";
import type { Finding } from "./doctor.ts";
import { size } from "./screen.ts";

const LEAST_BYTES = 100 * 2 ** 20;
const FEW_BYTES = 2 ** 30;

/** What is asked of the system; tests put in what they cannot mount. */
export interface HomeSystem {
  disk(path: string): Promise<{ type: number; bavail: number; bsize: number }>;
  /** The text of /proc/self/mountinfo; empty where there is none. */
  mounts(): Promise<string>;
}
const thisSystem: HomeSystem = {
  disk: (path) => statfs(path),
  mounts: () => readFile("/proc/self/mountinfo", "utf8").catch(() => ""),
};

/** A token that others can read keeps the host from starting. */
async function openToken(home: string): Promise<Finding | undefined> {
  const token = join(home, "token");
  const mode = await stat(token).then(
    (found) => found.mode,
    () => 0, // None yet: it will be made.
  );
  if ((mode & 0o077) === 0) return undefined;
  return { what: "Home", state: "missing", found: `${token} is open to other users`, remedy: `chmod 600 ${token}` };
}

/** Whose the home is or would be, who may read it, where it lies, and how much room is there. */
export async function homeFindings(home: string, system: HomeSystem = thisSystem): Promise<Finding[]> {
  const findings: Finding[] = [];
  const existing = await nearestDirectory(home);
  const set = "set HEARTH_HOME to another directory";
  if (existing === home) {
    const { mode, uid } = await stat(home);
    const mine = process.geteuid?.() ?? uid;
    if (uid !== mine)
      findings.push({ what: "Home", state: "missing", found: `${home} belongs to user ${uid}`, remedy: set });
    else if ((mode & 0o077) !== 0) {
      findings.push({
        what: "Home",
        state: "missing",
        found: `${home} is open to other users`,
        remedy: `chmod 700 ${home}`,
      });
    } else findings.push((await openToken(home)) ?? { what: "Home", state: "ok", found: home });
  } else {
    const writable = await access(existing, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
    findings.push(
      writable
        ? { what: "Home", state: "ok", found: `${home} (will be made)` }
        : { what: "Home", state: "missing", found: `${home} cannot be made below ${existing}`, remedy: set },
    );
  }
  const disk = await system.disk(existing);
  const network = await networkFileSystem(existing, disk.type, () => system.mounts());
  if (network !== undefined) {
    findings.push({
      what: "File system",
      state: "missing",
      found: `${home} is on a network file system (${network})`,
      remedy: "set HEARTH_HOME to a local directory",
    });
  }
  const free = disk.bavail * disk.bsize;
  const found = `${size(free)} free at ${existing}`;
  if (free < LEAST_BYTES) findings.push({ what: "Disk", state: "missing", found, remedy: `free some, or ${set}` });
  else if (free < FEW_BYTES)
    findings.push({ what: "Disk", state: "advice", found, remedy: "output and history need room: free some" });
  else findings.push({ what: "Disk", state: "ok", found });
  return findings;
}

async function nearestDirectory(path: string): Promise<string> {
  const found = await stat(path).then(
    (one) => one.isDirectory(),
    () => false,
  );
  return found || path === dirname(path) ? path : nearestDirectory(dirname(path));
}
