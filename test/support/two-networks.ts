// Two networks of the test's own with a cable between them that can be pulled. Linux, as root.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { canRun, isRoot } from "./root.ts";

const run = promisify(execFile);
const nearAddresses = ["10.213.7.1", "10.213.7.3"] as const;
let made = 0;

/** Whether this machine lets a test make networks. */
export function mayMakeNetworks(): boolean {
  const probe = `hearth-probe-${process.pid}`;
  const possible = isRoot && canRun("ip", "netns", "add", probe);
  if (possible) canRun("ip", "netns", "del", probe);
  return possible;
}

export class TwoNetworks implements AsyncDisposable {
  /** Where the far one's programs listen, as the near one sees it. */
  readonly farAddress = "10.213.7.2";
  readonly #near: string;
  readonly #far: string;

  private constructor(name: string) {
    this.#near = `${name}-near`;
    this.#far = `${name}-far`;
  }

  static async make(): Promise<TwoNetworks> {
    const networks = new TwoNetworks(`hearth-${process.pid}-${made++}`);
    const near = networks.#near;
    const far = networks.#far;
    for (const one of [near, far]) await run("ip", ["netns", "add", one]);
    // Both ends are made where they belong: this machine's own network never sees them.
    await run("ip", ["-n", near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", far]);
    await run("ip", ["-n", near, "addr", "add", `${nearAddresses[0]}/29`, "dev", "cable"]);
    await run("ip", ["-n", far, "addr", "add", `${networks.farAddress}/29`, "dev", "cable"]);
    for (const one of [near, far])
      for (const link of ["lo", "cable"]) await run("ip", ["-n", one, "link", "set", link, "up"]);
    return networks;
  }

  /** Commands that execute another one in there. */
  get near(): string[] {
    return ["ip", "netns", "exec", this.#near];
  }
  get far(): string[] {
    return ["ip", "netns", "exec", this.#far];
  }

  /** Nothing comes through any more, in either direction, and neither end is told. */
  async pull(): Promise<void> {
    await run("ip", ["-n", this.#far, "link", "set", "cable", "down"]);
  }
  /** As it was; with `moved` the near one has another address by now, so that of old connections nothing comes through. */
  async plug({ moved = false } = {}): Promise<void> {
    const [before, then] = nearAddresses;
    if (moved) {
      await run("ip", ["-n", this.#near, "addr", "del", `${before}/29`, "dev", "cable"]);
      await run("ip", ["-n", this.#near, "addr", "add", `${then}/29`, "dev", "cable"]);
    }
    await run("ip", ["-n", this.#far, "link", "set", "cable", "up"]);
    // Who was not to be found while it was pulled is looked for anew.
    await run("ip", ["-n", this.#near, "neigh", "flush", "dev", "cable"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [this.#near, this.#far]) await run("ip", ["netns", "del", one]);
  }
}
