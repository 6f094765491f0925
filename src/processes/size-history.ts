// Which size a screen had at which byte of its output: who draws the bytes has to change size at the same places.
import type { Size } from "./size.ts";

/** From byte `offset` on. */
export interface SizeMark extends Size {
  offset: number;
}

/** More than a window that is dragged for hours; of older ones only the last counts. */
const MOST = 256;

export class SizeHistory {
  #marks: SizeMark[];
  /** How many were dropped: positions count from the first ever. */
  #dropped = 0;

  /** At least one: the size at the beginning of what is known. */
  constructor(marks: readonly [SizeMark, ...SizeMark[]]) {
    this.#marks = [...marks];
  }

  get last(): SizeMark {
    return this.#marks.at(-1) ?? { offset: 0, rows: 24, cols: 80 };
  }
  get marks(): readonly SizeMark[] {
    return this.#marks;
  }

  /** Offsets never fall, whatever order news of the output come in. */
  add(mark: SizeMark): void {
    this.#marks.push({ ...mark, offset: Math.max(mark.offset, this.last.offset) });
    while (this.#marks.length > MOST) {
      this.#marks.shift();
      this.#dropped++;
    }
  }

  /** The position after the last mark at or before `offset`. */
  positionAt(offset: number): number {
    return this.#dropped + this.#marks.findLastIndex((mark) => mark.offset <= offset) + 1;
  }

  /** The mark at a position, or the oldest kept behind it; undefined where there is none yet. */
  at(position: number): { mark: SizeMark; next: number } | undefined {
    const index = Math.max(0, position - this.#dropped);
    const mark = this.#marks[index];
    return mark === undefined ? undefined : { mark, next: this.#dropped + index + 1 };
  }

  /** The size in force at `offset`. */
  sizeAt(offset: number): SizeMark {
    return this.#marks.findLast((mark) => mark.offset <= offset) ?? this.#marks[0] ?? this.last;
  }
}
