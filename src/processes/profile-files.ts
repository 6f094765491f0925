// Whether a file that a login shell may read has changed: asked at each start, so it looks at no more than it must.
import { lstat, stat } from "node:fs";
import path from "node:path";

const systemFiles = [
  "/etc/environment",
  "/etc/profile",
  "/etc/bash.bashrc",
  "/etc/bashrc",
  "/etc/zsh/zshenv",
  "/etc/zsh/zprofile",
  "/etc/zsh/zshrc",
  "/etc/zshenv",
  "/etc/zprofile",
  "/etc/zshrc",
];
const homeFiles = [
  ".profile",
  ".bash_profile",
  ".bash_login",
  ".bashrc",
  ".zshenv",
  ".zprofile",
  ".zshrc",
  ".zlogin",
  ".config/fish/config.fish",
];
/** A folder that has changed just now may change again within one tick of its clock, which nobody could see. */
const SETTLED_MS = 100;
const ABSENT = "-";

/** What a path says of itself; it is called back rather than thrown at, since most of these files are not there. */
function stampOf(file: string, look: typeof stat | typeof lstat = stat): Promise<string> {
  return new Promise((resolve) => {
    look(file, (error, found) =>
      resolve(error === null ? `${found.ino}/${found.mtimeMs}/${found.ctimeMs}/${found.size}` : ABSENT),
    );
  });
}

interface Known {
  home: string | undefined;
  /** Of all the files. */
  stamp: string;
  /** What has to be as it was for `stamp` to be so too: the files that are there, and the folders of those that are not. */
  watched: readonly [file: string, stamp: string][];
  /** No folder had changed just before. */
  settled: boolean;
}

export class ProfileFiles {
  readonly #system: readonly string[];
  readonly #now: () => number;
  #known: Known | null = null;
  #looking: Promise<string> | undefined;

  /** `system`: other files than this system's; `now`: another clock than the system's, in ms since the epoch. */
  constructor(o: { system?: readonly string[]; now?: () => number } = {}) {
    this.#system = o.system ?? systemFiles;
    this.#now = o.now ?? Date.now;
  }

  /** Changes whenever one of the files does, comes or goes. Those who ask together share one look. */
  async stamp(home: string | undefined): Promise<string> {
    await this.#looking; // one that began before may have seen a file before its change
    this.#looking ??= this.#look(home).finally(() => {
      this.#looking = undefined;
    });
    return await this.#looking;
  }

  async #look(home: string | undefined): Promise<string> {
    const known = this.#known;
    if (known !== null && known.home === home && known.settled) {
      const same = await Promise.all(known.watched.map(async ([file, was]) => (await stampOf(file)) === was));
      if (same.every(Boolean)) return known.stamp;
    }
    this.#known = await this.#lookAtAll(home);
    return this.#known.stamp;
  }

  async #lookAtAll(home: string | undefined): Promise<Known> {
    const from = this.#now();
    const files = [
      ...this.#system.map((file) => ({ file, top: "/" })),
      ...(home === undefined ? [] : homeFiles.map((name) => ({ file: path.join(home, name), top: home }))),
    ];
    const folders = new Set(files.flatMap(({ file, top }) => foldersOf(file, top)));
    // The folders first: a file that comes after they were looked at shows in them.
    const stamps = await stampsOf(folders);
    const found = await stampsOf(files.map(({ file }) => file));
    const watched = new Map<string, string>();
    for (const { file, top } of files)
      for (const one of [file, ...foldersOf(file, top)]) {
        const stamp = found.get(one) ?? stamps.get(one) ?? ABSENT;
        // A link that leads nowhere may lead somewhere without a change to its folder.
        const link = stamp === ABSENT && (await stampOf(one, lstat)) !== ABSENT;
        if (stamp !== ABSENT || link || one === top) watched.set(one, stamp);
        if (stamp !== ABSENT) break;
      }
    const settled = [...watched].every(([file, stamp]) => found.has(file) || changedAt(stamp) < from - SETTLED_MS);
    return { home, stamp: [...found.values()].join(" "), watched: [...watched], settled };
  }
}

/** From the nearest one up to `top`. */
function foldersOf(file: string, top: string): string[] {
  const folder = path.dirname(file);
  return folder === top || folder === file ? [folder] : [folder, ...foldersOf(folder, top)];
}

async function stampsOf(files: Iterable<string>): Promise<Map<string, string>> {
  return new Map(await Promise.all([...files].map(async (file) => [file, await stampOf(file)] as const)));
}

const changedAt = (stamp: string): number => Number(stamp.split("/")[2] ?? 0);
