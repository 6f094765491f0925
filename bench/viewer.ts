// A viewer of a terminal as a browser would be one: a WebSocket over TCP that counts, keeps or just takes the bytes.
import { once } from "node:events";
import { WebSocket } from "ws";
import type { RunningHost } from "../test/support/running-host.ts";

/** Binary frames begin with the offset of their first byte. */
const HEAD = 8;

export class Viewer implements Disposable {
  readonly #ws: WebSocket;
  /** Called for each frame with its bytes and their offset. */
  onBytes: (bytes: Buffer, offset: number) => void = () => undefined;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.onBytes(data.subarray(HEAD), Number(data.readBigUInt64BE(0)));
    });
  }

  /** Attaches from the first byte on. `onBytes` is in place before the first frame can come. */
  static async open(host: RunningHost, id: string, onBytes: Viewer["onBytes"]): Promise<Viewer> {
    const url = `${host.address.replace(/^http/, "ws")}/api/terminals/${id}/socket?from=0`;
    const headers = { authorization: `Bearer ${await host.token()}` };
    const ws = new WebSocket(url, ["hearth"], { headers, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
    const viewer = new Viewer(ws);
    viewer.onBytes = onBytes;
    await once(ws, "open");
    return viewer;
  }

  /** Keys, as bytes. */
  type(text: string): void {
    this.#ws.send(Buffer.from(text), { binary: true });
  }

  get closed(): Promise<unknown> {
    return once(this.#ws, "close");
  }

  [Symbol.dispose](): void {
    this.#ws.terminate();
  }
}
