// One terminal's screen in the screens' thread: drawn as its output grows, put aside when nothing happens.

import { SpoolReader } from "../../keeper/spool-reader.ts";
import type { SizeMark } from "../../processes/size-history.ts";
import { HostError } from "../../protocol/errors.ts";
import { type Checkpoint, frameOf, isCurrent, loadCheckpoint, saveCheckpoint, trimmed } from "./checkpoint.ts";
import { Emulator, SCROLLBACK } from "./emulator.ts";
import type { Growth, Sign, Snapshot } from "./messages.ts";
import { Signs } from "./signs.ts";
import { skippable } from "./skip.ts";

/** Characters of scrollback that a checkpoint and a snapshot hold at most. */
const MOST_HISTORY = 4 * 1024 * 1024;
/** Drawn without looking at the clock or at anybody else's wishes. */
const PIECE = 4 * 1024;
const SMALL_PIECE = 256;
/** A piece that takes longer is hard work: from then on in small pieces, until it is easy again. */
const HARD_MS = 40;
const READ = 256 * 1024;
/** So far behind, what only scrolls by is left out. */
const FLOOD = 4 * 1024 * 1024;
/** Between two checkpoints while there is output. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const REST_MS = 10_000;
/** Needed again so soon after it was put aside: it should have stayed. */
const SOON_MS = 10_000;

export class FollowedScreen {
  readonly #dir: string;
  readonly #spool: SpoolReader;
  #sizes: SizeMark[] = [];
  #emulator: Emulator | undefined;
  /** What was read and is not drawn yet. */
  #ahead: Uint8Array = new Uint8Array(0);
  /** Everything before it is drawn, or held back by the emulator's filter. */
  #drawn = 0;
  #saved = -1;
  #piece = PIECE;
  #used = performance.now();
  #restedAt = Number.NEGATIVE_INFINITY;
  #comesBack = false;
  #closed = false;
  readonly #signs: Signs;
  /** What is printed from this byte on is told. */
  #tellFrom = Number.POSITIVE_INFINITY;

  /** `say`: tells those who watch. */
  constructor(dir: string, say: (sign: Sign) => void) {
    this.#dir = dir;
    this.#signs = new Signs(say);
    this.#spool = new SpoolReader(dir);
  }

  /** Output that is known and not drawn, in bytes. */
  get behind(): number {
    return this.#spool.length - this.#drawn;
  }
  /** When something happened to it last. */
  get used(): number {
    return this.#used;
  }
  /** Holds a screen in memory. */
  get live(): boolean {
    return this.#emulator !== undefined;
  }

  /** It was put aside and soon needed again: to do so each time would cost more than its memory. */
  get comesBack(): boolean {
    return this.#comesBack;
  }
  /** What it holds in memory. */
  get bytes(): number {
    return this.#emulator?.bytes ?? 0;
  }

  heard({ length, firstKept, sizes, tellFrom }: Growth): void {
    this.#tellFrom = tellFrom;
    if (tellFrom === Number.POSITIVE_INFINITY) this.#signs.stop();
    this.#spool.heard(length, firstKept);
    this.#sizes.push(...sizes);
    this.#used = performance.now();
  }

  /** Nothing more is drawn. */
  stop(): void {
    this.#closed = true;
    this.#signs.stop();
  }

  /** Only when nothing is being done to it. */
  close(): void {
    this.stop();
    this.#emulator?.[Symbol.dispose]();
    this.#emulator = undefined;
    void this.#spool.release().catch(() => undefined); // its files may be gone already
  }

