// What a person sees of a program's bytes: escape sequences and characters that show nothing are taken out as they come, at the
// rate of a log. One reading of them for all: what is watched for is looked for in this, and models read this.
import { Places } from "./places.ts";

const BEL = 0x07;
const BS = 0x08;
const LF = 0x0a;
const VT = 0x0b;
const FF = 0x0c;
const CR = 0x0d;
const ESC = 0x1b;
const BLANK = 0x20;
/** Taken out. Each is looked for by itself: that is ten times as fast as to look at every byte. */
const UNSEEN = [ESC, 0x00, BEL, BS, VT, FF, 0x0e, 0x0f, 0x7f] as const;

/** No title, link, picture or clipboard is worth more: what goes on after so many bytes is text. */
const LONGEST_STRING = 64 * 1024;
const LONGEST_CONTROL = 256;
const MOST_BACK = 4096;
const PIECE_BYTES = 64 * 1024;
/** A shorter stretch is copied byte by byte. */
const SHORT = 12;

/** A stretch of what is seen. */
export interface Run {
  /** So many characters before it were taken back: as far as their line has any, they are no longer there. */
  erase: number;
  /** Both are good until anything else is pushed into any `Seen`. */
  bytes: Buffer;
  places: Places;
}

/** One for all: nobody waits while it is in use. As large as two of the largest chunks. */
let scratch = Buffer.alloc(0);

const isLineEnd = (byte: number | undefined): boolean => byte === LF || byte === CR;

/**
 * Reads a stream that is cut anywhere; what comes out does not depend on the cuts. Memory is a few numbers: a sequence that does
 * not end is over at its line's end, or after 64 KiB.
 *
 * Lines end with LF or CR. Where a program goes to another line or back to the first column by other means (`\x1b[1G`,
 * `\x1b[2;1H`, `\x1b[1A`), a CR stands for it once something is seen there; where it goes on further right, a blank.
 */
export class Seen {
  #offset: number;
  #mode: "text" | "escape" | "control" | "string" = "text";
  /** Where the sequence began whose end has not come yet. */
  #from = 0;
  /** Of a control sequence: its first parameter (0: none), and whether it can move at all. */
  #parameter = 0;
  #first = true;
  #plain = true;
  /** The line has something that is seen. */
  #written: boolean;
  /** Where the first move has ended after which nothing is seen yet; -1: there is none. */
  #moved = -1;

  /** `offset` is where the stream begins; `midLine`: in a line of which something was seen before. */
  constructor(offset: number, midLine = false) {
    this.#offset = offset;
    this.#written = midLine;
  }

  /** The offset of the next byte to be given. */
  get offset(): number {
    return this.#offset;
  }
  /** Where another one may go on in this line: not in the middle of a sequence. */
  get resume(): number {
    return this.#mode === "text" ? this.#offset : this.#from;
  }
  /** Where a line begins of which nothing is seen yet, and which no LF or CR has begun; -1: there is none. */
  get moved(): number {
    return this.#written ? this.#moved : -1;
  }

  /** Bytes are missing: goes on at `offset` as if a line began there. */
  jump(offset: number): void {
    this.#offset = offset;
    this.#mode = "text";
    this.#written = false;
    this.#moved = -1;
  }

