// One terminal of a session, as a pane sees it: found or begun by its name, drawn, typed into, and found again after anything.
import type { Terminal } from "@xterm/xterm";
import { openTerminal } from "../../client/browser.ts";
import type { HearthClient } from "../../client/client.ts";
import { type TerminalListener, TerminalStream } from "../../client/terminal.ts";
import { Mute } from "../replay.ts";
import { type Store, store } from "../store.ts";
import { beginAnew } from "./anew.ts";
import { Clamp } from "./clamp.ts";
import { held, RELEASE } from "./hold.ts";
import { stayIn } from "./stay.ts";

export interface ShellState {
  /** `away`: the connection is lost and tried again; `ended`: Enter begins a new one. */
  phase: "opening" | "live" | "away" | "ended";
  id: string | null;
  /** How it ended, for a person. */
  ending: string | null;
  problem: string | null;
  /** As its program says. */
  title: string;
  rows: number;
  cols: number;
  /** False: another viewer's size is shown. */
  mine: boolean;
}

export interface ShellOptions {
  client: HearthClient;
  session: string;
  name: string;
  terminal: Terminal;
  setSize: (rows: number, cols: number) => void;
  /** A sentence for its person: something typed or pasted was not taken, say. */
  onSay: (message: string) => void;
  /** It was closed on purpose, here or elsewhere: there is nothing to show any more. */
  onClosed: () => void;
}