  async #open(): Promise<Emulator> {
    if (this.#emulator !== undefined) return this.#emulator;
    this.#comesBack = performance.now() - this.#restedAt < SOON_MS;
    const kept = await loadCheckpoint(this.#dir);
    const from = kept !== undefined && kept.offset <= this.#spool.length ? kept : undefined;
    this.#drawn = from?.offset ?? this.#spool.firstKept;
    const emulator = new Emulator(from ?? this.#sizeAt(this.#drawn));
    if (from !== undefined) emulator.restore(from);
    this.#signs.passed(emulator);
    this.#saved = from?.offset ?? -1;
    this.#ahead = new Uint8Array(0);
    this.#emulator = emulator;
    return emulator;
  }

  #sizeAt(offset: number): SizeMark {
    return this.#sizes.findLast((mark) => mark.offset <= offset) ?? this.#sizes[0] ?? { offset: 0, rows: 24, cols: 80 };
  }

  /** Draws for about `ms`; true if there is more to draw. */
  async draw(ms: number): Promise<boolean> {
    const emulator = await this.#open();
    const until = performance.now() + ms;
    while (!this.#closed) {
      const next = this.#applySizes(emulator);
      if (this.#ahead.length === 0) {
        await this.#read(emulator, next);
        if (this.#ahead.length === 0) break;
      }
      const began = performance.now();
      const isNews = this.#drawn >= this.#tellFrom;
      const end = isNews ? next : Math.min(next, this.#tellFrom);
      const piece = this.#ahead.subarray(0, Math.min(this.#piece, end - this.#drawn));
      this.#ahead = this.#ahead.subarray(piece.length);
      this.#drawn += piece.length;
      this.#feed(emulator, piece);
      if (!isNews) this.#signs.passed(emulator);
      if (this.#drawn >= this.#tellFrom) this.#signs.look(emulator);
      const now = performance.now();
      this.#used = now;
      this.#piece = now - began > HARD_MS ? SMALL_PIECE : Math.min(PIECE, this.#piece * 2);
      if (now >= until) break;
    }
    if (this.#drawn - Math.max(this.#saved, 0) > CHECKPOINT_BYTES) await this.#save(emulator);
    return this.behind > 0;
  }

  /** The size in force where drawing goes on, and where the next one comes into force. */
  #applySizes(emulator: Emulator): number {
    emulator.resize(this.#sizeAt(this.#drawn));
    while (this.#sizes.length > 1 && (this.#sizes[1]?.offset ?? 0) <= this.#drawn) this.#sizes.shift();
    return this.#sizes.find((mark) => mark.offset > this.#drawn)?.offset ?? Number.POSITIVE_INFINITY;
  }

  async #read(emulator: Emulator, next: number): Promise<void> {
    try {
      if (this.behind > FLOOD && next - this.#drawn > FLOOD && emulator.scrollsPlainly) {
        const parts: Uint8Array[] = [];
        for (let at = this.#drawn; at < this.#drawn + FLOOD; ) {
          const { bytes } = await this.#spool.read(at, this.#drawn + FLOOD - at);
          if (bytes.length === 0) break;
          parts.push(bytes);
          at += bytes.length;
        }
        const flood = Buffer.concat(parts);
        // Twice the rows: the first lines fill a screen that was there, only those after it scroll.
        const { length, renditions } = skippable(flood, SCROLLBACK + 2 * emulator.size.rows);
        for (const rendition of renditions) emulator.feed(rendition);
        this.#drawn += length;
        this.#ahead = flood.subarray(length);
        return;
      }
      const { bytes } = await this.#spool.read(this.#drawn, READ);
      this.#ahead = bytes;
    } catch (error) {
      if (!(error instanceof HostError) || error.reason !== "offset_gone") throw error;
      // Faster than anyone can draw, and dropped for the quota: what is lost was scrolled away long ago.
      emulator.gap();
      this.#drawn = Math.max(this.#spool.firstKept, this.#drawn + 1);
    }
  }

  #feed(emulator: Emulator, piece: Uint8Array): void {
    try {
      emulator.feed(piece);
    } catch {
      // The emulator stumbled over what a program wrote; the next bytes find it in order again.
      emulator.gap();
    }
  }

  /** What a viewer needs: it draws this and then the bytes from `offset`. Whatever is not drawn here yet, it draws. */
  async snapshot(budget: number): Promise<Snapshot> {
    this.#used = performance.now();
    if (this.#emulator === undefined) {
      const kept = await loadCheckpoint(this.#dir);
      if (kept !== undefined && isCurrent(kept, this.#spool.length, this.#sizes.at(-1) ?? this.#sizeAt(kept.offset)))
        return frameOf(trimmed(kept, budget));
    }
    const emulator = await this.#open();
    this.#applySizes(emulator);
    this.#signs.shown(emulator.title);
    return frameOf(this.#checkpoint(emulator, Math.min(budget, MOST_HISTORY)));
  }

  #checkpoint(emulator: Emulator, budget: number): Checkpoint {
    return {
      offset: this.#drawn - emulator.held,
      ...emulator.size,
      title: emulator.title,
      ...emulator.serialize(budget),
    };
  }

  async #save(emulator: Emulator): Promise<void> {
    const checkpoint = this.#checkpoint(emulator, MOST_HISTORY);
    await saveCheckpoint(this.#dir, checkpoint);
    this.#saved = this.#drawn;
  }

  /** Puts the screen aside once nothing has happened for a while, or at once. True if it is at rest. */
  async rest(atOnce = false): Promise<boolean> {
    const emulator = this.#emulator;
    if (emulator === undefined) return true;
    if (!atOnce && (this.behind > 0 || performance.now() - this.#used < REST_MS)) return false;
    if (this.#saved !== this.#drawn) await this.#save(emulator);
    // Output may have come while the file was written.
    if (this.#emulator !== emulator || (this.#saved !== this.#drawn && !atOnce)) return false;
    emulator[Symbol.dispose]();
    this.#emulator = undefined;
    this.#restedAt = performance.now();
    await this.#spool.release();
    return true;
  }
}
