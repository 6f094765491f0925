// One connection to a far machine for all that runs there. Its master is a child of its own keeper, so that it outlives the
// host as the processes do; the next host finds it among what was adopted.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import type { SshConfig } from "./configured.ts";
import { environmentFor, textOf } from "./errands.ts";
import type { Said, SandboxContext } from "./types.ts";
import { lastWords, SandboxFailed } from "./words.ts";

export const MASTER = "sshmaster_";
const CONNECT_MS = 30_000;
const READY = "hearth: connected";
/** Who ran over a connection hears of its end a moment before it has gone. */
const WORDS_MS = 2_000;
/** What `ssh` needs to find keys and agents. */
const sshVariables = ["SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "KRB5CCNAME"];

/** First words win over the person's own settings: these must hold for anything here to work. */
const always = [
  ...["-o", "BatchMode=yes", "-o", "RemoteCommand=none", "-o", "ForwardX11=no"],
  ...["-o", "ClearAllForwardings=yes"],
];
/** Whatever runs there could use the person's keys meanwhile: only where the sandbox itself says so, not by the person's settings. */
const alone = ["-o", "ForwardAgent=no"];
/**
 * A far end that says nothing for a minute is gone (the fourth question of one every 15 s is not asked any more), which TCP
 * alone would take hours to say. What the sandbox's own options say of it comes first.
 */
const patience = [
  ...["-o", "ConnectTimeout=20", "-o", "TCPKeepAlive=yes"],
  ...["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"],
];

interface Master {
  child: Child;
  socket: string;
}

export class SshConnection {
  readonly #config: SshConfig;
  readonly #context: SandboxContext;
  readonly #keepers: Keepers;
  /** Sockets lie here: the path of one may have 107 bytes, so ssh is run in this folder and told a short name. */
  readonly folder: string;
  /** Of name, host and options: each sandbox has a connection of its own, or one would end what another uses. */
  readonly fingerprint: string;
  /** A new connection stands. */
  onConnected: () => void = () => undefined;
  #master: Promise<Master> | undefined;
  /** Of connections that are over, until their files are gone: what the last one said. */
  #over: Promise<string> = Promise.resolve("");

  constructor(config: SshConfig, context: SandboxContext, keepers: Keepers, adopted: readonly Adopted[]) {
    this.#config = config;
    this.#context = context;
    this.#keepers = keepers;
    this.folder = path.join(context.home, "ssh");
    const { host, options } = config;
    this.fingerprint = createHash("sha256")
      .update(JSON.stringify([context.name, host, options]))
      .digest("hex")
      .slice(0, 16);
    const found = adopted.find((one) => this.#isOurs(one));
    if (found === undefined || !("child" in found)) return;
    this.#master = Promise.resolve({ child: found.child, socket: socketOf(found.child) });
    this.#over = this.#forgetWhenClosed(found.child);
  }

  #isOurs(one: Adopted): boolean {
    if (!("child" in one) || !one.child.id.startsWith(MASTER) || one.child.end !== undefined) return false;
    return one.child.spec.facts?.fingerprint === this.fingerprint;
  }

  /** Of this machine: the words that run `command` (for the far shell to read) there. Connects first where it must. */
  async words(command: string, tty: "-T" | "-tt" = "-T"): Promise<{ argv: string[]; env: Record<string, string> }> {
    const { socket } = await this.#connected();
    const { host, options } = this.#config;
    const argv = [
      ...["ssh", tty, "-o", "ControlMaster=no", "-o", `ControlPath=${socket}`, "-o", "LogLevel=ERROR"],
      ...[...always, ...options, ...alone, ...patience, "--", host, command],
    ];
    return { argv, env: this.#env };
  }

  get #env(): Record<string, string> {
    return environmentFor(this.#context.environment, sshVariables);
  }

  /** Runs a command there to its end. */
  async run(command: string, input?: Uint8Array, limitMs = CONNECT_MS): Promise<Said> {
    const { argv } = await this.words(command);
    const how = { environment: sshVariables, cwd: this.folder, limitMs };
    return await this.#context.run(argv, input === undefined ? how : { ...how, input });
  }

  async #connected(): Promise<Master> {
    const known = this.#master;
    if (known !== undefined) {
      const master = await known.catch(() => undefined);
      if (master !== undefined && master.child.end === undefined) return master;
      if (this.#master === known) this.#master = undefined;
    }
    // Those that come together share one.
    this.#master ??= this.#connect();
    return await this.#master;
  }

  async #connect(): Promise<Master> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const id = `${MASTER}${randomBytes(6).toString("hex")}`;
    const socket = socketName(id);
    await rm(path.join(this.folder, socket), { force: true });
    const { host, options } = this.#config;
    const child = await this.#keepers.start({
      id,
      argv: [
        ...["ssh", "-N", "-T", "-o", "ControlMaster=yes", "-o", `ControlPath=${socket}`, "-o", "ControlPersist=no"],
        // Run once the connection stands and can be used by others.
        ...["-o", "PermitLocalCommand=yes", "-o", `LocalCommand=echo "${READY}"`],
        ...[...always, ...options, ...alone, ...patience, "--", host],
      ],
      env: this.#env,
      cwd: this.folder,
      mode: "pipe",
      facts: { sandbox: this.#context.name, fingerprint: this.fingerprint },
      quotaBytes: 1024 * 1024,
    });
    try {
      await this.#ready(child);
      this.onConnected();
      return { child, socket };
    } finally {
      // Not before: its files go with it, and its words are in them.
      this.#over = this.#forgetWhenClosed(child);
    }
  }

  async #ready(child: Child): Promise<void> {
    const late = AbortSignal.timeout(CONNECT_MS);
    for (;;) {
      const { length, ended } = child.spool;
      const said = await textOf(child);
      if (said.includes(READY)) return;
      if (ended || child.end !== undefined || late.aborted) {
        await child.kill({ graceMs: 0, firstSignal: 9 });
        await Promise.race([child.closed, delay(2_000, undefined, { ref: false })]);
        const words = lastWords(await textOf(child));
        const why = words === "" ? "no answer in time" : `ssh says "${words}"`;
        throw new SandboxFailed(this.#context.name, `${this.#config.host} cannot be reached: ${why}`);
      }
      await Promise.race([child.spool.grown(length, late), child.exited]);
    }
  }

  /** Answers its last words. Never rejects. */
  async #forgetWhenClosed(child: Child): Promise<string> {
    await child.closed;
    try {
      const words = lastWords((await textOf(child)).replace(READY, ""));
      await forgetMaster(this.#keepers, child, this.folder);
      return words;
    } catch (error) {
      this.#context.warn(`the files of ${child.id} could not be removed: ${String(error)}`);
      return "";
    }
  }

  /** What a connection that is over said last, for those whose end it explains; empty while it stands. Never rejects. */
  async lastWords(): Promise<string> {
    return await Promise.race([this.#over, delay(WORDS_MS, "", { ref: false })]);
  }

  /** Ends the connection unless processes use it: then the next host goes on with it. */
  async close(inUse: boolean): Promise<void> {
    const master = await this.#master?.catch(() => undefined);
    if (!inUse && master !== undefined) await master.child.kill({ graceMs: 1_000 });
  }
}

const socketName = (id: string): string => `m-${id.slice(MASTER.length)}`;
const socketOf = (child: Child): string => socketName(child.id);

async function forgetMaster(keepers: Keepers, child: Child, folder: string): Promise<void> {
  await rm(path.join(folder, socketOf(child)), { force: true });
  await keepers.forget(child.id);
}

/** Ends connections that belong to no sandbox as it is configured now, unless a process still runs over them. */
export async function endForgotten(
  keepers: Keepers,
  adopted: readonly Adopted[],
  used: (child: Child) => boolean,
  folder: string,
): Promise<void> {
  const uses = (socket: string) => (one: Adopted) => {
    if (!("child" in one) || one.child.end !== undefined || one.child.id.startsWith(MASTER)) return false;
    const { argv, transport } = one.child.spec;
    return (transport?.argv ?? argv).includes(`ControlPath=${socket}`);
  };
  for (const one of adopted) {
    const id = "child" in one ? one.child.id : one.id;
    if (!id.startsWith(MASTER)) continue;
    if (!("child" in one)) await keepers.forget(id);
    else if (one.child.end !== undefined) await forgetMaster(keepers, one.child, folder);
    else if (!used(one.child) && !adopted.some(uses(socketOf(one.child)))) {
      await one.child.kill({ graceMs: 1_000 });
      await one.child.closed;
      await forgetMaster(keepers, one.child, folder);
    }
  }
}
