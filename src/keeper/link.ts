// One connection to one keeper: the secret first, then requests with answers, and the keeper's news.
import { open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import {
  decodeGrowth,
  encodeFrame,
  encodeRequest,
  FrameReader,
  frames,
  type Growth,
  inputChunk,
  protocolVersion,
} from "./frames.ts";

/** Linux takes 107 bytes of a socket's path, macOS 103. */
const longestSocketPath = 100;
/** At most one acknowledgement in this time: a flood of output must not become a flood of frames. */
const ackSpacingMs = 4;
/** What has just come, of whichever keeper: it is looked at before anything else is read. A buffer for each read would be 64 KiB. */
const arrived = Buffer.allocUnsafeSlow(64 * 1024);

/** What a keeper says by itself. `gone` comes once, last. */
export interface News {
  grew(growth: Growth): void;
  exited(record: Buffer): void;
  closed(record: Buffer): void;
  /** In a sandbox: the command runs there. */
  lived(record: Buffer): void;
  gone(): void;
}

export interface Answer {
  taken: number;
  errno: number;
}

/**
 * The keeper did not answer as one should; `gone` is true where it certainly no longer lives, `silent` where it had all the
 * time there was: to ask again at once would only take as long again.
 */
export class NoKeeper extends Error {
  readonly gone: boolean;
  readonly silent: boolean;
  constructor(message: string, gone: boolean, options: ErrorOptions & { silent?: boolean } = {}) {
    super(message, options);
    this.name = new.target.name;
    this.gone = gone;
    this.silent = options.silent ?? false;
  }
}

export class Link {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #welcomed = Promise.withResolvers<Growth>();
  #news: News | undefined;
  /** News that came before somebody listened, in order; bounded: WELCOME, LIVED, EXITED, CLOSED and one GREW. */
  #early: ((news: News) => void)[] = [];
  #request = 0;
  #lastAck = 0;
  #ackTimer: NodeJS.Timeout | undefined;
  #over = false;
  #silent = false;
  #error: NodeJS.ErrnoException | undefined;

  /**
   * Listens from the first moment of the socket on: a quick child's keeper may have left by the time a connection is known
   * to stand, and an end that nobody heard would be waited for for ever.
   */
  private constructor(path: string) {
    const socket = connect({ path, onread: { buffer: arrived, callback: (count) => this.#receive(count) } });
    this.#socket = socket;
    this.#welcomed.promise.catch(() => undefined); // the one who waits hears of it; nobody else has to
    socket.on("error", (error) => {
      this.#error = error; // "close" follows, and tells everybody
    });
    socket.on("close", () => this.#end());
  }

  /**
   * Connects and proves the secret. Answers the link and how much output there is.
   * Throws `NoKeeper`, whose `gone` says whether the keeper is certainly dead; after `timeoutMs` in any case.
   */
  static async open(dir: string, secret: string, timeoutMs: number): Promise<{ link: Link; growth: Growth }> {
    await using way = await wayTo(dir);
    const link = new Link(way.path);
    const late = setTimeout(() => {
      link.#silent = true;
      link.#socket.destroy();
    }, timeoutMs);
    try {
      link.#socket.write(encodeFrame(frames.hello, Buffer.from(secret))); // kept until the connection stands
      return { link, growth: await link.#welcomed.promise };
    } finally {
      clearTimeout(late);
    }
  }

  /** From now on `news` hears everything, beginning with what came before it listened. */
  listen(news: News): void {
    this.#news = news;
    const early = this.#early;
    this.#early = [];
    for (const tell of early) tell(news);
  }

  /** Sends a request and waits for its answer. Throws `NoKeeper` when the connection ends first. */
  request(type: number, ...parts: Uint8Array[]): Promise<Answer> {
    if (this.#over) return Promise.reject(new NoKeeper("The connection to the keeper has ended", false));
    this.#request = (this.#request + 1) >>> 0;
    const request = this.#request;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(request, waiting);
    this.#socket.write(encodeRequest(type, request, parts));
    return waiting.promise;
  }

  /** Sends input in frames, in order; stops where the keeper takes no more. */
  input(bytes: Uint8Array): Promise<Answer> {
    const inOne = bytes.length > 0 && bytes.length <= inputChunk;
    return inOne ? this.request(frames.input, bytes) : this.#inputInParts(bytes);
  }

  async #inputInParts(bytes: Uint8Array): Promise<Answer> {
    let taken = 0;
    for (let at = 0; at < bytes.length; at += inputChunk) {
      const part = bytes.subarray(at, at + inputChunk);
      const answer = await this.request(frames.input, part);
      taken += answer.taken;
      if (answer.errno !== 0) return { taken, errno: answer.errno };
      if (answer.taken < part.length) break;
    }
    return { taken, errno: 0 };
  }

  close(): void {
    this.#socket.destroy();
  }

  #tell(tell: (news: News) => void): void {
    if (this.#news === undefined) this.#early.push(tell);
    else tell(this.#news);
  }

  /** Always true: reading goes on. */
  #receive(count: number): boolean {
    try {
      this.#reader.push(arrived.subarray(0, count), this.#handle);
    } catch {
      this.#socket.destroy(); // whoever sends this is not our keeper: the records decide
    }
    return true;
  }

  readonly #handle = (type: number, body: Buffer): void => {
    switch (type) {
      case frames.welcome:
        if (body.readUInt8(0) !== protocolVersion) throw new Error("The keeper speaks another version");
        this.#welcomed.resolve(decodeGrowth(body, 1));
        break;
      case frames.grew: {
        const growth = decodeGrowth(body);
        this.#tell((news) => news.grew(growth));
        this.#acknowledge();
        break;
      }
      case frames.taken:
        this.#waiting.get(body.readUInt32BE(0))?.resolve({ taken: body.readUInt32BE(4), errno: body.readUInt32BE(8) });
        this.#waiting.delete(body.readUInt32BE(0));
        break;
      case frames.exited: {
        const record = Buffer.from(body);
        this.#tell((news) => news.exited(record));
        break;
      }
      case frames.closed: {
        const record = Buffer.from(body);
        this.#tell((news) => news.closed(record));
        break;
      }
      case frames.lived: {
        const record = Buffer.from(body);
        this.#tell((news) => news.lived(record));
        break;
      }
      default: // a later keeper may know more; what we do not know we do not need
    }
  };

  /** Not before those who wait for the bytes have had their turn. */
  #acknowledge(): void {
    const wait = this.#lastAck + ackSpacingMs - performance.now();
    if (wait <= 0) setImmediate(() => this.#sendAck());
    else this.#ackTimer ??= setTimeout(() => this.#sendAck(), wait);
  }

  #sendAck(): void {
    this.#ackTimer = undefined;
    this.#lastAck = performance.now();
    if (!this.#over) this.#socket.write(encodeFrame(frames.ack));
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#ackTimer);
    const nobody = this.#error?.code === "ENOENT" || this.#error?.code === "ECONNREFUSED";
    const why = { cause: this.#error, silent: this.#silent };
    const error = new NoKeeper("The connection to the keeper has ended", nobody, why);
    this.#welcomed.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#tell((news) => news.gone());
  }
}

/** Where to connect. A path that is too long for a socket is taken by way of the open directory, which closes with it. */
async function wayTo(dir: string): Promise<AsyncDisposable & { path: string }> {
  const path = join(dir, "sock");
  if (Buffer.byteLength(path) <= longestSocketPath || process.platform !== "linux")
    return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  const handle = await open(dir, "r").catch((cause: unknown) => {
    throw new NoKeeper("The child's directory cannot be opened", false, { cause });
  });
  return { path: `/proc/self/fd/${handle.fd}/sock`, [Symbol.asyncDispose]: () => handle.close() };
}
