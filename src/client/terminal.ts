// The bytes of one terminal or process, for whoever draws them: attaches, and after a lost connection goes on at the byte.
import { closeCodes } from "../protocol/close-codes.ts";
import type { TerminalControl, TerminalFrame } from "../protocol/frames.ts";
import { unref, type WebSocketLike } from "./client.ts";

export interface TerminalListener {
  /** `replay`: what was printed before we came. An emulator must not answer queries found in it. */
  onBytes(bytes: Uint8Array, about: { offset: number; replay: boolean }): void;
  /**
   * Reset the emulator and give it this size: what follows begins anew. Not `complete`: there is more scrollback, which
   * `history` brings.
   */
  onReset(rows: number, cols: number, complete: boolean): void;
  /** The replay is over; what comes now is printed now. */
  onLive?(): void;
  /** The window's title, where a screen was restored; later changes are among the bytes. */
  onTitle?(title: string): void;
  /** The size in force from here on; `yours`: it follows this viewer's, who answers what programs ask the terminal. */
  onResize?(rows: number, cols: number, yours: boolean): void;
  /** It ended; all its own bytes were delivered. */
  onExit?(end: { exit_code: number | null; signal: string | null; cause: string }): void;
  /** Something we sent was refused, or there is no such terminal. */
  onError?(error: { reason: string; message: string }): void;
  /** `over`: there will be no further attempt (it ended, there is none, the login is over, or `close` was called). */
  onConnection?(connected: boolean, over: boolean): void;
}

const OPEN = 1;
const encoder = new TextEncoder();
/** After these no other attempt can end better. */
const FINAL: readonly number[] = [closeCodes.done, closeCodes.not_found, closeCodes.login_over];
const OFFSET_BYTES = 8;
const FIRST_DELAY_MS = 200;
const LAST_DELAY_MS = 5_000;
/** Who was asleep for longer (a closed laptop) was given up by the host, and may never be told: it connects anew by itself. */
const SLEPT_MS = 90_000;
const LOOK_MS = 10_000;

export class TerminalStream {
  readonly #open: (from?: number) => WebSocketLike;
  readonly #listener: TerminalListener;
  #socket: WebSocketLike | undefined;
  #offset: number | undefined;
  #replay = false;
  #wanted: { rows: number; cols: number } | undefined;
  #attempts = 0;
  #over = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #looks: ReturnType<typeof setInterval>;
  /** Not by a clock that stands still while the machine sleeps. */
  #awakeAt = Date.now();

  /** `from`: a byte offset to go on at, if the screen still shows everything before it. */
  constructor(options: { open: (from?: number) => WebSocketLike; listener: TerminalListener; from?: number }) {
    this.#open = options.open;
    this.#listener = options.listener;
    this.#offset = options.from;
    this.#looks = setInterval(() => this.#look(), LOOK_MS);
    unref(this.#looks);
    this.#connect();
  }

  /** Offset of the next byte that is expected; undefined before the first. */
  get offset(): number | undefined {
    return this.#offset;
  }

  /** Sends input. False if there is no connection: nothing was sent then. */
  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(bytes);
    return true;
  }

  /** Says which size fits here; said again by itself after a reconnect. It comes into force if this viewer decides. */
  resize(rows: number, cols: number): void {
    this.#wanted = { rows, cols };
    this.#say({ type: "resize", rows, cols });
  }

  /** From now on this viewer's size is in force. Typing does the same. */
  take(): void {
    this.#say({ type: "take" });
  }

  /** Asks for the screen once more, with all its scrollback: it comes as a reset and what follows one. */
  history(): void {
    this.#say({ type: "history" });
  }

  #say(control: TerminalControl): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(control));
  }

  /** Detaches. What runs in the terminal does not notice. */
  close(): void {
    this.#end();
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
  }

  #end(): void {
    this.#over = true;
    clearInterval(this.#looks);
  }

  #look(): void {
    const slept = Date.now() - this.#awakeAt > SLEPT_MS;
    this.#awakeAt = Date.now();
    const socket = this.#socket;
    if (!slept || socket?.readyState !== OPEN) return;
    this.#connect();
    socket.close();
  }

  #connect(): void {
    const socket = this.#open(this.#offset);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      if (this.#wanted !== undefined) this.#say({ type: "resize", ...this.#wanted });
      this.#listener.onConnection?.(true, false);
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#over || socket !== this.#socket) return;
      if (typeof data === "string") this.#control(JSON.parse(data) as TerminalFrame);
      else if (data instanceof ArrayBuffer) this.#bytes(data);
    });
    socket.addEventListener("error", () => {
      // A close always follows; without a listener `ws` would throw here.
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.#socket) return; // another took its place
      if (FINAL.includes(code)) this.#end();
      this.#listener.onConnection?.(false, this.#over);
      if (this.#over) return;
      const ceiling = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#attempts++, 10));
      this.#retry = setTimeout(() => this.#connect(), ceiling / 2 + Math.random() * (ceiling / 2));
    });
  }

  #bytes(data: ArrayBuffer): void {
    this.#attempts = 0;
    const offset = Number(new DataView(data).getBigUint64(0));
    const bytes = new Uint8Array(data, OFFSET_BYTES);
    this.#offset = offset + bytes.length;
    this.#listener.onBytes(bytes, { offset, replay: this.#replay });
  }

  #control(frame: TerminalFrame): void {
    // Not when it opens: a host that lets us in and fails at once must not be asked ever faster.
    if (frame.type !== "error") this.#attempts = 0;
    switch (frame.type) {
      case "snapshot":
        this.#offset = frame.offset;
        this.#replay = true;
        this.#listener.onReset(frame.rows, frame.cols, frame.complete);
        this.#listener.onTitle?.(frame.title);
        this.#listener.onBytes(encoder.encode(frame.screen), { offset: frame.offset, replay: true });
        break;
      case "replay":
        this.#replay = true;
        this.#offset = frame.from;
        this.#listener.onReset(frame.rows, frame.cols, true);
        break;
      case "live":
        this.#replay = false;
        this.#offset = frame.offset;
        this.#listener.onLive?.();
        break;
      case "resize":
        this.#listener.onResize?.(frame.rows, frame.cols, frame.yours);
        break;
      case "title":
      case "bell":
        // Who draws the bytes finds them there.
        break;
      case "exit":
        this.#listener.onExit?.(frame);
        break;
      case "error":
        this.#listener.onError?.({ reason: frame.reason, message: frame.message });
        break;
      default:
        frame satisfies never;
    }
  }
}
