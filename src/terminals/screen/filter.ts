// Stands before the emulator: hands on whole sequences only, so that a snapshot never falls inside one, and keeps out what
// could cost memory without end or never shows on a screen.

/** Of a string (title, colours, link) that is longer than this nothing is used. */
const MAX_STRING = 8 * 1024;
const MAX_SEQUENCE = 1024;
const ESC = 0x1b;
const ST = Uint8Array.of(ESC, 0x5c);
const BEL = Uint8Array.of(0x07);
/** Operating system commands that change what is seen: titles, colours, links. */
const VISIBLE_COMMANDS = new Set(["0", "2", "4", "8", "10", "11", "12", "104", "110", "111", "112"]);

type Skipping = "command" | "string" | "sequence";
/** Puts another emulator's parser into the state of one that is in the middle of what is being skipped. */
const OPENERS: Record<Skipping, string> = { command: "\x1b]9999;", string: "\x1b_", sequence: "\x1b[0?" };

export class Filter {
  #held: Uint8Array = new Uint8Array(0);
  #skipping: Skipping | null = null;

  /** Bytes that were pushed and not yet handed on: the beginning of something whose end has not come. */
  get held(): number {
    return this.#held.length;
  }

  /** What a new viewer's emulator has to be fed so that it skips the rest of a string that is skipped here. */
  get opener(): string {
    return this.#skipping === null ? "" : OPENERS[this.#skipping];
  }

  /** Forgets what had begun: the bytes that would have ended it are lost. */
  reset(): void {
    this.#held = new Uint8Array(0);
    this.#skipping = null;
  }

  /** The pieces to be drawn. They may share memory with `bytes`. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = this.#held.length === 0 ? bytes : joined(this.#held, bytes);
    this.#held = new Uint8Array(0);
    const pieces: Uint8Array[] = [];
    let at = 0;
    if (this.#skipping !== null) {
      const end = this.#skipping === "sequence" ? endOfSequence(all, 0) : endOfString(all, 0, this.#skipping);
      if (end.at === undefined) {
        this.#hold(all.subarray(end.from));
        return pieces;
      }
      this.#skipping = null;
      pieces.push(ST);
      at = end.at;
    }
    let from = at;
    while (at < all.length) {
      const begins = nextControl(all, at);
      if (begins === undefined) break;
      const sequence = readSequence(all, begins);
      if (sequence.state === "open") {
        if (begins > from) pieces.push(all.subarray(from, begins));
        this.#open(all.subarray(begins), sequence.kind);
        return pieces;
      }
      if (sequence.state === "drop") {
        if (begins > from) pieces.push(all.subarray(from, begins));
        pieces.push(ST);
        from = sequence.end;
      } else if (sequence.state === "end with bell") {
        pieces.push(all.subarray(from, sequence.end), BEL);
        from = sequence.end;
      }
      at = sequence.end;
    }
    const whole = endOfText(all, from);
    if (whole > from) pieces.push(all.subarray(from, whole));
    this.#hold(all.subarray(whole));
    return pieces;
  }

  #open(rest: Uint8Array, kind: Skipping): void {
    if (rest.length <= (kind === "sequence" ? MAX_SEQUENCE : MAX_STRING)) {
      this.#hold(rest);
      return;
    }
    this.#skipping = kind;
    // Half a character or an ESC at the end may turn out to be what ends it.
    this.#hold(rest.at(-1) === ESC ? rest.subarray(-1) : rest.subarray(endOfText(rest, 0)));
  }

  #hold(rest: Uint8Array): void {
    this.#held = rest.length === 0 ? new Uint8Array(0) : rest.slice();
  }
}

type Sequence =
  | { state: "pass" | "drop" | "end with bell"; end: number }
  /** Its end is not among the bytes. */
  | { state: "open"; kind: Skipping };

const pass = (end: number): Sequence => ({ state: "pass", end });

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  const all = new Uint8Array(one.length + two.length);
  all.set(one);
  all.set(two, one.length);
  return all;
}

/** The code of a C1 control written as UTF-8 (0xc2 and itself), else 0. */
function c1(bytes: Uint8Array, at: number): number {
  const code = bytes[at] === 0xc2 ? (bytes[at + 1] ?? 0) : 0;
  return code >= 0x80 && code <= 0x9f ? code : 0;
}

