// The person's terminal while a program inside has it: every key and byte as it is, and afterwards as it was, however we end.
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import type { ReadStream, WriteStream } from "node:tty";

/** What ends a command from outside. Their own handling would leave the terminal as it is. */
const ENDING = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const;

export interface RawTerminalOptions {
  /** What is written before the terminal goes back to the shell; asked at that moment. */
  farewell: () => string;
  /** A signal came that ends us: the terminal is as it was by then. */
  onSignal: (exitCode: number) => void;
  /** Stopped and gone on (`kill -STOP`, `fg`): the screen has to be drawn again. */
  onContinued: () => void;
}

/** Both ends of a terminal, raw until disposed of; also on signals, on an uncaught error, on `process.exit`. */
export class RawTerminal implements Disposable {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #options: RawTerminalOptions;
  readonly #signals = ENDING.map((name) => [name, () => this.#ended(name)] as const);
  #raw = false;

  constructor(input: ReadStream, output: WriteStream, options: RawTerminalOptions) {
    this.#input = input;
    this.#output = output;
    this.#options = options;
    process.on("exit", this.#leave);
    for (const [name, listener] of this.#signals) process.on(name, listener);
    process.on("SIGCONT", this.#continued);
    this.#enter();
  }

  [Symbol.dispose](): void {
    this.#leave();
    process.off("exit", this.#leave);
    for (const [name, listener] of this.#signals) process.off(name, listener);
    process.off("SIGCONT", this.#continued);
  }

  #enter(): void {
    this.#raw = true;
    this.#input.setRawMode(true);
    // Node's raw mode still turns a line feed into carriage return and line feed, which draws what programs mean as "one
    // down, same column" at the left edge. Turning raw mode off restores this too.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }

  // Terminals are written to synchronously, so this works in the last moment of a process as well.
  readonly #leave = (): void => {
    if (!this.#raw) return;
    this.#raw = false;
    this.#output.write(this.#options.farewell());
    this.#input.setRawMode(false);
  };

  readonly #ended = (name: (typeof ENDING)[number]): void => {
    this.#leave();
    this.#options.onSignal(128 + constants.signals[name]);
  };

  /** The shell has put its own modes in force meanwhile, and Node believes that ours still are. */
  readonly #continued = (): void => {
    if (!this.#raw) return;
    this.#input.setRawMode(false);
    this.#enter();
    this.#options.onContinued();
  };
}
