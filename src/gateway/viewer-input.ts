// What one viewer of a terminal or process sends: keys, sizes and wishes, in order, and no faster than they are taken.
import type { RawData, WebSocket } from "ws";
import { HostError } from "../protocol/errors.ts";
import { TerminalControl } from "../protocol/frames.ts";
import { isAnswer, isTyping } from "./emulator-answers.ts";
import type { AttachmentView } from "./services.ts";
import type { SizeLease, SizeViewer } from "./size-lease.ts";
import { Typed } from "./terminal-input.ts";

/** Input that waits to be taken by the child: beyond it the viewer is not read from. */
const MAX_INPUT_BYTES = 1024 * 1024;
/** And as many messages at most: each costs more than its few bytes. */
const MAX_PIECES = 16 * 1024;

interface Options {
  attachment: AttachmentView;
  lease: SizeLease;
  /** Who sends it; hears of what is refused. */
  viewer: SizeViewer;
  /** Nothing of it reaches the program, each attempt is refused (A18). */
  watchOnly: boolean;
  /** For the person: what was not taken, and why. */
  onCut: (message: string) => void;
  /** It wants the screen once more, with all of the scrollback. */
  onHistory: () => void;
  /** Told of each message that types nothing. */
  onUseless: () => void;
  /** Aborted when the viewer is gone. */
  signal: AbortSignal;
}

export class ViewerInput {
  readonly #ws: WebSocket;
  readonly #o: Options;
  readonly #typed: Typed;
  #last: Promise<void> = Promise.resolve();
  /** What came and is not taken yet. */
  #pieces = 0;
  #bytes = 0;

  constructor(ws: WebSocket, o: Options) {
    this.#ws = ws;
    this.#o = o;
    this.#typed = new Typed({
      write: (bytes) => o.attachment.write(bytes),
      onCut: o.onCut,
      signal: o.signal,
    });
  }

  /** A message of the viewer's: binary is typed, text is a `TerminalControl`. */
  receive(data: RawData, isBinary: boolean): void {
    if (this.#o.signal.aborted) return;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    if (!isBinary || bytes.length === 0 || this.#o.watchOnly) this.#o.onUseless();
    const first = this.#pieces === 0;
    this.#pieces += 1;
    this.#bytes += bytes.length;
    const piece = isBinary ? this.#typed.arrived() : 0;
    if (this.#full) this.#pause(true);
    // One after the other: keys and sizes arrive in the order in which they were sent.
    const before = this.#last;
    this.#last = first ? this.#take(bytes, piece, isBinary) : before.then(() => this.#take(bytes, piece, isBinary));
  }

  /** Never rejects. What nothing is waiting before is on its way to the program when this returns. */
  async #take(bytes: Buffer, piece: number, isBinary: boolean): Promise<void> {
    try {
      await (isBinary ? this.#write(bytes, piece) : this.#control(bytes.toString()));
    } catch (thrown) {
      this.#o.viewer.refused(thrown);
    }
    this.#pieces -= 1;
    this.#bytes -= bytes.length;
    if (!this.#full) this.#pause(false);
  }

  get #full(): boolean {
    return this.#bytes > MAX_INPUT_BYTES || this.#pieces > MAX_PIECES;
  }

  async #write(bytes: Buffer, piece: number): Promise<void> {
    const { lease, viewer } = this.#o;
    if (this.#o.watchOnly) throw refused();
    // Every viewer's emulator answers what a program asks; the program asked one terminal.
    if (lease.isHeldFrom(viewer) && isAnswer(bytes)) return;
    if (isTyping(bytes) && lease.isForTaking(viewer)) await lease.take(viewer);
    await this.#typed.write(bytes, piece);
  }

  async #control(text: string): Promise<void> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new HostError("parse_error", "This is not JSON.");
    }
    const control = TerminalControl.safeParse(value);
    if (!control.success)
      throw new HostError("invalid_params", "Unknown control frame: resize with rows and cols, take, or history.");
    if (this.#o.watchOnly && control.data.type !== "history") throw refused();
    const { lease, viewer } = this.#o;
    switch (control.data.type) {
      case "resize":
        lease.wants(viewer, control.data.rows, control.data.cols);
        break;
      case "take":
        await lease.take(viewer);
        break;
      case "history":
        this.#o.onHistory();
        break;
      default:
        control.data satisfies never;
    }
  }

  /** Who sends more than the child takes is not read from. */
  #pause(paused: boolean): void {
    if (paused && !this.#ws.isPaused) this.#ws.pause();
    if (!paused && this.#ws.isPaused) this.#ws.resume();
  }
}

const refused = (): HostError =>
  new HostError("forbidden", "This link only shows what happens here: nothing can be sent by it.");
