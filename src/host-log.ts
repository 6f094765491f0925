// The host's own log file: bounded on disk and in memory. A disk that takes nothing costs lines, never the host.
import { closeSync, constants, writeSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { HostError } from "./protocol/errors.ts";

/** Put aside at this size, while it runs too; one old one is kept. */
const MOST_BYTES = 10 * 1024 * 1024;
/** Lines that wait for the disk; what comes past them is counted and left out. */
const MOST_WAITING = 1024 * 1024;

export class HostLog implements AsyncDisposable {
  readonly #path: string;
  readonly #mostBytes: number;
  #file: FileHandle;
  #size: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #leftOut = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  private constructor(path: string, mostBytes: number, file: FileHandle, size: number) {
    this.#path = path;
    this.#mostBytes = mostBytes;
    this.#file = file;
    this.#size = size;
    process.once("exit", this.#atExit);
  }

  /** Appends to `path` (0600). Throws config_refused for anything but a plain file of one's own, a link above all (A15). */
  static async open(path: string, mostBytes: number = MOST_BYTES): Promise<HostLog> {
    const { file, size } = await openPlain(path);
    return new HostLog(path, mostBytes, file, size);
  }

  /** Takes one line, with its line end. Never throws and never waits. */
  write(line: string): void {
    if (this.#closed || this.#waitingBytes + line.length > MOST_WAITING) {
      this.#leftOut++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when what was taken is written, or the disk has refused it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    while (this.#writing !== undefined) await this.#writing;
    this.#closed = true;
    process.off("exit", this.#atExit);
    await this.#file.close();
  }

  async #drain(): Promise<void> {
    // Lines that come together are written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.length;
      const bytes = Buffer.from(this.#take());
      try {
        if (this.#size + bytes.length > this.#mostBytes && this.#size > 0) await this.#putAside();
        await this.#file.writeFile(bytes);
        this.#size += bytes.length;
      } catch {
        // Full, or broken: there is no log to say so in. The next line that is taken tells how many are missing.
        this.#leftOut += lines;
      }
    }
  }

  #take(): string {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#leftOut === 0) return lines.join("");
    const told = `${JSON.stringify({ level: 40, time: Date.now(), pid: process.pid, left_out: this.#leftOut, msg: "lines are missing here" })}\n`;
    this.#leftOut = 0;
    return told + lines.join("");
  }

  async #putAside(): Promise<void> {
    await rename(this.#path, `${this.#path}.1`);
    const { file, size } = await openPlain(this.#path);
    await this.#file.close();
    this.#file = file;
    this.#size = size;
  }

  /** The last words of a process that ends at once: one attempt, since nobody can wait any more. */
  readonly #atExit = (): void => {
    this.#closed = true;
    try {
      writeSync(this.#file.fd, this.#take());
      closeSync(this.#file.fd);
    } catch {
      // A full disk must not keep the process from ending.
    }
  };
}

async function openPlain(path: string): Promise<{ file: FileHandle; size: number }> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const refused = (cause?: unknown): HostError =>
    new HostError("config_refused", `${path} is not a plain file of your own: remove it and start again`, { cause });
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600).catch((error) => {
    throw ["ELOOP", "ENXIO", "EISDIR"].includes(error.code) ? refused(error) : error;
  });
  const found = await file.stat();
  if (found.isFile() && found.uid === process.geteuid?.()) return { file, size: found.size };
  await file.close();
  throw refused();
}
