// The names under which this host may be asked for, and the origins its own pages have.
import type { Door } from "./admission.ts";

export interface Names {
  /** As listened on. */
  host: string;
  port: number;
  /** `name` or `name:port`, allowed by a person beside loopback. */
  allowed: readonly string[];
  tls: boolean;
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

export class HostNames {
  readonly #tcp = new Set<string>();
  readonly #unix = new Set(["localhost"]);
  readonly #allowed = new Set<string>();
  readonly #scheme: "http" | "https";

  constructor({ host, port, allowed, tls }: Names) {
    this.#scheme = tls ? "https" : "http";
    for (const name of allowed.map((one) => one.toLowerCase())) {
      this.#allowed.add(name);
      // Behind a proxy the port is not ours to know; without one it is.
      if (!/:\d+$/.test(name)) this.#allowed.add(`${name}:${port}`);
    }
    const own = isWildcard(host) ? [] : [host.includes(":") ? `[${host}]` : host.toLowerCase()];
    for (const name of [...LOOPBACK, ...own]) {
      this.#tcp.add(`${name}:${port}`);
      if (port === (tls ? 443 : 80)) this.#tcp.add(name);
    }
    for (const name of this.#allowed) this.#tcp.add(name);
    for (const name of this.#tcp) this.#unix.add(name);
  }

  hosts = (door: Door): ReadonlySet<string> => (door === "tcp" ? this.#tcp : this.#unix);

  /** True for a name that a person has listed: a proxy, which may run as anybody, passes on what was asked under it. */
  isListed = (host: string): boolean => this.#allowed.has(host.toLowerCase());

  /** A page of ours has the origin it was loaded from, which is the host it asks; a proxy may add the TLS. */
  origins = (host: string): readonly string[] => {
    const own = `${this.#scheme}://${host}`;
    return this.#allowed.has(host) ? [own, `https://${host}`] : [own];
  };
}

/** Listening everywhere is no name: a page may reach 0.0.0.0 as if it were loopback (A13). */
const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
