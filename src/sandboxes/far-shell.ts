// A far machine on which the inside half cannot run: a shell stands in for it. Codes are exact as far as a shell can tell them,
// what leaves its process group may survive: best effort, and said to be.
import type { Child, End, Transport } from "../keeper/keepers.ts";
import { ProxiedChild } from "./proxied-child.ts";
import type { SshConnection } from "./ssh-connection.ts";
import type { Inside, SandboxContext, SandboxRequest } from "./types.ts";
import { lastWords, quoted, SandboxFailed } from "./words.ts";

const LIMIT_MS = 20_000;
/** The far file names of one process; `$f` in every script here. */
const files = (id: string): string => `f="\${XDG_CACHE_HOME:-$HOME/.cache}/hearth/run-${id}"`;
/** All of the group `$p`, but for its shell and for who asks. */
const others = `{ ps -A -o pid= -o pgid= || ps -o pid,pgid; } 2>/dev/null | awk -v g="$p" -v me="$$" '$2 == g && $1 != g && $1 != me { print $1 }'`;
/**
 * Ends the group of a shell once what had started that is gone. Deaf, since it is in the group itself. Who has ended and is
 * reaped by nobody, as in a container whose first process does not care, counts as gone.
 */
const watcher = [
  'p=$1; up=$2; trap "" HUP INT QUIT USR1 USR2 ALRM TERM',
  'while kill -0 "$up" && ! grep -q "^State:[[:space:]]*Z" "/proc/$up/status"; do sleep 1; done',
  `kill -TERM $(${others}); sleep 2; kill -KILL $(${others})`,
].join("; ");
const script = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join("\n")}\n`);

export class FarShell {
  readonly #connection: SshConnection;
  readonly #context: SandboxContext;

  constructor(connection: SshConnection, context: SandboxContext) {
    this.#connection = connection;
    this.#context = context;
  }

  proxy(request: SandboxRequest, cwd: string): { proxy(inside: Inside): Promise<Transport> } {
    return { proxy: (inside) => this.#prepare(request, cwd, inside) };
  }

  async wrap(child: Child, begun: boolean): Promise<Child> {
    const { id } = child;
    return new ProxiedChild(child, {
      // Nothing hangs on it but what is shown.
      pidInside: begun ? await this.#pidOf(id).catch(() => null) : null,
      judge: (end) => this.#judge(id, end),
      end: (graceMs, firstSignal) => this.#end(id, graceMs, firstSignal),
      signal: (n) => this.#signal(id, n),
    });
  }

  /** What is to run goes there as a file: no variable and no word of it stands on a command line. */
  async #prepare({ id, mode }: SandboxRequest, cwd: string, { argv, env }: Inside): Promise<Transport> {
    const body = script([
      // Read whole before it begins, since its file goes first.
      "{",
      files(id),
      'rm -f "$f"',
      'trap ":" HUP INT QUIT TERM',
      'echo $$ > "$f.pid"',
      `cd ${quoted(cwd)} || { echo 126 > "$f.exit"; rm -f "$f.pid"; exit 126; }`,
      ...Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`),
      // Nobody else would notice there that the connection is gone.
      `if kill -0 "$PPID" 2>/dev/null; then sh -c ${quoted(watcher)} watcher $$ "$PPID" </dev/null >/dev/null 2>&1 & w=$!; else w=; fi`,
      `(exec ${argv.map(quoted).join(" ")}) 2>&1`,
      "s=$?",
      '[ -z "$w" ] || kill -9 "$w"',
      'echo $s > "$f.exit"',
      'rm -f "$f.pid"',
      "exit $s",
      "}",
    ]);
    const take = `umask 077; ${files(id)}; mkdir -p "\${f%/*}" && cat > "$f" && echo taken`;
    const said = await this.#connection.run(`exec /bin/sh -c ${quoted(take)}`, body);
    if (!said.text.includes("taken"))
      throw new SandboxFailed(this.#context.name, `the far machine says "${lastWords(said.text)}"`);
    const words = await this.#connection.words(
      `exec /bin/sh -c ${quoted(`${files(id)}; exec /bin/sh "$f"`)}`,
      mode === "pty" ? "-tt" : "-T",
    );
    return { ...words, cwd: this.#connection.folder };
  }

  async #ask(id: string, lines: readonly string[], limitMs = LIMIT_MS): Promise<string> {
    const said = await this.#connection.run("exec /bin/sh -s", script([files(id), ...lines]), limitMs);
    return said.text;
  }

  async #pidOf(id: string): Promise<number | null> {
    const waiting =
      'i=0; while [ ! -s "$f.pid" ] && [ ! -s "$f.exit" ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done';
    const text = await this.#ask(id, [waiting, 'echo "pid $(cat "$f.pid" 2>/dev/null)"']);
    const pid = Number(/^pid (\d+)$/m.exec(text)?.[1]);
    return pid > 0 ? pid : null;
  }

  /** What ssh's own end means: 255 is also what it says when the connection broke. The far machine is asked. */
  async #judge(id: string, end: End): Promise<End> {
    if (end.kind === "lost") return end;
    const broken = this.#connection.lastWords(); // of this connection: to ask, there may be another
    const lines = ['[ -s "$f.exit" ] && echo "code $(cat "$f.exit")"', 'rm -f "$f" "$f.exit" "$f.pid"'];
    const text = await this.#ask(id, lines).catch((error: unknown) => String(error));
    const code = /^code (\d+)$/m.exec(text)?.[1];
    if (code !== undefined) return { ...end, code: Number(code), signal: null, core: false };
    if (end.signal === null && end.code !== null && end.code !== 255) return end;
    const words = (await broken) || lastWords(text);
    return { kind: "lost", reason: "transport_gone", words };
  }

  /** Everyone of its group but the shell that waits for it and tells its code. */
  async #end(id: string, graceMs: number, firstSignal: number): Promise<void> {
    const tenths = Math.ceil(graceMs / 100);
    const lines = [
      'p=$(cat "$f.pid" 2>/dev/null) || exit 0',
      `send() { for q in $(${others}); do kill "$1" "$q" 2>/dev/null; done; }`,
      `send -${firstSignal}; send -CONT`,
      `i=0; while [ -s "$f.pid" ] && [ $i -lt ${tenths} ]; do sleep 0.1; i=$((i+1)); done`,
      ...(graceMs === 0 ? [] : ["send -KILL", `while [ -s "$f.pid" ] && [ -n "$(${others})" ]; do sleep 0.1; done`]),
    ];
    await this.#ask(id, lines, graceMs + LIMIT_MS);
  }

  async #signal(id: string, n: number): Promise<void> {
    await this.#ask(id, ['p=$(cat "$f.pid" 2>/dev/null) || exit 0', `kill -${n} $(${others}) 2>/dev/null`]);
  }
}
