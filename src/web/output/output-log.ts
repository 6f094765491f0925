// Output as lines of styled text: read as it comes, bounded, and harmless. Sequences that do more than colour do nothing.
import { plain, type Style, sgr } from "./style.ts";

export interface Run {
  readonly text: string;
  readonly style: Style;
}
export interface Line {
  /** Unique within its log, growing. */
  readonly key: number;
  readonly runs: readonly Run[];
  readonly text: string;
}
/** Lines that are drawn together: another object only when one of them is another. */
export interface Block {
  readonly key: number;
  readonly lines: readonly Line[];
}
export interface Shown {
  readonly blocks: readonly Block[];
  readonly lines: number;
  /** Offset in the output of the first byte that is shown. */
  readonly from: number;
  /** Offset after the last. */
  readonly to: number;
}

const BLOCK_LINES = 100;
export const MOST_LINES = 10_000;
const MOST_CHARACTERS = 4 * 1024 * 1024;
/** A longer line is broken: nobody reads it, and to lay it out would hold up the page. */
const LONGEST_LINE = 8_192;
const LONGEST_SEQUENCE = 128;
const NEWLINE = 0x0a;

/** Controls and the marks that reorder or hide text (A46). */
const CONTROL = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the ways in which such a string ends
const STRING_END = /\u0007|\u001b\\?|\u009c/;

interface Piece {
  readonly offset: number;
  readonly block: Block;
  readonly characters: number;
}

export class OutputLog {
  #pieces: Piece[] = [];
  #lines = 0;
  #characters = 0;
  #keys = 0;
  #from = 0;
  #to = 0;
  /** Offset of the line that has no end yet. */
  #lineAt = 0;
  #decoder = new TextDecoder();
  /** The line without an end, a place for each character: what writes over it costs no more than what comes after it. */
  readonly #characterAt = new Uint16Array(LONGEST_LINE);
  readonly #styleAt: Style[] = [];
  #length = 0;
  #column = 0;
  #style = plain;
  /** What there is of a sequence that has not arrived whole; null: none has begun. */
  #sequence: string | null = null;
  #kind: "escape" | "csi" | "string" = "escape";

  /** Everything before is forgotten; the next byte is that of `offset`. */
  reset(offset: number): void {
    this.#pieces = [];
    this.#lines = this.#characters = this.#length = this.#column = 0;
    this.#from = this.#to = this.#lineAt = offset;
    this.#decoder = new TextDecoder();
    this.#style = plain;
    this.#sequence = null;
  }

  /** `offset`: of the first of the bytes. They follow what came before, or a gap is marked. */
  write(bytes: Uint8Array, offset: number): void {
    if (offset !== this.#to) this.#gap(offset);
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      const stop = end < 0 ? bytes.length : end;
      this.#text(this.#decoder.decode(bytes.subarray(at, stop), { stream: end < 0 }));
      at = end < 0 ? stop : end + 1;
      this.#to = offset + at;
      if (end >= 0) this.#newLine(this.#to);
    }
    this.#trim();
  }

  /** What there is to draw. */
  shown(): Shown {
    const blocks = this.#pieces.map((piece) => piece.block);
    if (this.#length > 0) blocks.push({ key: -1, lines: [this.#line(-1)] });
    return { blocks, lines: this.#lines + (this.#length > 0 ? 1 : 0), from: this.#from, to: this.#to };
  }

  #gap(offset: number): void {
    if (this.#to > this.#from && offset > this.#to) {
      this.#sequence = null;
      this.#style = plain;
      if (this.#length > 0) this.#newLine(this.#to);
      this.#put(`… ${(offset - this.#to).toLocaleString("en")} bytes are not shown …`);
      this.#newLine(offset);
    } else this.reset(offset);
    this.#to = this.#lineAt = offset;
  }

  #text(text: string): void {
    CONTROL.lastIndex = 0;
    let from = 0;
    while (from < text.length) {
      if (this.#sequence !== null) {
        from = this.#goOn(text, from);
        continue;
      }
      CONTROL.lastIndex = from;
      const found = CONTROL.exec(text);
      const end = found?.index ?? text.length;
      if (end > from) this.#put(text.slice(from, end));
      if (found === null) return;
      this.#control(found[0]);
      from = end + 1;
    }
  }

  #control(character: string): void {
    switch (character) {
      case "\r":
        this.#column = 0;
        break;
      case "\b":
        this.#column = Math.max(0, this.#column - 1);
        break;
      case "\t":
        this.#put("\t");
        break;
      case "\u001b":
        this.#begin("escape");
        break;
      case "\u009b":
        this.#begin("csi");
        break;
      case "\u0007":
      case "\u0000":
        break;
      default:
        this.#put(visible(character));
    }
  }

