// Lines of a buffer as bytes that draw them again, cell by cell.
import { type LinkOf, Pen } from "./attributes.ts";
import { Ink } from "./ink.ts";
import { ALL_BG_FLAGS, ALL_FG_FLAGS, bgFlag, CELL_WORDS, colour, content, type Line } from "./internals.ts";

const EMPTY = 1 << content.widthShift;
const moveTo = (column: number): string => `\x1b[${column + 1}G`;

/** Whether a character may become one with its neighbours where they are written without a break. */
function mayJoin(code: number): boolean {
  if (code < 0x300) return code > 0x7e && (code < 0xa0 || code === 0xa9 || code === 0xad || code === 0xae);
  if (code >= 0x2500 && code <= 0x259f) return false;
  return !(
    (code >= 0x3041 && code <= 0x3096) ||
    (code >= 0x4e00 && code <= 0x9fff) ||
    (code >= 0xac00 && code <= 0xd7a3)
  );
}

interface Drawing {
  readonly pen: Pen;
  /** Where the emulator's cursor is; -1: not to be relied on. */
  column: number;
  /** The character before was written just now and may join the next. */
  joins: boolean;
}

export class RowWriter {
  readonly #cols: number;
  readonly #linkOf: LinkOf;
  readonly #ink = new Ink();

  constructor(cols: number, linkOf: LinkOf) {
    this.#cols = cols;
    this.#linkOf = linkOf;
  }

  /** Columns up to the last that is not plainly empty. */
  #used(line: Line): number {
    const data = line._data;
    let word = Math.min(this.#cols, line.length) * CELL_WORDS;
    for (; word > 0; word -= CELL_WORDS) {
      // In one go: this is asked of each cell of each line.
      if (((data[word - 3] ?? 0) ^ EMPTY) | (data[word - 2] ?? 0) | (data[word - 1] ?? 0)) break;
    }
    return word / CELL_WORDS;
  }

  /**
   * The line's cells, from its first column on, plain before and after. With a `next` that continues it, what is
   * returned ends where the next character goes to the next line by itself. `follows`: it is itself such a `next`.
   */
  row(line: Line, next?: Line, follows = false): string {
    const drawing: Drawing = { pen: new Pen(this.#linkOf), column: 0, joins: follows };
    const { pen } = drawing;
    const end = this.#used(line);
    for (let at = 0; at < end; at++) {
      const cell = line._data[at * CELL_WORDS] ?? 0;
      if ((cell & content.any) === 0) {
        // The second half of a wide character has no width.
        if (cell >>> content.widthShift !== 0) at += this.#drawEmpty(drawing, line, at, end, next) - 1;
        continue;
      }
      this.#drawCharacter(drawing, line, at);
      // The line that a coloured character scrolled into being is all in its colour.
      if (at === 0 && follows && (line._data[2] ?? 0) & colour.mode) this.#ink.text(`${pen.plain()}\x1b[K`);
      else at = this.#drawAlike(drawing, line, at, end);
    }
    this.#ink.text(next?.isWrapped === true ? this.#wrap(line, { pen, column: drawing.column, next }) : pen.plain());
    return this.#ink.take();
  }

  #drawCharacter(drawing: Drawing, line: Line, at: number): void {
    const cell = line._data[at * CELL_WORDS] ?? 0;
    const extended = line._extendedAttrs[at];
    const combined = cell & content.combined;
    const code = cell & content.codePoint;
    const risky = combined !== 0 || mayJoin(code);
    const change = drawing.pen.change(
      line._data[at * CELL_WORDS + 1] ?? 0,
      line._data[at * CELL_WORDS + 2] ?? 0,
      extended,
    );
    if (drawing.column !== at) this.#ink.text(moveTo(at));
    if (drawing.column !== at || change !== "") this.#ink.text(change);
    else if (drawing.joins || (at > 0 && risky)) this.#ink.text(drawing.pen.again(extended));
    if (combined) this.#ink.text(line._combined[at] ?? " ");
    else this.#ink.character(code);
    drawing.joins = risky;
    drawing.column = at + (cell >>> content.widthShift);
  }

  /**
   * Draws what follows the character at `at`, for as long as it looks the same and joins nothing: nearly all there is.
   * Answers where the last one drawn begins.
   */
  #drawAlike(drawing: Drawing, line: Line, at: number, end: number): number {
    const data = line._data;
    const fg = data[at * CELL_WORDS + 1];
    const bg = data[at * CELL_WORDS + 2] ?? 0;
    if (drawing.joins || bg & bgFlag.extended) return at;
    let last = at;
    let { column } = drawing;
    while (column < end) {
      // What follows a wide character's first half is the second, or nothing that could be passed over.
      if (column - last === 2 && data[(last + 1) * CELL_WORDS] !== 0) break;
      const word = column * CELL_WORDS;
      const cell = data[word] ?? 0;
      const width = cell >>> content.widthShift;
      if ((cell & content.any) === 0 || width === 0 || cell & content.combined) break;
      if (data[word + 1] !== fg || data[word + 2] !== bg || mayJoin(cell & content.codePoint)) break;
      this.#ink.character(cell & content.codePoint);
      last = column;
      column += width;
    }
    drawing.column = column;
    return last;
  }

