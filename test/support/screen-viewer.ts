// A viewer of a terminal with an emulator of its own, as the page is one: for tests that compare screens.
import { once } from "node:events";
import { WebSocket } from "ws";
import type { TerminalControl, TerminalFrame } from "../../src/protocol/frames.ts";
import { Emulator } from "../../src/terminals/screen/emulator.ts";
import type { RunningHost } from "./running-host.ts";

const HEAD = 8;

export class ScreenViewer implements Disposable {
  readonly #ws: WebSocket;
  emulator = new Emulator({ rows: 24, cols: 80 });
  offset = 0;
  title = "";
  /** How often it was brought up to date by a snapshot. */
  snapshots = 0;
  replays = 0;
  complete = true;
  /** Titles and bells that it was told of. */
  readonly told: TerminalFrame[] = [];
  bytes = 0;
  live = false;
  yours = false;
  /** The connection has ended. */
  over = false;
  /** Counts bytes and draws none: to draw a flood takes a busy machine minutes. */
  blind = false;
  error: string | undefined;
  readonly #changes = new Set<() => void>();

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) {
        if (!this.blind) this.emulator.feed(data.subarray(HEAD));
        this.offset = Number(data.readBigUInt64BE(0)) + data.length - HEAD;
        this.bytes += data.length;
      } else this.#heard(JSON.parse(data.toString()) as TerminalFrame);
      for (const change of this.#changes) change();
    });
    ws.on("close", () => {
      this.over = true;
      for (const change of this.#changes) change();
    });
  }

  #heard(frame: TerminalFrame): void {
    switch (frame.type) {
      case "snapshot":
        this.snapshots++;
        this.#reset(frame.rows, frame.cols);
        this.complete = frame.complete;
        this.title = frame.title;
        this.offset = frame.offset;
        this.emulator.feed(Buffer.from(frame.screen));
        break;
      case "replay":
        this.replays++;
        this.#reset(frame.rows, frame.cols);
        this.offset = frame.from;
        break;
      case "live":
        this.live = true;
        break;
      case "resize":
        this.yours = frame.yours;
        this.emulator.resize({ rows: frame.rows, cols: frame.cols });
        break;
      case "title":
      case "bell":
        this.told.push(frame);
        break;
      case "error":
        this.error = frame.message;
        break;
      default:
    }
  }

  #reset(rows: number, cols: number): void {
    this.emulator[Symbol.dispose]();
    this.emulator = new Emulator({ rows, cols });
  }

  /** `watch`: the secret of a link, instead of the host's token. */
  static async open(host: RunningHost, id: string, from?: number, watch?: string): Promise<ScreenViewer> {
    const query = from === undefined ? "" : `?from=${from}`;
    const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${id}/socket${query}`;
    const headers = watch === undefined ? { authorization: `Bearer ${await host.token()}` } : {};
    const protocols = ["hearth", ...(watch === undefined ? [] : [`hearth.watch.${watch}`])];
    const ws = new WebSocket(url, protocols, { headers, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
    const viewer = new ScreenViewer(ws);
    await once(ws, "open");
    return viewer;
  }

  type(text: string): void {
    this.#ws.send(Buffer.from(text), { binary: true });
  }
  say(control: TerminalControl): void {
    this.#ws.send(JSON.stringify(control));
  }
  pause(): void {
    this.#ws.pause();
  }
  resume(): void {
    this.#ws.resume();
  }

  /** The screen's lines, without trailing blanks. */
  lines(): string[] {
    const { active } = this.emulator.core.buffers;
    return Array.from({ length: this.emulator.size.rows }, (_, y) => {
      const line = active.lines.get(active.ybase + y);
      let text = "";
      for (let x = 0; x < this.emulator.size.cols; x++) {
        const cell = line?._data[x * 3] ?? 0;
        if (cell & 0x200000) text += line?._combined[x] ?? "";
        else if (cell & 0x1fffff) text += String.fromCodePoint(cell & 0x1fffff);
        else if (cell >>> 22) text += " ";
      }
      return text.trimEnd();
    });
  }

  /** Resolves once `when` holds; looks again after each frame. */
  async until(when: () => boolean, what: string, ms = 60_000): Promise<void> {
    if (when()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error(`no ${what}; it shows:\n${this.lines().join("\n")}`)), ms);
    const look = () => {
      if (when()) resolve();
    };
    this.#changes.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#changes.delete(look);
    }
  }
  shows(text: string | RegExp, ms?: number): Promise<void> {
    const is = () => this.lines().some((line) => (typeof text === "string" ? line.includes(text) : text.test(line)));
    return this.until(is, String(text), ms);
  }

  [Symbol.dispose](): void {
    this.#ws.terminate();
    this.emulator[Symbol.dispose]();
  }
}
