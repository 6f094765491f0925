// How a viewer sees a child: its bytes, its size, its end. Processes and terminals give the same.
import { EventEmitter } from "node:events";
import type { Child, Spool } from "../keeper/keepers.ts";
import { HostError } from "../protocol/errors.ts";
import { clampSize, type Size } from "./size.ts";
import { SizeHistory, type SizeMark } from "./size-history.ts";

export interface AttachmentEnd {
  exit_code: number | null;
  signal: string | null;
  cause: string;
}

/** What the screen of a child is drawn from. */
export interface Drawn {
  readonly id: string;
  /** Where its output is kept. */
  readonly dir: string;
  readonly spool: Spool;
  readonly sizes: SizeHistory;
}

/** The bytes of a child, for viewers: processes and terminals both give one. */
export interface Attachment {
  readonly spool: Spool;
  readonly mode: "pipe" | "pty";
  /** Which sizes its screen had at which byte; null: it has no screen. */
  readonly sizes: SizeHistory | null;
  /** null: it has no screen, or nothing of it is left. */
  readonly drawn: Drawn | null;
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
  readonly sizes: SizeHistory | null;
  readonly #changes = new EventEmitter<{ resize: [number, number] }>();

  /** `marks`: the sizes that are known; none where there is no screen. */
  constructor(marks: readonly SizeMark[]) {
    const [first, ...more] = marks;
    this.sizes = first === undefined ? null : new SizeHistory([first, ...more]);
    // One listener per viewer; how many viewers there may be is the gateway's business.
    this.#changes.setMaxListeners(0);
  }

  onResize(listener: (rows: number, cols: number) => void): Disposable {
    this.#changes.on("resize", listener);
    return { [Symbol.dispose]: () => void this.#changes.off("resize", listener) };
  }

  /** Clamps, tells the child, then the viewers. */
  async resize(child: Child, rows: unknown, cols: unknown): Promise<Size> {
    const { sizes } = this;
    if (sizes === null)
      throw new HostError("invalid_params", "It runs on pipes and has no screen to resize: start it with mode pty");
    const size = clampSize(rows, cols);
    const before = sizes.last;
    const changed = size.rows !== before.rows || size.cols !== before.cols;
    // First: what the program prints for the new size has to be drawn in it.
    if (changed) sizes.add({ offset: child.spool.length, ...size });
    try {
      await child.resize(size.rows, size.cols);
    } catch (error) {
      if (changed) sizes.add({ ...before, offset: child.spool.length });
      throw error;
    }
    if (changed) this.#changes.emit("resize", size.rows, size.cols);
    return size;
  }
}

/** What a screen is drawn from; null where there is none: on pipes, or with nothing left of the child. */
export function drawnOf(child: Child | null, screen: Screen): Drawn | null {
  if (child === null || screen.sizes === null) return null;
  return { id: child.id, dir: child.dir, spool: child.spool, sizes: screen.sizes };
}

/** The output of a child of which nothing is left. */
export const emptySpool: Spool = {
  length: 0,
  firstKept: 0,
  ended: true,
  read: (from) => Promise.resolve({ offset: from, bytes: Buffer.alloc(0) }),
  grown: () => Promise.resolve(),
};