  /** Draws empty cells that look alike; answers how many. */
  #drawEmpty(drawing: Drawing, line: Line, at: number, end: number, next: Line | undefined): number {
    const data = line._data;
    const word = at * CELL_WORDS;
    const fg = data[word + 1] ?? 0;
    const bg = data[word + 2] ?? 0;
    drawing.joins = false;
    if (fg & (ALL_FG_FLAGS | colour.mode) || bg & ALL_BG_FLAGS) {
      this.#ink.text(this.#emptied(line, at, drawing.pen, next));
      drawing.column = -1;
      return 1;
    }
    if (bg === 0) return 1;
    let run = 1;
    for (let to = word + CELL_WORDS; at + run < end; to += CELL_WORDS, run++)
      if (data[to] !== EMPTY || data[to + 1] !== 0 || data[to + 2] !== bg) break;
    if (drawing.column !== at) this.#ink.text(moveTo(at));
    this.#ink.text(`${drawing.pen.change(0, bg, undefined)}\x1b[${run}X`);
    drawing.column = at;
    return run;
  }

  /** A cell that is empty and yet has a look: what is left where half of a wide character was overwritten. */
  #emptied(line: Line, at: number, pen: Pen, next: Line | undefined): string {
    const fg = line._data[at * CELL_WORDS + 1] ?? 0;
    const bg = line._data[at * CELL_WORDS + 2] ?? 0;
    // In the last column its neighbour is in the next line; in the very last line there is none, and its background has to do.
    if (at + 1 >= this.#cols && next !== undefined)
      return next.isWrapped ? "" : `${pen.plain()}${this.#emptyLast(line)}\x1b[A`;
    if (at + 1 >= this.#cols)
      return `${moveTo(at)}${pen.change(0, bg & (colour.mode | colour.value), undefined)}\x1b[X`;
    const style = pen.change(fg, bg, line._extendedAttrs[at]);
    return `${moveTo(at)}${style}一${moveTo(at + 1)} ${moveTo(at + 1)}${pen.plain()}\x1b[X`;
  }

  #wrap(line: Line, o: { pen: Pen; column: number; next: Line }): string {
    const plain = o.pen.plain();
    const last = (line._data[(this.#cols - 1) * CELL_WORDS] ?? 0) >>> content.widthShift;
    const full = (line._data[(this.#cols - 1) * CELL_WORDS] ?? 0) & content.any || last === 0;
    if (!full) return plain + this.#emptyLast(line);
    const behind = o.column === this.#cols ? "" : this.#again(line);
    // A cursor behind the last column wraps by itself; without a character to come, one that is taken back.
    return plain + behind + (((o.next._data[0] ?? 0) & content.any) === 0 ? "x\r\x1b[X" : "");
  }

  /** A wide character that does not fit leaves the last cell empty in its own look and begins the next line. */
  #emptyLast(line: Line): string {
    const word = (this.#cols - 1) * CELL_WORDS;
    const pen = new Pen(this.#linkOf);
    const style = pen.change(line._data[word + 1] ?? 0, line._data[word + 2] ?? 0, line._extendedAttrs[this.#cols - 1]);
    return `${moveTo(this.#cols - 1)}${style}一\r${pen.plain()}\x1b[${this.#cols}X`;
  }

  /** Writes the last character of a full line again, which leaves the cursor behind it. */
  #again(line: Line): string {
    const last = this.ending(line, this.#cols);
    return last === undefined ? `${moveTo(this.#cols - 1)} ` : moveTo(last.at) + last.text;
  }

  /** The character that ends at column `end` with its look, and where it begins; undefined if there is none. */
  ending(line: Line, end: number): { at: number; characters: string; text: string } | undefined {
    let at = end - 1;
    if (at > 0 && (line._data[at * CELL_WORDS] ?? 0) === 0) at--;
    const cell = line._data[at * CELL_WORDS] ?? 0;
    if ((cell & content.any) === 0 || at + (cell >>> content.widthShift) !== end) return undefined;
    const pen = new Pen(this.#linkOf);
    const style = pen.change(
      line._data[at * CELL_WORDS + 1] ?? 0,
      line._data[at * CELL_WORDS + 2] ?? 0,
      line._extendedAttrs[at],
    );
    const characters =
      cell & content.combined ? (line._combined[at] ?? " ") : String.fromCodePoint(cell & content.codePoint);
    return { at, characters, text: style + characters + pen.plain() };
  }
}
