// The C side of the terminal benchmarks: compiled to a directory of its own, and ended with it.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export class Probe implements AsyncDisposable {
  /** Path of the compiled program; what it takes stands at the head of pty.c. */
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, "pty");
  }

  static async compile(): Promise<Probe> {
    const probe = new Probe(await mkdtemp(join(tmpdir(), "hearth-bench-")));
    const source = fileURLToPath(new URL("pty.c", import.meta.url));
    await run("cc", ["-O2", "-Wall", "-Wextra", "-o", probe.path, source]);
    return probe;
  }

  /** What a plain C reader of the same terminal reaches; `keeping`: one that writes into a file what it reads. */
  async read(bytes: number, keeping = false): Promise<{ bytes: number; seconds: number }> {
    const file = keeping ? [join(this.#directory, "kept")] : [];
    const { stdout } = await run(this.path, ["time-read", String(bytes), ...file]);
    const [read = 0, seconds = 0] = stdout.trim().split(" ").map(Number);
    return { bytes: read, seconds };
  }

  /** The same through tmux, attached: seconds until all of it was printed and the session has ended. */
  async throughTmux(bytes: number): Promise<number> {
    const words = ["-L", `hearth-bench-${process.pid}`, "-f", "/dev/null", "new-session", `${this.path} logs ${bytes}`];
    const env = { ...process.env, TERM: "xterm-256color", LC_ALL: "C.UTF-8", TMUX: "", TMUX_TMPDIR: this.#directory };
    const { stdout } = await run(this.path, ["time-run", "tmux", ...words], { env });
    return Number(stdout.trim().split(" ").at(-1));
  }

  /** Times from key to echo in ms, in a local terminal. */
  async echo(times: number, gapMs: number): Promise<number[]> {
    const { stdout } = await run(this.path, ["time-echo", String(times), String(gapMs * 1000)]);
    return stdout
      .trim()
      .split("\n")
      .map((line) => Number(line) / 1000);
  }

  /** A terminal that floods and a plain C reader of it, until disposed of. */
  flood(): AsyncDisposable {
    const reader: ChildProcess = spawn(this.path, ["drain-flood"], { stdio: "ignore" });
    const exited = once(reader, "exit");
    return {
      [Symbol.asyncDispose]: async () => {
        // The flooding child ends by the hang-up of its terminal.
        reader.kill("SIGKILL");
        await exited;
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}