  /** What is seen of a chunk. Mostly one run: another begins only where something is taken back. */
  push(chunk: Buffer): Run[] {
    const next = unseenIn(chunk);
    if (this.#mode === "text" && this.#moved < 0 && next.length === 0) return this.#unchanged(chunk);
    const gathered = new Gathering(chunk);
    const base = this.#offset;
    let at = this.#mode === "text" ? 0 : this.#sequence(chunk, 0, gathered);
    while (at < chunk.length) {
      const stop = firstFrom(chunk, at, next);
      if (stop > at) this.#text(chunk, at, stop, gathered);
      at = stop === chunk.length ? stop : this.#unseen(chunk, stop, gathered);
    }
    this.#offset = base + chunk.length;
    return gathered.end();
  }

  #unchanged(chunk: Buffer): Run[] {
    const places = Places.from(this.#offset);
    this.#offset += chunk.length;
    if (chunk.length > 0) this.#written = !isLineEnd(chunk[chunk.length - 1]);
    return [{ erase: 0, bytes: chunk, places }];
  }

  #text(chunk: Buffer, from: number, to: number, gathered: Gathering): void {
    if (this.#moved >= 0) {
      if (this.#written && !isLineEnd(chunk[from])) gathered.put(CR, this.#moved - 1);
      this.#moved = -1;
    }
    gathered.copy(from, to, this.#offset + from);
    this.#written = !isLineEnd(chunk[to - 1]);
  }

  /** Takes out what is at `at`; answers where to go on. */
  #unseen(chunk: Buffer, at: number, gathered: Gathering): number {
    const byte = chunk[at];
    if (byte === ESC) {
      const end = colourEnd(chunk, at);
      if (end > at) return end;
      this.#mode = "escape";
      this.#from = this.#offset + at;
      return this.#sequence(chunk, at + 1, gathered);
    }
    if (byte === BS) this.#back(1, gathered);
    else if (byte === VT || byte === FF) this.#move(this.#offset + at + 1);
    return at + 1;
  }

  /** After a move there is nothing yet that could be taken back. */
  #back(count: number, gathered: Gathering): void {
    if (this.#moved < 0) gathered.back(Math.min(count, MOST_BACK));
  }

  /** Reads on in a sequence; answers where the text goes on, or the chunk's end. */
  #sequence(chunk: Buffer, from: number, gathered: Gathering): number {
    let at = from;
    while (this.#mode !== "text" && at < chunk.length) {
      if (this.#mode === "escape") at = this.#escape(chunk, at);
      else if (this.#mode === "control") at = this.#control(chunk, at, gathered);
      else at = this.#string(chunk, at);
    }
    return at;
  }

  /** After an ESC: one or two characters, or the beginning of something longer. */
  #escape(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    const isFirst = this.#offset + at === this.#from + 1;
    if (byte === 0x5b && isFirst) {
      this.#mode = "control";
      this.#parameter = 0;
      this.#first = true;
      this.#plain = true;
    } else if (isFirst && (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f))
      this.#mode = "string";
    else if (byte >= 0x20 && byte <= 0x2f && this.#room(at, LONGEST_CONTROL)) return at + 1;
    else {
      this.#mode = "text";
      if (byte < 0x30 || byte > 0x7e) return at;
      // IND, NEL, RI, RIS, and where the cursor was once before.
      if (isFirst && (byte === 0x44 || byte === 0x45 || byte === 0x4d || byte === 0x63 || byte === 0x38))
        this.#move(this.#offset + at + 1);
    }
    return at + 1;
  }

  /** After `ESC [`: parameters, then a letter. */
  #control(chunk: Buffer, from: number, gathered: Gathering): number {
    const limit = Math.min(chunk.length, this.#from + LONGEST_CONTROL - this.#offset);
    for (let at = from; at < limit; at++) {
      const byte = chunk[at] ?? 0;
      if (byte >= 0x40 && byte <= 0x7e) {
        this.#mode = "text";
        if (this.#plain) this.#act(byte, this.#offset + at + 1, gathered);
        return at + 1;
      }
      if (byte < 0x20 || byte > 0x3f) {
        this.#mode = "text";
        return at;
      }
      if (byte >= 0x30 && byte <= 0x39) {
        if (this.#first) this.#parameter = Math.min(MOST_BACK, this.#parameter * 10 + byte - 0x30);
      } else if (byte === 0x3b) this.#first = false;
      else this.#plain = false;
    }
    if (limit < chunk.length) this.#mode = "text";
    return Math.max(from, limit);
  }

  /** What a control sequence does to the text. `end` is where it ends. */
  #act(letter: number, end: number, gathered: Gathering): void {
    switch (String.fromCharCode(letter)) {
      case "A": // up, down, lines up and down, to a place, to a line, to where it was
      case "B":
      case "E":
      case "F":
      case "H":
      case "f":
      case "d":
      case "u":
        this.#move(end);
        break;
      case "G": // to a column
      case "`":
        if (this.#parameter <= 1) this.#move(end);
        else this.#blank(end, gathered);
        break;
      case "C": // right
        this.#blank(end, gathered);
        break;
      case "D": // left
        this.#back(Math.max(1, this.#parameter), gathered);
        break;
    }
  }

  /** Of several moves the first one ends the line. */
  #move(end: number): void {
    if (this.#moved < 0) this.#moved = end;
  }

  #blank(end: number, gathered: Gathering): void {
    // At a line's beginning it is only indented.
    if (this.#written && this.#moved < 0) gathered.put(BLANK, end - 1);
  }

  /** A title, a link, a picture: to BEL or ST, in one line. */
  #string(chunk: Buffer, from: number): number {
    const limit = Math.min(chunk.length, this.#from + LONGEST_STRING - this.#offset);
    for (let at = from; at < limit; at++) {
      const byte = chunk[at] ?? 0;
      if (byte > ESC || (byte !== BEL && byte !== ESC && !isLineEnd(byte))) continue;
      this.#mode = byte === ESC ? "escape" : "text";
      // ST is an ESC with a letter, as others are.
      if (byte === ESC) this.#from = this.#offset + at;
      return isLineEnd(byte) ? at : at + 1;
    }
    if (limit < chunk.length) this.#mode = "text";
    return Math.max(from, limit);
  }

  #room(at: number, most: number): boolean {
    return this.#offset + at - this.#from < most;
  }
}

/** A byte that is not seen, and where the next one like it is. */
interface Next {
  byte: number;
  at: number;
}

function unseenIn(chunk: Buffer): Next[] {
  const found: Next[] = [];
  for (const byte of UNSEEN) {
    const at = chunk.indexOf(byte);
    if (at >= 0) found.push({ byte, at });
  }
  return found;
}

/** Where the first of the bytes is that are not seen, from `at` on. */
function firstFrom(chunk: Buffer, at: number, next: readonly Next[]): number {
  let first = chunk.length;
  for (const one of next) {
    if (one.at < at) {
      const found = chunk.indexOf(one.byte, at);
      one.at = found < 0 ? chunk.length : found;
    }
    if (one.at < first) first = one.at;
  }
  return first;
}

const SEMICOLON = 0x3b;
const LETTER_M = 0x6d;
const LONGEST_COLOUR = 24;
/** Nearly every sequence is a colour, and does nothing else: where it ends, if it is all there; else `at`. */
function colourEnd(chunk: Buffer, at: number): number {
  if (chunk[at + 1] !== 0x5b) return at;
  const limit = Math.min(chunk.length, at + LONGEST_COLOUR);
  for (let index = at + 2; index < limit; index++) {
    const byte = chunk[index] ?? 0;
    if (byte === LETTER_M) return index + 1;
    if (byte < 0x30 || byte > SEMICOLON) return at;
  }
  return at;
}

/** Where stretches of one chunk begin, in what is gathered of their run and in the stream. As the scratch: one for all. */
const starts: number[] = [];
const offsets: number[] = [];

/** Puts together what is seen of one chunk. */
class Gathering {
  readonly #runs: Run[] = [];
  /** The chunk stands behind what is gathered of it: to copy within one buffer is twice as fast. */
  readonly #source: number;
  #length = 0;
  #start = 0;
  #erase = 0;
  #places = 0;
  #firstPlace = 0;

  constructor(chunk: Buffer) {
    // A character that stands for a sequence is shorter than that; one may stand for an earlier chunk's.
    this.#source = chunk.length + 1;
    const needed = this.#source + chunk.length;
    if (scratch.length < needed) scratch = Buffer.allocUnsafeSlow(needed);
    chunk.copy(scratch, this.#source);
  }

  copy(from: number, to: number, offset: number): void {
    this.#place(offset);
    const source = this.#source + from;
    const count = to - from;
    if (count > SHORT) scratch.copyWithin(this.#length, source, source + count);
    else for (let at = 0; at < count; at++) scratch[this.#length + at] = scratch[source + at] ?? 0;
    this.#length += count;
  }

  /** A character that stands for a sequence whose last byte is at `offset`. */
  put(byte: number, offset: number): void {
    this.#place(offset);
    scratch[this.#length++] = byte;
  }

  back(count: number): void {
    if (this.#length > this.#start) this.#close();
    this.#erase = Math.min(MOST_BACK, this.#erase + count);
  }

  end(): Run[] {
    if (this.#length > this.#start || this.#erase > 0) this.#close();
    return this.#runs;
  }

  #close(): void {
    const isEmpty = this.#places === this.#firstPlace;
    this.#runs.push({
      erase: this.#erase,
      bytes: scratch.subarray(this.#start, this.#length),
      places: isEmpty ? Places.from(0) : new Places(starts, offsets, this.#firstPlace, this.#places),
    });
    this.#start = this.#length;
    this.#firstPlace = this.#places;
    this.#erase = 0;
  }

  #place(offset: number): void {
    starts[this.#places] = this.#length - this.#start;
    offsets[this.#places++] = offset;
  }
}

/** All runs as one that takes nothing back but from what was before it: what is there when the chunk is over. */
export function settled(runs: readonly Run[]): Run {
  const [only] = runs;
  if (only === undefined) return { erase: 0, bytes: Buffer.alloc(0), places: Places.from(0) };
  if (runs.length === 1) return only;
  const all = Buffer.allocUnsafe(runs.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const stretches: { start: number; places: Places }[] = [];
  let erase = 0;
  let length = 0;
  for (const run of runs) {
    const { end, left } = takenBack(all, length, run.erase);
    erase += left;
    // What came later stands where it was before what was taken back.
    while ((stretches.at(-1)?.start ?? -1) >= end) stretches.pop();
    stretches.push({ start: end, places: run.places });
    run.bytes.copy(all, end);
    length = end + run.bytes.length;
  }
  const parts = stretches.map(({ start, places }, index) => ({
    places,
    length: (stretches[index + 1]?.start ?? length) - start,
  }));
  return { erase: Math.min(MOST_BACK, erase), bytes: all.subarray(0, length), places: Places.joined(parts) };
}

/** The whole of a text as it is seen in the end. */
export function seenIn(bytes: Buffer): Buffer {
  const seen = new Seen(0);
  const all = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    for (const run of seen.push(bytes.subarray(at, at + PIECE_BYTES))) {
      const { end } = takenBack(all, length, run.erase);
      run.bytes.copy(all, end);
      length = end + run.bytes.length;
    }
  return all.subarray(0, length);
}

/**
 * Where a text of `length` bytes ends when its last characters are taken back, as far as their line goes; and how many of them
 * must be looked for in what was before it.
 */
export function takenBack(bytes: Buffer, length: number, count: number): { end: number; left: number } {
  let end = length;
  for (let left = count; left > 0; left--) {
    if (end === 0) return { end, left };
    if (isLineEnd(bytes[end - 1])) break;
    let at = end - 1;
    while (at > 0 && end - at < 4 && isRest(bytes[at])) at--;
    // The first part of this character came before.
    if (at === 0 && isRest(bytes[0])) return { end: 0, left };
    end = at;
  }
  return { end, left: 0 };
}

/** Not the first byte of a character. */
const isRest = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80;
