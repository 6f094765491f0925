// What is seen of an output, and what is found in it, said as simply as can be: over the whole text, a character at a time. Tests
// hold the streaming code against it.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: control characters are what this is about

const isLineEnd = (character: string | undefined): boolean => character === "\n" || character === "\r";

/** What a terminal is told, one thing after the other: a character, to take one back, or to go elsewhere. */
type Step = ({ put: string } | { back: number } | { move: true }) & { end?: number };

const LONGEST_STRING = 64 * 1024;
const LONGEST_CONTROL = 256;

function* steps(text: string): Generator<Step & { end: number }> {
  for (let at = 0; at < text.length; ) {
    const [length, done] = text[at] === "\x1b" ? sequence(text, at) : [1, ofCharacter(text[at] ?? "")];
    at += length;
    for (const step of done) yield { ...step, end: at };
  }
}

function ofCharacter(character: string): Step[] {
  if (character === "\b") return [{ back: 1 }];
  if (character === "\v" || character === "\f") return [{ move: true }];
  return /[\x00\x07\x0e\x0f\x7f]/.test(character) ? [] : [{ put: character }];
}

/** How long the sequence is that begins at `at`, and what it does. */
function sequence(text: string, at: number): [number, Step[]] {
  const rest = text.slice(at, at + LONGEST_STRING);
  const string = /^\x1b[\]PX^_][^\x07\x1b\r\n]*/.exec(rest);
  if (string !== null) {
    const { length } = string[0];
    // A BEL that ends it belongs to it; an ESC begins something of its own.
    return [length < LONGEST_STRING && text[at + length] === "\x07" ? length + 1 : length, []];
  }
  const control = /^\x1b\[([ -?]*)([@-~]?)/.exec(rest);
  const short = /^\x1b([ -/]*)([0-~]?)/.exec(rest);
  const length = (control ?? short ?? [""])[0].length;
  if (length > LONGEST_CONTROL) return [LONGEST_CONTROL, []];
  if (control !== null) return [length, acts(control[1] ?? "", control[2] ?? "")];
  return [length, short?.[1] === "" && /^[DEMc8]$/.test(short[2] ?? "") ? [{ move: true }] : []];
}

function acts(parameters: string, letter: string): Step[] {
  if (letter === "" || !/^[\d;]*$/.test(parameters)) return [];
  const first = Number(parameters.split(";")[0] || 0);
  if (/[ABEFHfdu]/.test(letter) || (/[G`]/.test(letter) && first <= 1)) return [{ move: true }];
  if (/[CG`]/.test(letter)) return [{ put: "" }];
  return letter === "D" ? [{ back: Math.max(1, Math.min(4096, first)) }] : [];
}

export interface SeenLine {
  /** Where it begins, in bytes. */
  start: number;
  /** What it was in the end, and all that it was on the way. */
  end: string;
  states: string[];
}

/** The text as it is seen in the end, and its lines. */
export function seenOf(text: string): { text: string; lines: SeenLine[] } {
  const lines: SeenLine[] = [{ start: 0, end: "", states: [] }];
  let whole = "";
  let line = "";
  let written = false;
  let moved = 0;
  const add = (character: string, at: number): void => {
    whole += character;
    const last = lines.at(-1);
    if (isLineEnd(character)) {
      if (last !== undefined) last.end = line;
      lines.push({ start: Buffer.byteLength(text.slice(0, at)), end: "", states: [] });
      line = "";
      written = false;
    } else {
      line += character;
      last?.states.push(line);
      written = true;
    }
  };
  for (const step of steps(text)) {
    if ("move" in step) moved ||= step.end;
    else if ("back" in step) {
      if (moved > 0) continue;
      const characters = [...line];
      const kept = characters.slice(0, Math.max(0, characters.length - step.back)).join("");
      whole = whole.slice(0, whole.length - line.length) + kept;
      line = kept;
    } else if (step.put === "") {
      if (written && moved === 0) add(" ", step.end);
    } else {
      if (moved > 0 && written && !isLineEnd(step.put)) add("\r", moved);
      moved = 0;
      add(step.put, step.end);
    }
  }
  const last = lines.at(-1);
  if (last !== undefined) last.end = line;
  return { text: whole, lines };
}
