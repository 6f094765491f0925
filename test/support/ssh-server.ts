// A real sshd of the test's own: on loopback or in a network of its own, with keys, a configuration and a cache directory in a folder that goes with it.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { processes } from "../../src/keeper/testing/bed.ts";
import { eventually } from "./eventually.ts";

const run = promisify(execFile);

/** Default: on loopback, run by nothing in between. */
interface Where {
  address?: string;
  /** A command that executes the server, such as `ip netns exec`. */
  through?: readonly string[];
}

export class SshServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #address: string;
  readonly #through: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, { address = "127.0.0.1", through = [] }: Where) {
    this.folder = folder;
    this.port = port;
    this.#address = address;
    this.#through = through;
  }

  static async start(where: Where = {}): Promise<SshServer> {
    const folder = await mkdtemp(join(tmpdir(), "hearth-sshd-"));
    const server = new SshServer(folder, await freePort(), where);
    await server.#write();
    await server.up();
    return server;
  }

  /** As one says it to ssh. */
  get host(): string {
    return `${userInfo().username}@${this.#address}`;
  }
  /** What the person's ssh is told to reach it, and to take nothing from the person's own settings. */
  get options(): string[] {
    const known = join(this.folder, "known_hosts");
    return [
      ...["-F", "none", "-p", String(this.port), "-i", join(this.folder, "key"), "-o", "IdentitiesOnly=yes"],
      ...["-o", `UserKnownHostsFile=${known}`, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes"],
    ];
  }
  /** Where Hearth puts its own files at the far end. */
  get cache(): string {
    return join(this.folder, "cache");
  }

  async #write(): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    await mkdir(this.cache);
    for (const name of ["key", "host"]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(name)]);
    const [key, host] = await Promise.all(["key.pub", "host.pub"].map((name) => readFile(at(name), "utf8")));
    await writeFile(at("authorized"), key ?? "");
    await writeFile(at("known_hosts"), `[${this.#address}]:${this.port} ${host}`);
    const lines = [
      `Port ${this.port}`,
      `ListenAddress ${this.#address}`,
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("authorized")}`,
      // Not the person's own home: neither its start-up files nor anything else of it is meant.
      `SetEnv HOME=${this.folder} XDG_CACHE_HOME=${this.cache}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "MaxSessions 200",
      "MaxStartups 200",
      "PrintLastLog no",
      "PrintMotd no",
    ];
    await writeFile(at("sshd_config"), `${lines.join("\n")}\n`);
  }

  async up(): Promise<void> {
    if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
    const [program = "", ...words] = [...this.#through, "/usr/sbin/sshd", "-D", "-e", "-f"];
    const child = spawn(program, [...words, join(this.folder, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-10_000);
    });
    this.#process = child;
    await eventually("sshd listens", () => {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
      return said.includes("Server listening");
    });
  }

  /** SIGKILL for every connection, and with `listener` for the server: the far end is gone without a word. */
  async cut(listener = false): Promise<void> {
    const root = this.#process?.pid;
    if (root === undefined) return;
    const all = await processes();
    const below = (pid: number): number[] =>
      all
        .filter((one) => one.parent === pid && one.command.startsWith("sshd"))
        .flatMap((one) => [one.pid, ...below(one.pid)]);
    const victims = below(root);
    if (listener) await this.#stop();
    for (const pid of victims) kill(pid);
  }

  async #stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut(true);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen({ host: "127.0.0.1", port: 0 }, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}