const encoder = new TextEncoder();
const LONGEST_TITLE = 200;
/** A piece of input at most this long travels as one. */
const PIECE = 48 * 1024;
/** More than this undrawn: what comes meanwhile would only be drawn too late. A snapshot brings the screen up to date. */
const TOO_FAR_BEHIND = 4 * 1024 * 1024;
const RETRY_MS = 1_000;
/** A program that has asked gives up sooner: an answer after this would be typed into the one after it. */
const ANSWER_MS = 1_500;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const MOTION = /^\x1b\[<3[5-9];/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const MOUSE = /^\x1b\[[<M]/;
const NOT_SENT = "What was typed was not sent: the terminal was not connected.";

export class Shell implements Disposable {
  readonly state: Store<ShellState>;
  readonly #options: ShellOptions;
  readonly #mute = new Mute();
  readonly #gone = new AbortController();
  #clamp = new Clamp();
  #stream: TerminalStream | undefined;
  #wish: { rows: number; cols: number } | undefined;
  #undrawn = 0;
  /** When the pieces came that are not drawn yet, the oldest first. */
  readonly #came: number[] = [];
  #opening = false;
  /** So much was undrawn that the stream was let go. */
  #behind = false;
  #asked: Promise<void> = Promise.resolve();
  /** Older lines were left out, for the screen to come soon. */
  #incomplete = false;
  /** They were asked for: whether they are on their way already, and what is to be done once they are there. */
  #older: { came: boolean; drawn: () => void } | undefined;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.state = store<ShellState>({
      ...{ phase: "opening", id: null, ending: null, problem: null, title: "", mine: true },
      ...{ rows: options.terminal.rows, cols: options.terminal.cols },
    });
    options.terminal.onTitleChange((title) => this.#titled(title));
  }

  /** Whether what is drawn now was printed before we came. */
  get muted(): boolean {
    return this.#mute.active;
  }

  /** Somebody else has begun a new one of this name: shows that, and begins none where it is gone already. */
  renew(): Promise<void> {
    return this.open(false, false);
  }

  /** Shows the terminal of this name, living or ended; where there is none, or with `anew`, begins one if it `mayBegin`. */
  async open(anew = false, mayBegin = true): Promise<void> {
    if (this.#opening || this.#gone.signal.aborted) return;
    this.#opening = true;
    const { client, session, name } = this.#options;
    const { signal } = this.#gone;
    this.state.set({ problem: null, phase: "opening" });
    try {
      const { terminals } = await client.call("terminal.list", { session_id: session }, signal);
      const known = terminals.filter((one) => one.name === name);
      const there = known.find((one) => one.status === "running") ?? (anew ? undefined : known.at(-1));
      if (there === undefined && !mayBegin) {
        this.state.set({ phase: "ended", ending: "is gone" });
        return;
      }
      // Without a workspace: a living one, begun meanwhile, is meant wherever it is.
      const named = { session_id: session, name, ...this.#wish };
      const { terminal_id } = there ?? (await client.call("terminal.open", named, signal));
      if (!signal.aborted) this.#attach(terminal_id);
    } catch (error) {
      if (!signal.aborted) this.#failed(error, () => this.open(anew, mayBegin));
    } finally {
      this.#opening = false;
    }
  }

  /** What a person typed or pasted, or, with `answer`, what the emulator says by itself. */
  input(data: string, answer = false): void {
    const { mine, phase } = this.state.get();
    if (answer && (this.muted || !mine || this.#isLate() || phase === "away")) return;
    if (MOUSE.test(data) && phase === "away") return;
    // Typing takes the size over; a mouse that only passes by does not.
    if (!mine && MOTION.test(data)) return;
    if (phase === "ended") {
      if (data === "\r") void this.open(true);
      return;
    }
    this.bytes(encoder.encode(data));
  }

  bytes(data: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < data.length; at += PIECE) this.#send(data.slice(at, at + PIECE));
  }

  /** The size that would fit here. It is taken if this viewer decides. */
  wish(rows: number, cols: number): void {
    this.#wish = { rows, cols };
    this.#stream?.resize(rows, cols);
    if (this.state.get().mine) this.#sized(rows, cols);
  }

  /** Brings the older lines that were left out, if any; what is in view stays in view. `then` comes when they are drawn. */
  history(then: () => void = () => undefined): void {
    const { phase, id } = this.state.get();
    const over = phase === "ended" && id !== null;
    if (!this.#incomplete || this.#stream === undefined || !(phase === "live" || over)) {
      then();
      return;
    }
    this.#incomplete = false;
    // There is nobody to be asked any more, but who comes to what has ended is shown all of it.
    if (over) this.#attach(id, true);
    this.#older = { came: false, drawn: then };
    if (!over) this.#stream.history();
  }

  /** `then` comes when nothing is being drawn anew with more lines above it: what was marked is marked again by then. */
  whenDrawn(then: () => void): void {
    const older = this.#older;
    if (!older?.came) {
      // In its place in the stream: putting back what was marked may be due.
      this.#options.terminal.write("", then);
      return;
    }
    const before = older.drawn;
    older.drawn = () => {
      before();
      then();
    };
  }

  /** This viewer's size for everybody. */
  take(): void {
    this.#stream?.take();
  }

  [Symbol.dispose](): void {
    this.#gone.abort();
    this.#stream?.close();
  }

  /** `still`: what is said of it stays as it is. */
  #attach(id: string, still = false): void {
    this.#stream?.close();
    const older = this.#older;
    this.#older = undefined;
    older?.drawn();
    const { terminal } = this.#options;
    let putBack: (() => void) | undefined;
    const listener: TerminalListener = {
      onBytes: (bytes, { replay }) => this.#draw(bytes, replay),
      onReset: (rows, cols, complete) => {
        this.#clamp = new Clamp();
        this.#incomplete = !complete;
        const asked = this.#older !== undefined;
        if (this.#older !== undefined) this.#older.came = true;
        if (asked)
          terminal.write("", () => {
            putBack = stayIn(terminal);
          });
        beginAnew(asked ? held(terminal) : terminal, () => this.#sized(rows, cols));
      },
      onTitle: (title) => terminal.write("", () => this.#titled(title)),
      onResize: (rows, cols, yours) => {
        this.state.set({ mine: yours });
        terminal.write("", () => this.#sized(rows, cols));
      },
      onExit: (end) => this.#ended(end),
      onError: ({ reason, message }) => {
        if (reason === "input_cut" || this.state.get().phase === "live") this.#options.onSay(message);
        else this.state.set({ problem: message });
      },
      onLive: () => {
        const older = this.#older;
        if (!older?.came) return;
        this.#older = undefined;
        terminal.write("", () => {
          putBack?.();
          older.drawn();
        });
        terminal.write(RELEASE);
      },
      onConnection: (is, over) => {
        // What an older stream still has to say is no longer about this screen.
        if (this.#stream !== mine) return;
        const ended = this.state.get().phase === "ended";
        if (is) {
          this.#behind = false;
          // A connection that was lost has lost the question with it.
          if (this.#older?.came === false && !ended) mine.history();
          if (!ended) this.state.set({ phase: "live", problem: null });
        } else if (over && !ended) this.state.set({ phase: "ended", ending: "is gone" });
        else if (!ended) this.state.set({ phase: "away" });
      },
    };
    const mine = new TerminalStream({ open: (from) => openTerminal(id, from), listener });
    if (this.#wish !== undefined) mine.resize(this.#wish.rows, this.#wish.cols);
    this.#stream = mine;
    this.state.set(still ? { id } : { id, phase: "opening", ending: null });
  }

  #draw(bytes: Uint8Array, replay: boolean): void {
    const drawn = replay ? this.#mute.drawing() : undefined;
    // A snapshot is what one begins with, not what one is behind with.
    const counts = replay ? 0 : bytes.length;
    this.#undrawn += counts;
    this.#came.push(performance.now());
    this.#options.terminal.write(this.#clamp.filter(bytes), () => {
      this.#undrawn -= counts;
      this.#came.shift();
      drawn?.();
    });
    const { id } = this.state.get();
    if (this.#undrawn > TOO_FAR_BEHIND && id !== null) this.#catchUp(id);
  }

  /** A page that is not looked at, or has too much to draw, comes to a question long after it was asked. */
  #isLate(): boolean {
    const [asked] = this.#came;
    return asked !== undefined && performance.now() - asked > ANSWER_MS;
  }

  #send(piece: Uint8Array<ArrayBuffer>): void {
    const { id } = this.state.get();
    if (!this.#behind || id === null) {
      // Not kept: it would arrive when nobody means it any more.
      if (this.#stream?.send(piece) !== true) this.#options.onSay(NOT_SENT);
      return;
    }
    // The stream is let go because of a flood, which is when Ctrl-C must not get lost. One after the other, in order.
    const data = { base64: btoa(String.fromCharCode(...piece)) };
    this.#asked = this.#asked
      .then(() => this.#options.client.call("terminal.input", { terminal_id: id, data }, this.#gone.signal))
      .then(
        ({ bytes }) => {
          if (bytes < piece.length) this.#options.onSay(`Only ${bytes} of ${piece.length} bytes were taken.`);
        },
        (error: unknown) => {
          console.info("what was typed was not taken", error);
          if (!this.#gone.signal.aborted) this.#options.onSay(NOT_SENT);
        },
      );
  }

  /** Lets the stream go until everything that came is drawn, then begins with the screen as it is by then. */
  #catchUp(id: string): void {
    const stream = this.#stream;
    this.#behind = true;
    this.#stream = undefined;
    stream?.close();
    this.#options.terminal.write("", () => {
      if (!this.#gone.signal.aborted && this.#stream === undefined) this.#attach(id);
    });
  }

  #titled(title: string): void {
    this.state.set({ title: [...title].slice(0, LONGEST_TITLE).join("") });
  }

  #sized(rows: number, cols: number): void {
    this.state.set({ rows, cols });
    this.#options.setSize(rows, cols);
  }

  #ended(end: { exit_code: number | null; signal: string | null; cause: string }): void {
    // Somebody begins a new shell of this name: that is the one to show, as soon as it is there.
    if (end.cause === "replaced") return void this.open();
    if (end.cause === "closed") {
      this.#options.onClosed();
      return;
    }
    const how = end.signal ?? (end.exit_code === null ? end.cause : `exit code ${end.exit_code}`);
    this.state.set({ phase: "ended", ending: `ended (${how})`, problem: null });
  }

  #failed(error: unknown, again: () => Promise<void>): void {
    const reason = error instanceof Error && "reason" in error ? error.reason : undefined;
    if (reason !== "disconnected") {
      const message = error instanceof Error ? error.message : String(error);
      this.state.set({ phase: "ended", ending: "did not start", problem: message });
      return;
    }
    // The host is away: it is asked again, without a click.
    this.state.set({ phase: "away" });
    const timer = setTimeout(() => void again(), RETRY_MS);
    this.#gone.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }
}