function nextControl(bytes: Uint8Array, start: number): number | undefined {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === ESC || (byte === 0xc2 && c1(bytes, at) >= 0x90)) return at;
  }
  return undefined;
}

/** Where text ends with a whole character. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let back = 1; back <= 3 && bytes.length - back >= start; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte < 0xf5 && length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function readSequence(bytes: Uint8Array, start: number): Sequence {
  switch (c1(bytes, start)) {
    case 0:
      return readEscape(bytes, start);
    case 0x9b:
      return readCsi(bytes, start + 2);
    case 0x9d:
      return readCommand(bytes, start + 2);
    case 0x90:
    case 0x98:
    case 0x9e:
    case 0x9f:
      return readString(bytes, start + 2);
    default:
      return pass(start + 2);
  }
}

const isExecuted = (byte: number): boolean =>
  byte < 0x18 || byte === 0x19 || (byte >= 0x1c && byte < 0x20) || byte === 0x7f;

function readEscape(bytes: Uint8Array, start: number): Sequence {
  let at = start + 1;
  // Controls are executed where they are; what follows still belongs to the sequence.
  while (at < bytes.length && isExecuted(bytes[at] ?? 0)) at++;
  switch (bytes[at]) {
    case 0x5b:
      return readCsi(bytes, at + 1);
    case 0x5d:
      return readCommand(bytes, at + 1);
    case 0x50:
    case 0x58:
    case 0x5e:
    case 0x5f:
      return readString(bytes, at + 1);
    default:
  }
  while (at < bytes.length && (bytes[at] ?? 0) >= 0x20 && (bytes[at] ?? 0) < 0x30) at++;
  const byte = bytes[at];
  if (byte === undefined) return { state: "open", kind: "sequence" };
  return pass(byte === ESC || byte >= 0x80 ? at : at + 1);
}

function readCsi(bytes: Uint8Array, start: number): Sequence {
  const { at } = endOfSequence(bytes, start);
  return at === undefined ? { state: "open", kind: "sequence" } : pass(at);
}

function readCommand(bytes: Uint8Array, start: number): Sequence {
  const end = endOfString(bytes, start, "command");
  if (end.at === undefined || end.stop === undefined) return { state: "open", kind: "command" };
  const semicolon = bytes.subarray(start, start + 5).indexOf(0x3b);
  const number = semicolon === -1 ? bytes.subarray(start, end.stop) : bytes.subarray(start, start + semicolon);
  const visible = number.length <= 3 && VISIBLE_COMMANDS.has(String.fromCharCode(...number));
  if (!visible || end.stop - start > MAX_STRING) return { state: "drop", end: end.at };
  // Ended by the beginning of something else: the emulator has to see an end.
  return end.at === end.stop ? { state: "end with bell", end: end.at } : pass(end.at);
}

function readString(bytes: Uint8Array, start: number): Sequence {
  const { at } = endOfString(bytes, start, "string");
  return at === undefined ? { state: "open", kind: "string" } : { state: "drop", end: at };
}

/** `at`: after the final byte, or at what cuts it off; `from`: what to look at again when more has come. */
function endOfSequence(bytes: Uint8Array, start: number): { at?: number; from: number } {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === ESC) return { at, from: at };
    if (byte >= 0x80) return byte === 0xc2 && at + 1 === bytes.length ? { from: at } : { at, from: at };
    if (byte === 0x18 || byte === 0x1a || (byte >= 0x40 && byte < 0x7f)) return { at: at + 1, from: at };
  }
  return { from: bytes.length };
}

/** `stop`: where the string's content ends; `at`: after its terminator, or at what cuts it off. */
function endOfString(
  bytes: Uint8Array,
  start: number,
  kind: "command" | "string",
): { at?: number; stop?: number; from: number } {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte === 0x07 && kind === "command") || byte === 0x18 || byte === 0x1a)
      return { at: at + 1, stop: at, from: at };
    if (byte === ESC) {
      if (at + 1 === bytes.length) return { from: at };
      return { at: bytes[at + 1] === 0x5c ? at + 2 : at, stop: at, from: at };
    }
    if (byte === 0xc2) {
      if (at + 1 === bytes.length) return { from: at };
      const code = c1(bytes, at);
      if (code !== 0) return { at: code === 0x9c ? at + 2 : at, stop: at, from: at };
    }
  }
  return { from: bytes.length };
}