  #begin(kind: "escape" | "csi" | "string"): void {
    this.#kind = kind;
    this.#sequence = "";
  }

  /** Reads on in a sequence; answers where the text goes on. */
  #goOn(text: string, from: number): number {
    const character = text[from] ?? "";
    if (this.#kind === "string") {
      // Titles, links, clipboards, pictures: passed over, whatever they say and however long they are.
      const rest = text.slice(from);
      const end = STRING_END.exec(rest);
      if (end === null) return text.length;
      this.#sequence = null;
      // A lone escape is the first half of an end that has not arrived whole, or begins another sequence.
      if (end[0] === "\u001b") this.#begin("escape");
      return from + end.index + end[0].length;
    }
    if (this.#kind === "escape") {
      if (character === "[") this.#begin("csi");
      else if ("]PX^_".includes(character)) this.#begin("string");
      else if (!/[ -/]/.test(character)) this.#sequence = null;
      return from + 1;
    }
    if (/[@-~]/.test(character)) {
      this.#command(character, this.#sequence ?? "");
      this.#sequence = null;
    } else if (character === "\u001b") this.#begin("escape");
    else if (!/[ -?]/.test(character) || (this.#sequence?.length ?? 0) >= LONGEST_SEQUENCE) {
      this.#sequence = null;
      return from;
    } else this.#sequence += character;
    return from + 1;
  }

  #command(final: string, parameters: string): void {
    if (!/^[\d;:]*$/.test(parameters)) return;
    const count = Math.min(LONGEST_LINE, Math.max(1, Number.parseInt(parameters, 10) || 1));
    if (final === "m") this.#style = sgr(this.#style, parameters);
    else if (final === "K") this.#erase(parameters);
    else if (final === "G") this.#column = Math.min(count - 1, this.#length);
    else if (final === "D") this.#column = Math.max(0, this.#column - count);
    else if (final === "C") this.#column = Math.min(this.#length, this.#column + count);
  }

  #erase(parameters: string): void {
    if (parameters === "" || parameters === "0") this.#cut(this.#column);
    else if (parameters === "2") {
      this.#cut(0);
      this.#column = 0;
    }
  }

  /** Keeps the first so many characters of the line. */
  #cut(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  #put(text: string): void {
    for (let at = 0; at < text.length; ) {
      const room = LONGEST_LINE - this.#column;
      const part = text.slice(at, at + room);
      this.#place(part);
      at += part.length;
      if (at < text.length) this.#newLine(this.#lineAt);
    }
  }

  #place(text: string): void {
    for (let at = 0; at < text.length; at++) {
      this.#characterAt[this.#column + at] = text.charCodeAt(at);
      this.#styleAt[this.#column + at] = this.#style;
    }
    this.#column += text.length;
    this.#length = Math.max(this.#length, this.#column);
  }

  #line(key: number): Line {
    const text = String.fromCharCode(...this.#characterAt.subarray(0, this.#length));
    const runs: Run[] = [];
    for (let from = 0, to = 0; from < this.#length; from = to) {
      const style = this.#styleAt[from] ?? plain;
      while (to < this.#length && this.#styleAt[to] === style) to++;
      runs.push({ text: text.slice(from, to), style });
    }
    return { key, runs, text };
  }

  /** `next`: the offset of what follows. */
  #newLine(next: number): void {
    const line = this.#line(this.#keys++);
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.block.lines.length < BLOCK_LINES) {
      const block = { key: last.block.key, lines: [...last.block.lines, line] };
      const characters = last.characters + line.text.length;
      this.#pieces[this.#pieces.length - 1] = { offset: last.offset, block, characters };
    } else {
      const block = { key: line.key, lines: [line] };
      this.#pieces.push({ offset: this.#lineAt, block, characters: line.text.length });
    }
    this.#lines++;
    this.#characters += line.text.length;
    this.#length = this.#column = 0;
    this.#lineAt = next;
  }

  #trim(): void {
    let dropped = 0;
    while (dropped < this.#pieces.length - 1 && (this.#lines > MOST_LINES || this.#characters > MOST_CHARACTERS)) {
      const piece = this.#pieces[dropped++];
      this.#lines -= piece?.block.lines.length ?? 0;
      this.#characters -= piece?.characters ?? 0;
    }
    if (dropped === 0) return;
    this.#pieces = this.#pieces.slice(dropped);
    this.#from = this.#pieces[0]?.offset ?? this.#lineAt;
  }
}

function visible(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  return point === 0x7f ? "␡" : `\\u{${point.toString(16)}}`;
}
