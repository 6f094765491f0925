// One viewer of one terminal or process: its bytes from the spool as fast as the viewer reads, and the sizes among them.
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { WebSocket } from "ws";
import { closeCodes } from "../protocol/close-codes.ts";
import { HostError, toWire } from "../protocol/errors.ts";
import type { TerminalFrame } from "../protocol/frames.ts";
import type { Sign } from "../terminals/screen/messages.ts";
import { Flood } from "./flood.ts";
import { InFlight } from "./in-flight.ts";
import { keepAlive } from "./keep-alive.ts";
import type { Meter } from "./meter.ts";
import { Outflow } from "./outflow.ts";
import { isExpected } from "./problem.ts";
import type { AttachmentView } from "./services.ts";
import type { SizeViewer } from "./size-lease.ts";
import type { Shared } from "./terminal-frames.ts";
import { ViewerInput } from "./viewer-input.ts";

/** Characters of scrollback that come with a screen, so that it comes soon; and when all of it is asked for. */
const RECENT_HISTORY = 64 * 1024;
const WHOLE_HISTORY = 4 * 1024 * 1024;
/** A viewer that fell behind gets as many with it as it reads in so long, and so many at least. */
const HISTORY_MS = 250;
const LEAST_HISTORY = 8 * 1024;
/** A viewer so far behind that at its pace it would not see the present for so long is shown it at once. */
const BEHIND_BYTES = 128 * 1024;
const BEHIND_MS = 2_000;
const PACE_MS = 1_000;
/** Of something without a screen: what a viewer who has nothing yet is shown of the past. */
const REPLAY_BYTES = 256 * 1024;
/** How far to look for a line's beginning, so that a replay does not start inside a character or an escape sequence. */
const LINE_SEARCH_BYTES = 4096;
/** Small pieces closer together than this travel as one; the first after a silence goes at once. */
const GROUP_MS = 5;
const GROUP_BYTES = 64 * 1024;
const CLOSE_MS = 1_000;
/** What a viewer is told of something that has no screen. */
const NO_SCREEN = { rows: 24, cols: 80 };

export interface TerminalSocketOptions {
  socket: Socket;
  attachment: AttachmentView;
  shared: Shared;
  /** The frame that shows a screen, and where its bytes go on. */
  snapshot: (
    drawn: NonNullable<AttachmentView["drawn"]>,
    budget: number,
  ) => Promise<{ offset: number; frame: Uint8Array }>;
  /** Calls back when its program has set another title or rung; undefined where nobody is told. */
  watch: ((watcher: (sign: Sign) => void) => Disposable) | undefined;
  /** Undefined: a viewer that has nothing yet. */
  from: number | undefined;
  log: Logger;
  meter: Meter;
  peer: string;
  id: string;
  loginEnded: AbortSignal;
  /** Nothing of this viewer reaches the program, each attempt is refused, and it goes on watching (A18). */
  watchOnly?: boolean;
}

export class TerminalSocket implements SizeViewer {
  readonly #ws: WebSocket;
  readonly #options: TerminalSocketOptions;
  readonly #outflow: Outflow;
  readonly #inFlight: InFlight;
  readonly #gone = new AbortController();
  /** Ends the wait for more output: the viewer is gone, or the child has ended. */
  #waiting = new AbortController();
  #offset = 0;
  /** Up to here what it is sent is the past. */
  #replayUntil: number | undefined;
  #sentAt = 0;
  /** Position in the history of sizes: what comes from there on it was not told yet. */
  #sizes = 0;
  /**
   * Bytes handed to it since a moment at which there was more, and the pace that follows: how fast it takes them, in bytes per
   * millisecond.
   */
  #paceSince = performance.now();
  #paceBytes = 0;
  #pace = Number.POSITIVE_INFINITY;
  /** It asked for the whole scrollback. */
  #historyWanted = false;
  /** What it was not told yet: a slow one is told the last title only, and of one bell. */
  #sign: Sign = { title: null, rang: false };
  #reason = "closed by the client";

