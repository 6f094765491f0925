// A far machine over ssh: the inside half is copied there once, and everything is as exact as here. Where it cannot run, a
// shell stands in for it (far-shell.ts), and that is said.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Adopted, Child, Keepers } from "../keeper/keepers.ts";
import type { SshConfig } from "./configured.ts";
import { FarHalves } from "./far-halves.ts";
import { FarShell } from "./far-shell.ts";
import { JudgedChild } from "./judged-child.ts";
import { SshConnection } from "./ssh-connection.ts";
import type { Sandbox, SandboxContext, SandboxRequest, Way } from "./types.ts";
import { lastWords, quoted, SandboxFailed } from "./words.ts";

const START_MS = 60_000;
const MARK = "hearth:";
/** Systems that the inside half is built for, as `uname -s -m` names them. */
const builds: Readonly<Record<string, string>> = {
  "Linux x86_64": "x64",
  "Linux amd64": "x64",
  "Linux aarch64": "arm64",
  "Linux arm64": "arm64",
};

interface Build {
  bytes: Buffer;
  hash: string;
}

/** What the far machine has said of itself. */
interface Far {
  system: string;
  /** Where a command would run. */
  cwd: string;
  /** True if that is the folder asked for. */
  asAsked: boolean;
  /** Path of an inside half that runs there, by the hashes that were asked for. */
  keeper: string | undefined;
}

export class Ssh implements Sandbox {
  readonly kind = "ssh";
  readonly sameSystem = false;
  /** The far person's own shell, as at a login. */
  readonly shell = ["/bin/sh", "-c", `exec "\${SHELL:-/bin/sh}" -lc "$0"`];
  readonly limited = "nowhere";
  readonly startMs = START_MS;
  readonly about: string;
  readonly #config: SshConfig;
  readonly #context: SandboxContext;
  readonly #connection: SshConnection;
  readonly #farShell: FarShell;
  readonly #halves: FarHalves;
  #builds: Promise<Map<string, Build>> | undefined;
  /** Why the inside half cannot run there; it is not tried again with every start. */
  #without: string | undefined;

  /** `lives`: whether a process, by its id, runs or is being started. */
  constructor(
    config: SshConfig,
    context: SandboxContext,
    keepers: Keepers,
    adopted: readonly Adopted[],
    lives: (id: string) => boolean,
  ) {
    this.#config = config;
    this.#context = context;
    this.about = config.host;
    this.#connection = new SshConnection(config, context, keepers, adopted);
    this.#farShell = new FarShell(this.#connection, context);
    this.#halves = new FarHalves(this.#connection, context, lives);
    if (!config.keeper) this.#without = "the settings say so";
  }

  get fingerprint(): string {
    return this.#connection.fingerprint;
  }

