// Attached to something that draws: its screen on ours, our keys and size to it, over any number of lost connections.
import { setTimeout as delay } from "node:timers/promises";
import { openTerminal } from "../client/node.ts";
import { TerminalStream } from "../client/terminal.ts";
import { withoutAnswers } from "../protocol/terminal-answers.ts";
import { codeOfEnd, type End, howItEnded, type Target } from "./attach.ts";
import { readToken } from "./connect.ts";
import type { DetachKeys } from "./detach-keys.ts";
import { EXIT } from "./failure.ts";
import { RawTerminal } from "./raw-terminal.ts";
import { safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";
import { socketIn } from "./socket-path.ts";
import { TerminalModes } from "./terminal-modes.ts";

/** How long the hint stays before the screen is drawn over it. */
const HINT_MS = 700;
/** A first detach key that no second one follows is for the program after this. */
const NEXT_KEY_MS = 500;
/** A host that is restarted is often back sooner: then nothing is shown at all. */
const LOST_MS = 700;
/** A socket that does not say goodbye keeps nobody waiting. */
const LEAVE_MS = 500;

type Outcome =
  | { how: "detached" }
  | { how: "ended"; end: End }
  | { how: "gone"; message: string }
  | { how: "signal"; exitCode: number };

/** Standard input and output have to be terminals. Resolves with the exit code of `attach`. */
export async function attachScreen(
  target: Target,
  keys: DetachKeys,
  readOnly: boolean,
  screen: Screen,
): Promise<number> {
  const does = readOnly ? "watching only" : "attached";
  screen.err(
    `${screen.style("dim", `[${target.id} ${target.name}: ${does}; ${keys.label} lets go, and it runs on]`)}\n`,
  );
  const token = await readToken(target.home);
  using socket = socketIn(target.home);
  const drawn = new Attached(target, keys, readOnly);
  const outcome = await drawn.run((from) => openTerminal({ socketPath: socket.path, token }, target.id, from));
  process.stdin.pause();
  if (drawn.refusals > 0) screen.err(`[${target.id}: ${safeLine(drawn.lastRefusal, 300)} (${drawn.refusals} times)]\n`);
  setTimeout(() => process.exit(), LEAVE_MS).unref();
  switch (outcome.how) {
    case "detached":
      screen.err(`[${target.id}: let go, it runs on; \`hearth attach ${target.id}\` comes back]\n`);
      return EXIT.done;
    case "ended":
      screen.err(`[${target.id} ${howItEnded(outcome.end)}]\n`);
      return codeOfEnd(outcome.end);
    case "gone":
      screen.err(`[${target.id}: ${outcome.message}]\n`);
      return EXIT.failed;
    case "signal":
      return outcome.exitCode;
    default:
      return outcome satisfies never;
  }
}

class Attached {
  readonly #target: Target;
  readonly #keys: DetachKeys;
  readonly #readOnly: boolean;
  readonly #modes = new TerminalModes();
  readonly #outcome = Promise.withResolvers<Outcome>();
  #stream: TerminalStream | undefined;
  #yours = true;
  #replaying = false;
  #listening = false;
  #connected = false;
  #problem = "";
  /** How often something typed was not taken, and what was said of it last. */
  refusals = 0;
  lastRefusal = "";
  /** What stands over the screen: the other screen, or a line of it. */
  #notice: "none" | "screen" | "line" = "none";
  #lost: NodeJS.Timeout | undefined;
  #nextKey: NodeJS.Timeout | undefined;

  constructor(target: Target, keys: DetachKeys, readOnly: boolean) {
    this.#target = target;
    this.#keys = keys;
    this.#readOnly = readOnly;
  }

  async run(open: ConstructorParameters<typeof TerminalStream>[0]["open"]): Promise<Outcome> {
    const { stdin, stdout } = process;
    // The title of the window is kept by the terminal and given back.
    stdout.write("\x1b[22;0t");
    using _raw = new RawTerminal(stdin, stdout, {
      farewell: () => `${this.#uncover()}${this.#modes.reset()}\x1b[23;0t\r\n`,
      onSignal: (exitCode) => this.#outcome.resolve({ how: "signal", exitCode }),
      onContinued: () => this.#redraw(),
    });
    await delay(HINT_MS);
    stdout.on("resize", this.#fit);
    this.#stream = new TerminalStream({
      open,
      listener: {
        onReset: () => this.#clear(),
        onBytes: (bytes, { replay }) => {
          this.#replaying = replay;
          this.#modes.feed(bytes);
          stdout.write(bytes);
        },
        onTitle: (title) => void stdout.write(`\x1b]0;${safeLine(title, 200)}\x07`),
        onLive: () => {
          this.#replaying = false;
        },
        onResize: (_rows, _cols, yours) => {
          this.#yours = yours;
        },
        onExit: (end) => this.#outcome.resolve({ how: "ended", end }),
        onError: ({ reason, message }) => {
          this.#problem = message;
          // There is no line on this screen that is ours: heard now, read when it is let go.
          if (reason === "input_cut") this.#cut();
        },
        onConnection: (connected, over) => this.#connection(connected, over),
      },
    });
    this.#fit();
    const outcome = await this.#outcome.promise;
    stdin.off("data", this.#typed);
    stdin.off("end", this.#detach);
    stdout.off("resize", this.#fit);
    clearTimeout(this.#lost);
    clearTimeout(this.#nextKey);
    this.#stream.close();
    return outcome;
  }

  /** What is typed before anybody is there to take it waits in the terminal. */
  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    process.stdin.on("data", this.#typed);
    process.stdin.once("end", this.#detach);
  }

  readonly #detach = (): void => this.#outcome.resolve({ how: "detached" });

  readonly #typed = (chunk: Buffer): void => {
    clearTimeout(this.#nextKey);
    const { pass, detach } = this.#keys.take(chunk);
    this.#send(pass);
    if (detach) this.#detach();
    else if (this.#keys.holding) this.#nextKey = setTimeout(() => this.#send(this.#keys.release()), NEXT_KEY_MS);
  };

  #send(typed: Buffer): void {
    const bytes = this.#yours && !this.#replaying ? typed : withoutReports(typed);
    if (bytes.length === 0 || this.#readOnly) return;
    // Keys for a program that cannot be reached are not kept: they would arrive when nobody means them any more.
    if (this.#stream?.send(new Uint8Array(bytes)) !== true) process.stdout.write("\x07");
  }

  readonly #fit = (): void => {
    const { rows, columns } = process.stdout;
    if (!this.#readOnly && rows > 0 && columns > 0) this.#stream?.resize(rows, columns);
  };

  #connection(connected: boolean, over: boolean): void {
    this.#connected = connected;
    clearTimeout(this.#lost);
    if (connected) {
      const covered = this.#notice;
      process.stdout.write(this.#uncover());
      // Whoever attaches wants to work here: the size is theirs from now on.
      if (!this.#readOnly) this.#stream?.take();
      if (covered === "line") this.#redraw();
      this.#listen();
    } else if (over) {
      this.#outcome.resolve({ how: "gone", message: this.#problem === "" ? "its output is over" : this.#problem });
    } else this.#lost = setTimeout(() => this.#cover(), LOST_MS);
  }

  #cut(): void {
    process.stdout.write("\x07");
    this.refusals++;
    this.lastRefusal = this.#problem;
  }

  /** Says that the connection is lost, on what can be given back exactly as it was. */
  #cover(): void {
    if (this.#connected || this.#notice !== "none") return;
    this.#listen();
    const text = ` ${this.#target.id}: no connection to the host; it is looked for. ${this.#keys.label} leaves. `;
    // A full-screen program draws itself anew when asked; what a shell has printed is only kept safe by leaving it alone.
    this.#notice = this.#modes.onOtherScreen ? "line" : "screen";
    process.stdout.write(
      this.#notice === "line"
        ? `\x18\x1b7\x1b[${process.stdout.rows};1H\x1b[0;7m\x1b[2K${text}\x1b[0m\x1b8`
        : `\x18\x1b[?1049h\x1b[0m\x1b[2J\x1b[H\x1b[7m${text}\x1b[0m\r\n`,
    );
  }

  #uncover(): string {
    const notice = this.#notice;
    this.#notice = "none";
    return notice === "screen" ? "\x1b[?1049l" : "";
  }

  /** Programs draw themselves anew when the size changes: so it does, twice. */
  #redraw(): void {
    const { rows, columns } = process.stdout;
    if (this.#readOnly || rows < 2) return;
    this.#stream?.resize(rows - 1, columns);
    this.#stream?.resize(rows, columns);
  }

  /** What stood here before is moved up, not lost. */
  #clear(): void {
    const { rows } = process.stdout;
    process.stdout.write(`${this.#uncover()}${this.#modes.reset()}\x1b[${rows};1H${"\n".repeat(rows)}\x1b[2J\x1b[H`);
  }
}

/**
 * Input without the terminal's own answers. For a viewer that does not decide the size: there another viewer answers what
 * programs ask, and an answer of ours would be a second one, and count as typing.
 */
function withoutReports(input: Buffer): Buffer {
  return input.includes(0x1b) ? Buffer.from(withoutAnswers(input.toString("latin1")), "latin1") : input;
}
