// One viewer of one terminal or process: its bytes from the spool as fast as the viewer reads, input and size the other way.
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { RawData, WebSocket } from "ws";
import { closeCodes } from "../protocol/close-codes.ts";
import { HostError, toWire } from "../protocol/errors.ts";
import { TerminalControl, type TerminalFrame } from "../protocol/frames.ts";
import { keepAlive } from "./keep-alive.ts";
import type { Meter } from "./meter.ts";
import { Outflow } from "./outflow.ts";
import { isExpected } from "./problem.ts";
import type { AttachmentView } from "./services.ts";
import type { SharedReader } from "./terminal-frames.ts";

/** What a viewer who has nothing yet is shown of the past. */
const REPLAY_BYTES = 256 * 1024;
/** How far to look for a line's beginning, so that a replay does not start inside a character or an escape sequence. */
const LINE_SEARCH_BYTES = 4096;
/** Small pieces closer together than this travel as one; the first after a silence goes at once. */
const GROUP_MS = 5;
const GROUP_BYTES = 64 * 1024;
/** Input that waits to be taken by the child: beyond it the viewer is not read from. */
const MAX_INPUT_BYTES = 1024 * 1024;
const CLOSE_MS = 1_000;
/** What a viewer is told of something that has no screen. */
const NO_SCREEN = { rows: 24, cols: 80 };

export interface TerminalSocketOptions {
  socket: Socket;
  attachment: AttachmentView;
  reader: SharedReader;
  /** Undefined: a viewer that has nothing yet. */
  from: number | undefined;
  log: Logger;
  meter: Meter;
  peer: string;
  id: string;
  loginEnded: AbortSignal;
}

export class TerminalSocket {
  readonly #ws: WebSocket;
  readonly #options: TerminalSocketOptions;
  readonly #outflow: Outflow;
  readonly #gone = new AbortController();
  /** Ends the wait for more output: the viewer is gone, or the child has ended. */
  #waiting = new AbortController();
  #offset = 0;
  #input: Promise<void> = Promise.resolve();
  #inputBytes = 0;
  #inputPaused = false;
  #outputPaused = false;
  #reason = "closed by the client";