  async enter(request: SandboxRequest): Promise<Way> {
    const wanted = this.#config.cwd ?? request.cwd;
    this.#builds ??= this.#findBuilds();
    const all = await this.#builds;
    const far = await this.#ask(wanted, all);
    const notes = far.asAsked ? [] : [`There is no ${wanted} on ${this.#config.host}: it runs in ${far.cwd}.`];
    const keeper = this.#without === undefined ? (far.keeper ?? (await this.#copy(far, all))) : undefined;
    if (keeper !== undefined) {
      const words = await this.#connection.words(await this.#halves.words(keeper, request.id));
      return { transport: { ...words, cwd: this.#connection.folder }, cwd: far.cwd, notes };
    }
    const why = `Best effort: without Hearth's keeper there (${this.#without}) what leaves its process group may outlive a kill.`;
    return { transport: this.#farShell.proxy(request, far.cwd), cwd: far.cwd, notes: [...notes, why] };
  }

  async wrap(child: Child, begun: boolean): Promise<Child> {
    if (child.spec.transport === undefined) return await this.#farShell.wrap(child, begun);
    // Those that run over a connection go without a word when it breaks: it alone knows why.
    return new JudgedChild(child, async (end) => {
      if (end.kind !== "lost" || end.reason !== "transport_gone" || end.words) return end;
      return { ...end, words: await this.#connection.lastWords() };
    });
  }

  /** The inside halves there are, by system. */
  async #findBuilds(): Promise<Map<string, Build>> {
    const found = new Map<string, Build>();
    for (const arch of new Set(Object.values(builds))) {
      const file = await this.#context.keeperFor("linux", arch);
      if (file === undefined) continue;
      const bytes = await readFile(file);
      found.set(arch, { bytes, hash: createHash("sha256").update(bytes).digest("hex").slice(0, 12) });
    }
    return found;
  }

  /** One question that answers everything a start needs to know; the script comes by standard input, so it needs no quoting. */
  async #ask(wanted: string, all: Map<string, Build>): Promise<Far> {
    const cases = Object.entries(builds).flatMap(([system, arch]) => {
      const hash = all.get(arch)?.hash;
      return hash === undefined ? [] : [`"${system}") k="$d/keeper-${hash}";;`];
    });
    const script = [
      `m=${quoted(MARK)} w=${quoted(wanted)} k=`,
      `d="\${XDG_CACHE_HOME:-$HOME/.cache}/hearth"`,
      `s="$(uname -s) $(uname -m)"; echo "$m system $s"`,
      `case "$s" in ${cases.join(" ")} esac`,
      `if [ -n "$k" ] && [ -x "$k" ] && "$k" version >/dev/null 2>&1; then echo "$m keeper $k"; fi`,
      `case "$w" in "~") w=$HOME;; "~/"*) w="$HOME/\${w#??}";; esac`,
      `if cd "$w" 2>/dev/null; then echo "$m there $(pwd -P)"; else cd 2>/dev/null || cd /; echo "$m else $(pwd -P)"; fi`,
    ].join("\n");
    const said = await this.#connection.run("exec /bin/sh -s", Buffer.from(`${script}\n`));
    const answer = (key: string): string | undefined =>
      new RegExp(`^${MARK} ${key} (.*)$`, "m").exec(said.text)?.[1]?.trim();
    const [there, instead] = [answer("there"), answer("else")];
    const cwd = there ?? instead;
    if (cwd === undefined) {
      const words = lastWords(said.text) || (await this.#connection.lastWords());
      throw new SandboxFailed(this.#context.name, `${this.#config.host} says "${words}"`);
    }
    return { system: answer("system") ?? "", cwd, asAsked: there !== undefined, keeper: answer("keeper") };
  }

  /** Copies the inside half there, whole or not at all. Undefined where it cannot run: `#without` says why. */
  async #copy({ system }: Far, all: Map<string, Build>): Promise<string | undefined> {
    const build = all.get(builds[system] ?? "");
    if (build === undefined) {
      this.#without = `there is none for ${system}`;
      return undefined;
    }
    const { bytes, hash } = build;
    const script = [
      `umask 077; d="\${XDG_CACHE_HOME:-$HOME/.cache}/hearth"; t="$d/.keeper-${hash}.$$"; k="$d/keeper-${hash}"`,
      `mkdir -p "$d" && cat > "$t" && [ "$(wc -c < "$t")" -eq ${bytes.length} ] && chmod 700 "$t" && mv -f "$t" "$k"`,
      // What earlier versions have left there.
      `find "$d" -type f -mtime +30 ! -name "keeper-${hash}" -exec rm -f {} + 2>/dev/null`,
      `if "$k" version >/dev/null; then echo "${MARK} keeper $k"; else rm -f "$t"; echo "${MARK} no"; fi`,
    ].join("; ");
    const said = await this.#connection.run(`exec /bin/sh -c ${quoted(script)}`, bytes);
    const keeper = new RegExp(`^${MARK} keeper (.*)$`, "m").exec(said.text)?.[1];
    if (keeper !== undefined) return keeper;
    if (!said.text.includes(`${MARK} no`))
      throw new SandboxFailed(this.#context.name, `the keeper could not be copied (${lastWords(said.text)})`);
    this.#without = `it does not run there: ${lastWords(said.text.replace(`${MARK} no`, ""))}`;
    return undefined;
  }

  async close(inUse: boolean): Promise<void> {
    await this.#connection.close(inUse);
  }
}
