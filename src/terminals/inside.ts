// What runs in a terminal and where: read from the system, because nobody tells a host what a shell starts.
import { readdir, readFile, readlink } from "node:fs/promises";

/** More are not listed: whoever closes a terminal is to see what would end, not to read a book. */
const MOST = 100;
const LONGEST_COMMAND = 200;
/** Files of the system read at the same time. */
const AT_ONCE = 32;
const ZOMBIE = "Z";

interface Stat {
  pid: number;
  parent: number;
  state: string;
  /** The group in the foreground of its terminal; 0 or less where there is none. */
  foreground: number;
}

/** Everything below `keeper` but the shell itself, the oldest first. Empty where the system does not tell. */
export async function inside(keeper: number, shell: number): Promise<{ pid: number; command: string }[]> {
  const names = await readdir("/proc").catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const stats: Stat[] = [];
  for (let at = 0; at < pids.length; at += AT_ONCE)
    stats.push(...(await Promise.all(pids.slice(at, at + AT_ONCE).map(statOf))).flatMap((one) => one ?? []));
  const children = Map.groupBy(stats, ({ parent }) => parent);
  const found: number[] = [];
  const below = [keeper];
  for (let pid = below.pop(); pid !== undefined; pid = below.pop()) {
    for (const child of children.get(pid) ?? []) {
      below.push(child.pid);
      if (child.pid !== shell && child.state !== ZOMBIE) found.push(child.pid);
    }
  }
  const oldest = found.sort((a, b) => a - b).slice(0, MOST);
  return await Promise.all(oldest.map(async (pid) => ({ pid, command: await commandOf(pid) })));
}

/** The directory of what is in the foreground of a shell's terminal, else the shell's; undefined where it cannot be told. */
export async function directoryOf(shell: number): Promise<string | undefined> {
  const leader = (await statOf(shell))?.foreground ?? 0;
  const there = leader > 0 ? await placeOf(leader) : undefined;
  return there ?? (await placeOf(shell));
}

async function placeOf(pid: number): Promise<string | undefined> {
  const place = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  // The system marks one that was removed; a name that ends like this by itself is not worth a guess.
  return place?.endsWith(" (deleted)") ? undefined : place;
}

async function statOf(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // A name may hold anything, parentheses too: the fields begin after the last one.
  const [state = "", parent, , , , foreground] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "" ? undefined : { pid, parent: Number(parent), state, foreground: Number(foreground) };
}

async function commandOf(pid: number): Promise<string> {
  const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const text = words.replaceAll("\0", " ").trim();
  if (text !== "") return text.slice(0, LONGEST_COMMAND);
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
}
