// What this machine offers for limits: which control groups there are, where this process stands in them, whether it may
// make groups of its own there.
import { access, constants, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export const CONTROLLERS = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Where groups can be made: one directory for all controllers (version 2), or one for each (version 1). */
export interface Place {
  version: 1 | 2;
  controllers: readonly Controller[];
  directory: string;
}

/** What was found without changing anything. `why`: what keeps some or all limits from working; null if nothing does. */
export interface Survey {
  places: Place[];
  why: string | null;
}

/** Where the kernel's files are; tests have others. */
export interface Kernel {
  /** `/proc` */
  proc: string;
}

/** The group that this process moves into where it has to leave its own to others (version 2). */
export const HOST_GROUP = "hearth-host";

interface Mount {
  type: string;
  root: string;
  point: string;
  options: string[];
}

/** `\040` for a blank, as the kernel writes it. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

function mountsOf(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after] = line.split(" - ");
    const [, , , root = "", point = ""] = before.split(" ");
    const [type = "", , options = ""] = (after ?? "").split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    return [{ type, root: unescaped(root), point: unescaped(point), options: options.split(",") }];
  });
}

/** The directory of a group, seen through a mount; undefined if the mount does not show it. */
function directoryOf(mount: Mount, group: string): string | undefined {
  if (group === mount.root) return mount.point;
  const inside =
    mount.root === "/" ? group : group.startsWith(`${mount.root}/`) ? group.slice(mount.root.length) : null;
  return inside === null || inside.includes("/..") ? undefined : join(mount.point, inside);
}

async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
const words = (line: string): string[] => line.split(/\s+/).filter((word) => word !== "");

/** Looks, and changes nothing. */
export async function survey({ proc }: Kernel = { proc: "/proc" }): Promise<Survey> {
  const [mountInfo, own] = await Promise.all([text(join(proc, "self/mountinfo")), text(join(proc, "self/cgroup"))]);
  const mounts = mountsOf(mountInfo);
  const groups = own.split("\n").map((line) => {
    const [, controllers = "", ...path] = line.split(":");
    return { controllers: controllers.split(","), path: path.join(":") };
  });
  if (mounts.length === 0) return { places: [], why: "this machine has no control groups" };
  const troubles: string[] = [];
  const places: Place[] = [];
  const missing = new Set<Controller>(CONTROLLERS);
  const take = async (place: Place): Promise<void> => {
    if (place.controllers.length === 0) return;
    const trouble = await whyNotWritable(place);
    if (trouble !== null) return void troubles.push(trouble);
    places.push(place);
    for (const controller of place.controllers) missing.delete(controller);
  };
  for (const mount of mounts.filter(({ type }) => type === "cgroup2")) {
    const group = groups.find(({ controllers }) => controllers[0] === "" && controllers.length === 1)?.path;
    const found = group === undefined ? undefined : directoryOf(mount, group);
    if (found === undefined) continue;
    const aside = basename(found) === HOST_GROUP;
    const directory = aside ? dirname(found) : found;
    // With DelegateSubgroup= systemd starts it beside its children; without, it finds no place for the next one.
    if (directory.endsWith(".service") && !aside) {
      troubles.push(
        `${directory} is a service's without DelegateSubgroup=${HOST_GROUP}, which systemd could not start again once it is divided`,
      );
      continue;
    }
    const offered = words(await text(join(directory, "cgroup.controllers")));
    await take({ version: 2, controllers: CONTROLLERS.filter((one) => offered.includes(one)), directory });
  }
  for (const mount of mounts.filter(({ type }) => type === "cgroup")) {
    const controllers = [...missing].filter((one) => mount.options.includes(one));
    const group = groups.find((one) => controllers.some((controller) => one.controllers.includes(controller)))?.path;
    const directory = group === undefined ? undefined : directoryOf(mount, group);
    if (directory !== undefined) await take({ version: 1, controllers, directory });
  }
  if (troubles.length > 0) return { places, why: troubles.join("; ") };
  if (missing.size === 0) return { places, why: null };
  return { places, why: `its control groups do not offer ${[...missing].join(", ")} to this process` };
}

async function whyNotWritable({ directory, version }: Place): Promise<string | null> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    // Who may not write here may not move a process from here into a group below.
    if (version === 2) await access(join(directory, "cgroup.procs"), constants.W_OK);
    return null;
  } catch (error) {
    return `${directory} may not be written (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** Makes `directory/hearth/NAME` a place whose groups can have limits. Throws the system's error where it cannot be. */
export async function settle(place: Place, name: string, kernel: Kernel = { proc: "/proc" }): Promise<string> {
  const base = join(place.directory, "hearth", name);
  if (place.version === 2) await handOut(place, kernel);
  await mkdir(base, { recursive: true });
  if (place.version === 2) {
    await enable(dirname(base), place.controllers);
    await enable(base, place.controllers);
  } else if (place.controllers.includes("memory")) {
    // Older kernels count a group's children only where this is said; newer ones always do, and some refuse to be told.
    await writeFile(join(base, "memory.use_hierarchy"), "1").catch(() => undefined);
  }
  return base;
}

/** Lets groups below a group have limits (version 2). */
export async function enable(directory: string, controllers: readonly Controller[]): Promise<void> {
  const file = join(directory, "cgroup.subtree_control");
  const enabled = words(await readFile(file, "utf8"));
  const missing = controllers.filter((controller) => !enabled.includes(controller));
  if (missing.length > 0) await writeFile(file, missing.map((controller) => `+${controller}`).join(" "));
}

/**
 * A group of version 2 that hands out controllers may have no process of its own. If all that are in it are this process
 * and those that it was started by, they move into a group beside the children's; others are not ours to move.
 */
async function handOut({ directory, controllers }: Place, { proc }: Kernel): Promise<void> {
  const members = words(await text(join(directory, "cgroup.procs")));
  // The kernel objects only where memory is among the controllers: the others make a group of threads instead, below which
  // no other group can have processes. The root of all, which alone has no type, may have both.
  if (members.length > 0 && (await text(join(directory, "cgroup.type"))) !== "") {
    const ours = await ancestry(proc);
    const strangers = members.filter((pid) => !ours.has(pid));
    if (strangers.length > 0)
      throw new Error(`${directory} has other processes in it (${strangers.slice(0, 3).join(", ")})`);
    const aside = join(directory, HOST_GROUP);
    await mkdir(aside, { recursive: true });
    for (const pid of members) await writeFile(join(aside, "cgroup.procs"), pid);
  }
  await enable(directory, controllers);
}

/** This process and all it was started by. */
async function ancestry(proc: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let pid = String(process.pid); pid !== "0" && pid !== "" && !found.has(pid); ) {
    found.add(pid);
    const stat = await text(join(proc, pid, "stat"));
    pid = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? "";
  }
  return found;
}
