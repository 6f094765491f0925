// Which tree a listening socket belongs to. Open files are looked through only when a socket appears that is nobody's yet.
import type { Listening } from "./messages.ts";

/** Which sockets belong to none of our trees is looked at again after this: a process can have been missed. */
const FOREIGN_MS = 10_000;
const MOST_LISTENING = 64;

type Trees = ReadonlyMap<string, readonly { pid: number }[]>;

export class Ports {
  readonly #socketsOf: (pid: number) => readonly string[];
  readonly #now: () => number;
  /** By the number of the socket: the id of a tree, or null for none of ours. */
  readonly #owners = new Map<string, string | null>();
  #foreignAt = 0;
  #known = new Set<string>();

  /** `socketsOf`: the numbers of the sockets that a process has open. */
  constructor(socketsOf: (pid: number) => readonly string[], now: () => number) {
    this.#socketsOf = socketsOf;
    this.#now = now;
  }

  /** Where each tree listens, by its id. `listening` must have been read before the trees. */
  of(listening: ReadonlyMap<string, Listening>, trees: Trees): Map<string, Listening[]> {
    this.#forget(listening, trees);
    const unknown = new Set([...listening.keys()].filter((inode) => !this.#owners.has(inode)));
    if (unknown.size > 0) this.#find(unknown, trees);
    const found = new Map<string, Listening[]>();
    for (const [inode, one] of listening) {
      const owner = this.#owners.get(inode);
      if (typeof owner === "string") add(found, owner, one);
    }
    for (const those of found.values()) those.sort((a, b) => a.port - b.port || a.address.localeCompare(b.address));
    return found;
  }

  #forget(listening: ReadonlyMap<string, Listening>, trees: Trees): void {
    const isNew = [...trees.keys()].some((id) => !this.#known.has(id));
    this.#known = new Set(trees.keys());
    const again = isNew || this.#now() - this.#foreignAt > FOREIGN_MS;
    if (again) this.#foreignAt = this.#now();
    for (const [inode, owner] of this.#owners) {
      const isStale = owner === null ? again : !trees.has(owner);
      if (isStale || !listening.has(inode)) this.#owners.delete(inode);
    }
  }

  #find(unknown: Set<string>, trees: Trees): void {
    for (const [id, members] of trees) {
      for (const { pid } of members) {
        for (const inode of this.#socketsOf(pid)) if (unknown.delete(inode)) this.#owners.set(inode, id);
      }
      if (unknown.size === 0) return;
    }
    for (const inode of unknown) this.#owners.set(inode, null);
  }
}

function add(found: Map<string, Listening[]>, owner: string, one: Listening): void {
  const those = found.get(owner) ?? [];
  found.set(owner, those);
  const isThere = those.some((is) => is.port === one.port && is.address === one.address);
  if (!isThere && those.length < MOST_LISTENING) those.push(one);
}