  constructor(ws: WebSocket, options: TerminalSocketOptions) {
    this.#ws = ws;
    this.#options = options;
    const { attachment, socket, meter, loginEnded } = options;
    this.#outflow = new Outflow({
      socket,
      waiting: () => ws.bufferedAmount,
      pause: () => this.#pause("output", true),
      resume: () => this.#pause("output", false),
      onStuck: () => {
        meter.count("hearth_given_up_total", "terminal");
        this.close(closeCodes.too_slow, "nothing was read for 10 s: come back and read on");
      },
    });
    const resized = attachment.onResize((rows, cols) => this.#tell({ type: "resize", rows, cols, yours: true }));
    ws.on("message", (data, isBinary) => this.#receive(data, isBinary));
    ws.on("error", (error: Error & { code?: string }) => {
      this.#reason = error.code ?? error.name;
    });
    ws.on("ping", () => this.#outflow.wrote());
    ws.once("close", (code) => {
      this.#leave();
      resized[Symbol.dispose]();
      loginEnded.removeEventListener("abort", this.#loginEnded);
      const { log, peer, id } = options;
      log.info({ peer, id, code, reason: this.#reason, offset: this.#offset }, "viewer ended");
    });
    keepAlive(ws, () => {
      this.#reason = "no answer to pings";
    });
    loginEnded.addEventListener("abort", this.#loginEnded);
    if (loginEnded.aborted) this.#loginEnded();
  }

  /** Delivers until the end of output, or until the viewer is gone. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#deliver();
      this.close(closeCodes.done, "end of output");
    } catch (thrown) {
      if (this.#gone.signal.aborted) return;
      const { log, id, peer } = this.#options;
      if (!isExpected(thrown)) log.error({ id, peer, err: thrown }, "a viewer could not be served");
      this.#sayError(thrown);
      this.close(closeCodes.internal, "the output cannot be read");
    }
  }

  close(code: number, reason: string): void {
    if (this.#gone.signal.aborted) return;
    this.#reason = reason;
    this.#leave();
    if (this.#ws.isPaused) this.#ws.resume();
    this.#ws.close(code, reason);
    // What was sent before has to arrive: only then is a peer that does not answer cut.
    setTimeout(() => this.#ws.terminate(), code === closeCodes.done ? 30 * CLOSE_MS : CLOSE_MS).unref();
  }

  async #deliver(): Promise<void> {
    const { attachment, from } = this.#options;
    const { spool } = attachment;
    const { signal } = this.#gone;
    let replayUntil: number | undefined;
    if (from === undefined || from > spool.length) replayUntil = await this.#snapshot();
    else {
      this.#offset = from;
      this.#tell({ type: "live", offset: from });
    }
    let exit: { at: number; frame: TerminalFrame } | undefined;
    const ended = attachment.ended
      .then((end) => {
        // All its own bytes are in the spool by now; what comes later is from others it has left behind.
        exit = { at: spool.length, frame: { type: "exit", ...end } };
      })
      .catch((thrown: unknown) => this.#sayError(thrown))
      .finally(() => this.#waiting.abort());
    let saidExit = false;
    let sentAt = 0;
    while (!signal.aborted) {
      if (replayUntil !== undefined && this.#offset >= replayUntil) {
        replayUntil = undefined;
        this.#tell({ type: "live", offset: this.#offset });
      }
      if (exit && !saidExit && this.#offset >= exit.at) {
        saidExit = true;
        this.#tell(exit.frame);
      }
      if (spool.length > this.#offset) {
        const pause = GROUP_MS - (performance.now() - sentAt);
        if (pause > 0 && spool.length - this.#offset < GROUP_BYTES && replayUntil === undefined && !spool.ended)
          await delay(pause, undefined, { signal }).catch(() => undefined);
        replayUntil = (await this.#sendNext()) ?? replayUntil;
        sentAt = performance.now();
        await this.#outflow.room(signal);
        continue;
      }
      if (spool.ended) {
        if (saidExit) return;
        // The end of output may be known before the end of the child is recorded.
        await Promise.race([ended, aborted(signal)]);
        if (exit === undefined) return;
        continue;
      }
      // Without an end to wait for (it came, or cannot be known) only bytes or the viewer's leaving count.
      if (this.#waiting.signal.aborted) this.#waiting = new AbortController();
      await spool.grown(this.#offset, this.#waiting.signal);
    }
  }

  /** Sends the next bytes; if they are gone already, starts over with a snapshot and answers where its replay ends. */
  async #sendNext(): Promise<number | undefined> {
    try {
      const page = await this.#options.reader.read(this.#offset);
      if (this.#ws.readyState !== this.#ws.OPEN) {
        page.release();
        // It is closing: to ask again would never let its end be heard of.
        await aborted(this.#gone.signal);
        return undefined;
      }
      if (page.next === this.#offset) {
        page.release();
        // The disk has less than the keeper said.
        await delay(GROUP_MS);
        return undefined;
      }
      this.#ws.send(page.frame, { binary: true }, page.release);
      this.#offset = page.next;
      this.#outflow.wrote();
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.reason !== "offset_gone") throw thrown;
      return await this.#snapshot();
    }
  }

  /** Tells the viewer to begin anew with the tail of the output; answers where the replay ends. */
  async #snapshot(): Promise<number> {
    const { attachment } = this.#options;
    const { spool } = attachment;
    const end = spool.length;
    let from = Math.max(spool.firstKept, end - REPLAY_BYTES);
    if (from > 0 && from < end) {
      const { offset, bytes } = await spool.read(from, Math.min(LINE_SEARCH_BYTES, end - from));
      const line = bytes.indexOf(0x0a);
      from = line === -1 ? offset : offset + line + 1;
    }
    this.#offset = from;
    this.#tell({ type: "replay", from, offset: end, ...(attachment.size() ?? NO_SCREEN) });
    return end;
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#gone.signal.aborted) return;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    this.#inputBytes += bytes.length;
    if (this.#inputBytes > MAX_INPUT_BYTES) this.#pause("input", true);
    // One after the other: keys and sizes arrive in the order in which they were sent.
    this.#input = this.#input
      .then(() => (isBinary ? this.#write(bytes) : this.#control(bytes.toString())))
      .catch((thrown: unknown) => this.#sayError(thrown))
      .then(() => {
        this.#inputBytes -= bytes.length;
        if (this.#inputBytes <= MAX_INPUT_BYTES) this.#pause("input", false);
      });
  }

  async #write(bytes: Buffer): Promise<void> {
    const taken = await this.#options.attachment.write(bytes);
    if (taken < bytes.length)
      this.#tell({
        type: "error",
        reason: "input_cut",
        message: `Only ${taken} of ${bytes.length} bytes were taken: send the rest when it has read them.`,
      });
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
      throw new HostError("invalid_params", "Unknown control frame: only resize, with rows and cols.");
    if (control.data.type === "resize") await this.#options.attachment.resize(control.data.rows, control.data.cols);
  }

  #leave(): void {
    this.#gone.abort();
    this.#waiting.abort();
  }

  #sayError(thrown: unknown): void {
    const { message, data } = toWire(thrown);
    this.#tell({ type: "error", reason: data.reason, message });
  }

  #tell(frame: TerminalFrame): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ws.send(JSON.stringify(frame));
    this.#outflow.wrote();
  }

  /** Two sides may want silence: the viewer that does not read, and the child that does not take. */
  #pause(side: "input" | "output", paused: boolean): void {
    if (side === "input") this.#inputPaused = paused;
    else this.#outputPaused = paused;
    const pause = this.#inputPaused || this.#outputPaused;
    if (pause && !this.#ws.isPaused) this.#ws.pause();
    if (!pause && this.#ws.isPaused) this.#ws.resume();
  }

  readonly #loginEnded = (): void => this.close(closeCodes.login_over, "the login of this connection has ended");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