  constructor(ws: WebSocket, options: TerminalSocketOptions) {
    this.#ws = ws;
    this.#options = options;
    const { attachment, socket, meter, loginEnded } = options;
    this.#outflow = new Outflow({
      socket,
      waiting: () => ws.bufferedAmount,
      // A viewer that reads slowly may still press Ctrl-C: what it sends is bounded by what the child takes.
      pause: () => undefined,
      resume: () => undefined,
      onStuck: () => {
        meter.count("hearth_given_up_total", "terminal");
        this.close(closeCodes.too_slow, "nothing was read for 10 s: come back and read on");
      },
    });
    this.#inFlight = new InFlight(ws);
    const flood = new Flood((reason) => {
      if (this.#gone.signal.aborted) return;
      meter.count("hearth_given_up_total", "flood");
      this.close(closeCodes.flood, reason);
    });
    const input = new ViewerInput(ws, {
      attachment,
      lease: options.shared.lease,
      viewer: this,
      watchOnly: options.watchOnly === true,
      onCut: (message) => this.#tell({ type: "error", reason: "input_cut", message }),
      onHistory: () => {
        this.#historyWanted = attachment.drawn !== null;
        this.#wake();
      },
      onUseless: flood.count,
      signal: this.#gone.signal,
    });
    const resized = attachment.onResize(() => this.#wake());
    const watched = options.watch?.((sign) => {
      this.#sign = { title: sign.title ?? this.#sign.title, rang: sign.rang || this.#sign.rang };
      this.#wake();
    });
    ws.on("message", (data, isBinary) => input.receive(data, isBinary));
    ws.on("error", (error: Error & { code?: string }) => {
      this.#reason = error.code ?? error.name;
    });
    ws.on("ping", () => {
      this.#outflow.wrote();
      flood.count();
    });
    ws.once("close", (code) => {
      this.#leave();
      resized[Symbol.dispose]();
      watched?.[Symbol.dispose]();
      options.shared.lease.leave(this);
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
    // Who comes after the end cannot ask for more.
    if (from === undefined || from > spool.length) await this.#startOver(spool.ended ? WHOLE_HISTORY : RECENT_HISTORY);
    else {
      this.#offset = from;
      this.#tell({ type: "live", offset: from });
      this.#tellSize();
    }
    let exit: { at: number; frame: TerminalFrame } | undefined;
    const ended = attachment.ended
      .then((end) => {
        // All its own bytes are in the spool by now; what comes later is from others it has left behind.
        exit = { at: spool.length, frame: { type: "exit", ...end } };
      })
      .catch((thrown: unknown) => this.#sayError(thrown))
      .finally(() => this.#wake());
    let saidExit = false;
    while (!signal.aborted) {
      if (this.#historyWanted) {
        this.#historyWanted = false;
        await this.#startOver(WHOLE_HISTORY);
        if (signal.aborted) return; // it left while a screen was drawn for it
      }
      this.#tellWhatIsDue();
      if (exit && !saidExit && this.#offset >= exit.at) {
        saidExit = true;
        this.#tell(exit.frame);
      }
      if (spool.length > this.#offset) {
        await this.#sendMore();
        continue;
      }
      if (spool.ended && !this.#isAskedFor()) {
        if (saidExit) return;
        // The end of output may be known before the end of the child is recorded.
        await Promise.race([ended, aborted(signal)]);
        if (exit === undefined) return;
        continue;
      }
      // Without an end to wait for (it came, or cannot be known) only bytes, sizes or the viewer's leaving count.
      if (this.#waiting.signal.aborted) this.#waiting = new AbortController();
      if (this.#isAskedFor()) continue;
      await spool.grown(this.#offset, this.#waiting.signal);
      // It has all there was: that nothing came to be read is not slowness.
      this.#measureAnew();
    }
  }

  #tellWhatIsDue(): void {
    if (this.#replayUntil !== undefined && this.#offset >= this.#replayUntil) {
      this.#replayUntil = undefined;
      this.#tell({ type: "live", offset: this.#offset });
    }
    this.#tellNewSizes();
    this.#tellSign();
  }

  async #sendMore(): Promise<void> {
    const { spool } = this.#options.attachment;
    const { signal } = this.#gone;
    const pause = GROUP_MS - (performance.now() - this.#sentAt);
    if (pause > 0 && spool.length - this.#offset < GROUP_BYTES && this.#replayUntil === undefined && !spool.ended)
      await delay(pause, undefined, { signal }).catch(() => undefined);
    // What it takes a while to read comes when it is scrolled to: the screen itself is what it waits for.
    if (this.#isLost())
      await this.#startOver(Math.min(RECENT_HISTORY, Math.max(LEAST_HISTORY, this.#pace * HISTORY_MS)));
    else await this.#sendNext();
    this.#sentAt = performance.now();
    if (this.#outflow.full) await this.#outflow.room(signal);
    if (this.#inFlight.full) await this.#inFlight.room(signal);
  }

  /** Something other than bytes is due. */
  #isAskedFor(): boolean {
    const due = this.#options.attachment.sizes?.at(this.#sizes);
    return this.#historyWanted || (due !== undefined && due.mark.offset <= this.#offset);
  }

  #wake(): void {
    this.#waiting.abort();
  }

  /** Sends the next bytes; if they are gone already, starts over. */
  async #sendNext(): Promise<void> {
    const { spool, sizes } = this.#options.attachment;
    const resized = sizes?.at(this.#sizes)?.mark.offset ?? Number.POSITIVE_INFINITY;
    try {
      const end = Math.min(resized, this.#inFlight.endOfPiece(this.#offset));
      const reading = this.#options.shared.reader.read(this.#offset, end);
      const page = reading instanceof Promise ? await reading : reading;
      if (this.#ws.readyState !== this.#ws.OPEN) {
        page.release();
        // It is closing: to ask again would never let its end be heard of.
        await aborted(this.#gone.signal);
        return;
      }
      if (page.next === this.#offset) {
        page.release();
        // The disk has less than the keeper said: it is full, or has lost what will never come again.
        if (spool.ended) throw new Error(`The output from byte ${this.#offset} on is missing on the disk`);
        await delay(GROUP_MS);
        return;
      }
      // A whole frame: there is one for all viewers, and the way through the library took longer than the disk.
      this.#options.socket.write(page.frame, page.release);
      this.#paceBytes += page.next - this.#offset;
      this.#inFlight.wrote(page.next - this.#offset);
      this.#offset = page.next;
      this.#outflow.wrote();
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.reason !== "offset_gone") throw thrown;
      await this.#startOver(RECENT_HISTORY);
    }
  }

  /** Whether at its pace it would take too long to see the present; only a screen can be shown without what led to it. */
  #isLost(): boolean {
    const { attachment } = this.#options;
    const elapsed = performance.now() - this.#paceSince;
    if (elapsed >= PACE_MS) {
      this.#pace = this.#paceBytes / elapsed;
      this.#paceSince += elapsed;
      this.#paceBytes = 0;
    }
    const behind = attachment.spool.length - this.#offset;
    return attachment.drawn !== null && behind > BEHIND_BYTES && behind / this.#pace > BEHIND_MS;
  }

  /** Tells the viewer to begin anew with the screen, or the tail of the output. */
  async #startOver(budget: number): Promise<void> {
    await this.#showAnew(budget);
    // While a screen was drawn it could take nothing, and is not slow for it.
    this.#measureAnew();
  }

  #measureAnew(): void {
    this.#pace = Number.POSITIVE_INFINITY;
    this.#paceSince = performance.now();
    this.#paceBytes = 0;
  }

  async #showAnew(budget: number): Promise<void> {
    const { attachment, snapshot, log, id, peer } = this.#options;
    const end = attachment.spool.length;
    if (attachment.drawn === null) {
      await this.#replay();
      return;
    }
    try {
      const { offset, frame } = await snapshot(attachment.drawn, budget);
      if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(frame, { binary: false });
      this.#inFlight.wrote(frame.length);
      this.#outflow.wrote();
      this.#offset = offset;
      // The one in the snapshot is newer.
      this.#sign = { ...this.#sign, title: null };
      this.#tellSize();
      this.#replayUntil = Math.max(end, offset);
    } catch (thrown) {
      log.warn({ id, peer, err: thrown }, "no screen to be had: the viewer gets the tail of the output");
      await this.#replay();
    }
  }

  async #replay(): Promise<void> {
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
    const { rows, cols } = attachment.sizes?.sizeAt(from) ?? NO_SCREEN;
    this.#tell({ type: "replay", from, offset: end, rows, cols });
    this.#tellSize();
    this.#replayUntil = end;
  }

  /** The size in force where the viewer stands, and whether it decides it. */
  #tellSize(): void {
    const { sizes } = this.#options.attachment;
    if (sizes === null) return;
    this.#sizes = sizes.positionAt(this.#offset);
    const { rows, cols } = sizes.sizeAt(this.#offset);
    this.#tell({ type: "resize", rows, cols, yours: this.#options.shared.lease.isHeldBy(this) });
  }

  /** Sizes come at the byte at which they came into force, so that all viewers break their lines alike. */
  #tellNewSizes(): void {
    const { sizes } = this.#options.attachment;
    let due = sizes?.at(this.#sizes);
    while (due !== undefined && due.mark.offset <= this.#offset) {
      const { rows, cols } = due.mark;
      this.#sizes = due.next;
      this.#tell({ type: "resize", rows, cols, yours: this.#options.shared.lease.isHeldBy(this) });
      due = sizes?.at(this.#sizes);
    }
  }

  /** Not at their place among the bytes, which a slow viewer reaches late. */
  #tellSign(): void {
    const { title, rang } = this.#sign;
    if (title === null && !rang) return;
    this.#sign = { title: null, rang: false };
    if (title !== null) this.#tell({ type: "title", title });
    if (rang) this.#tell({ type: "bell" });
  }

  decides(): void {
    this.#tellSize();
  }
  refused(error: unknown): void {
    this.#sayError(error);
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

  readonly #loginEnded = (): void => this.close(closeCodes.login_over, "the login of this connection has ended");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
