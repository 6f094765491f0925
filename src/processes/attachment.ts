// How a viewer sees a child: its bytes, its size, its end. Processes and terminals give the same.
import { EventEmitter } from "node:events";
import type { Child, Spool } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";
import { clampSize, type Size } from "./size.ts";

export interface AttachmentEnd {
  exit_code: number | null;
  signal: string | null;
  cause: string;
}

/** The bytes of a child, for viewers: processes and terminals both give one. */
export interface Attachment {
  readonly spool: Spool;
  readonly mode: "pipe" | "pty";
  /** null: it has no screen. */
  size(): { rows: number; cols: number } | null;
  /** Bytes taken. Errors: already_exited. */
  write(bytes: Uint8Array): Promise<number>;
  /** Any size, clamped; answers the one in force. Errors: invalid_params where there is no screen, already_exited. */
  resize(rows: unknown, cols: unknown): Promise<{ rows: number; cols: number }>;
  /** Called after each resize, whoever asked for it. It must not throw. */
  onResize(listener: (rows: number, cols: number) => void): Disposable;
  /** Resolves once the end is recorded. */
  readonly ended: Promise<AttachmentEnd>;
}

/** The screen of one child: its size, and who wants to know of it. */
export class Screen {
  #size: Size | null;
  readonly #changes = new EventEmitter<{ resize: [number, number] }>();

  constructor(size: Size | null) {
    this.#size = size;
    // One listener per viewer; how many viewers there may be is the gateway's business.
    this.#changes.setMaxListeners(0);
  }

  get size(): Size | null {
    return this.#size;
  }

  onResize(listener: (rows: number, cols: number) => void): Disposable {
    this.#changes.on("resize", listener);
    return { [Symbol.dispose]: () => void this.#changes.off("resize", listener) };
  }

  /** Clamps, tells the child, then the viewers. */
  async resize(child: Child, rows: unknown, cols: unknown): Promise<Size> {
    if (this.#size === null)
      throw new HostError("invalid_params", "It runs on pipes and has no screen to resize: start it with mode pty");
    const size = clampSize(rows, cols);
    await child.resize(size.rows, size.cols);
    const changed = size.rows !== this.#size.rows || size.cols !== this.#size.cols;
    this.#size = size;
    if (changed) this.#changes.emit("resize", size.rows, size.cols);
    return size;
  }
}

/** The output of a child of which nothing is left. */
export const emptySpool: Spool = {
  length: 0,
  firstKept: 0,
  ended: true,
  read: (from) => Promise.resolve({ offset: from, bytes: Buffer.alloc(0) }),
  grown: () => Promise.resolve(),
};
