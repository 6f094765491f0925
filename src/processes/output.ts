// A process's output as text, read from its spool on demand: the bytes themselves stay where they are.

import type { Spool } from "../keeper/keepers.ts";
import { OffsetGone } from "../keeper/keepers.ts";
import { readAll } from "../keeper/read-all.ts";
import { joined, MARGIN, type RawText, type Redactor, rawLength, rawText, tidied } from "../secrets/redactor.ts";
import { LineIndex } from "./line-index.ts";
import { decodeFrom, isShellNoise, lastCharacters, stripAnsi, unixLines, withoutShellNoise } from "./plain-text.ts";

/** What a model may see of one output at most (P8). */
export const WINDOW_CHARACTERS = 200_000;
/** A character is at most 4 bytes of UTF-8; what escape sequences take comes on top and is read when needed. */
const BYTES_PER_CHARACTER = 4;
const WINDOW_BYTES = WINDOW_CHARACTERS * BYTES_PER_CHARACTER;
/** Where so much is nothing but escape sequences and control characters, the tail is what text there is: the loop must not wait. */
const MAX_TAIL_BYTES = 512 * 1024;
const RETRIES = 5;

export interface LogPage {
  output: string;
  total_lines: number;
  showing: string;
}

/** Bytes may be dropped between looking and reading: look again. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof OffsetGone) || tries >= RETRIES) throw error;
    }
  }
}

export class Output {
  readonly spool: Spool;
  readonly #index: LineIndex;

  readonly #redactor: Redactor;

  /** Nothing leaves as text but through the redactor. */
  constructor(spool: Spool, redactor: Redactor) {
    this.spool = spool;
    this.#redactor = redactor;
    this.#index = new LineIndex(spool);
  }

  /** The last `characters` of the output, or of its first `end` bytes. */
  tail(characters: number, o: { stripAnsi?: boolean; end?: number } = {}): Promise<string> {
    return again(async () => {
      const end = Math.min(o.end ?? this.spool.length, this.spool.length);
      // What begins before the window is known for what it is only by what stands there.
      const least = Math.max(1024, characters * BYTES_PER_CHARACTER) + MARGIN;
      for (let want = least; ; want *= 4) {
        const start = Math.max(this.spool.firstKept, end - want);
        if (start >= end) return "";
        const raw = decodeFrom(await readAll(this.spool, start, end - start), start === 0);
        const headless = start === 0 ? tidied(raw, withoutShellNoise) : this.#unbroken(raw, start);
        const text = o.stripAnsi === true ? tidied(headless, plain) : headless;
        const length = rawLength(text);
        const enough = length >= characters + MARGIN || start <= this.spool.firstKept || want >= MAX_TAIL_BYTES;
        if (enough) return lastCharacters(this.#redactor.clear(text), characters);
      }
    });
  }

  /** The first characters that are kept, without escape sequences; `whole`: they begin at the beginning. */
  head(characters: number, bytes: number): Promise<{ text: string; whole: boolean }> {
    return again(async () => {
      const { firstKept } = this.spool;
      const raw = decodeFrom(await readAll(this.spool, firstKept, bytes + MARGIN), firstKept === 0);
      const text = tidied(firstKept === 0 ? tidied(raw, withoutShellNoise) : this.#unbroken(raw, firstKept), plain);
      return { text: this.#redactor.clear(text).slice(0, characters), whole: firstKept === 0 };
    });
  }

  /** Lines for people and models: the last `limit`, or `limit` from the 1-based line `offset` on (P13). */
  log(offset: number, limit: number): Promise<LogPage> {
    return again(async () => {
      const { lines: total, end } = await this.#index.total();
      const base = this.#index.base;
      const gap = base === 0 ? "" : `; counted from byte ${base}, earlier output is no longer kept`;
      if (total === 0) return { output: "", total_lines: 0, showing: `no lines${gap}` };
      const wanted = offset === 0 ? Math.max(1, total - limit + 1) : offset;
      const at = wanted > total ? null : await this.#index.find(wanted);
      const found = at === null ? null : await this.#pastBroken(at, end);
      if (found === null) return { output: "", total_lines: total, showing: `no lines: there are ${total}${gap}` };
      const page =
        offset === 0 ? await this.#newest(found.offset, total, end, limit) : await this.#from(found, end, limit);
      const missing = found.line > wanted ? `; lines before ${found.line} are no longer kept` : "";
      const cut = page.cut ? `; cut to ${WINDOW_CHARACTERS.toLocaleString("en")} characters` : "";
      const shown = page.lines.length === 0 ? "no lines" : `lines ${page.first}–${page.first + page.lines.length - 1}`;
      return {
        output: page.lines.join("\n"),
        total_lines: total,
        showing: `${shown} of ${total}${missing}${cut}${gap}`,
      };
    });
  }

  /** Without what may be the end of a secret, where the bytes before `start` are no longer kept: more may have gone since it was read. */
  #unbroken(raw: RawText, start: number): RawText {
    return start <= this.spool.firstKept ? tidied(raw, (text) => text.slice(this.#redactor.severed(raw))) : raw;
  }

  /** The same for the place where a line begins: later in it, or in a later one, or null where there is nothing else. */
  async #pastBroken(at: { offset: number; line: number }, end: number) {
    const { firstKept } = this.spool;
    if (firstKept === 0 || at.offset >= firstKept + MARGIN) return at;
    const bytes = await readAll(this.spool, firstKept, Math.min(MARGIN + BYTES_PER_CHARACTER, end - firstKept));
    let broken = this.#redactor.severed(rawText(bytes.toString("latin1")));
    while (((bytes[broken] ?? 0) & 0xc0) === 0x80) broken++; // inside a character
    const offset = firstKept + broken;
    if (offset <= at.offset) return at;
    const passed = bytes.toString("latin1", at.offset - firstKept, broken).split("\n").length - 1;
    return offset >= end ? null : { offset, line: at.line + passed };
  }

  /** The last `limit` lines that fit the window, the end of the last one at least. */
  async #newest(from: number, total: number, end: number, limit: number): Promise<Page> {
    const start = Math.max(from, end - WINDOW_BYTES);
    const lines = await this.#lines(start, end - start, start === from);
    let index = lines.length;
    let room = WINDOW_CHARACTERS;
    while (index > 0 && lines.length - index < limit && room >= lengthAt(lines, index - 1))
      room -= lengthAt(lines, --index);
    const kept = lines.slice(index === lines.length ? -1 : index);
    const cut = kept.length < Math.min(limit, total) || (kept[0]?.length ?? 0) > WINDOW_CHARACTERS;
    return withoutNoise({
      lines: kept.map((line) => lastCharacters(line, WINDOW_CHARACTERS)),
      first: total - kept.length + 1,
      cut,
    });
  }

  /** The lines in a range of bytes, told from what stands before and after it. */
  async #lines(from: number, length: number, atLineStart: boolean): Promise<string[]> {
    const start = Math.max(this.spool.firstKept, from - MARGIN);
    const bytes = await readAll(this.spool, start, from - start + length + MARGIN);
    // Apart: the line ends of the two must not become one, nor a character be cut.
    const before = tidied(decodeFrom(bytes.subarray(0, from - start), start === 0), plain);
    const wanted = tidied(decodeFrom(bytes.subarray(from - start, from - start + length), atLineStart), plain);
    const after = tidied(decodeFrom(bytes.subarray(from - start + length), false), plain);
    const all = joined(before, wanted, after);
    const lines = this.#redactor.part(all, rawLength(before), rawLength(before) + rawLength(wanted)).split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** `limit` lines from a known one on, as far as they fit the window. */
  async #from(start: { offset: number; line: number }, end: number, limit: number): Promise<Page> {
    const lines = await this.#lines(start.offset, Math.min(WINDOW_BYTES, end - start.offset), true);
    let count = 0;
    let room = WINDOW_CHARACTERS;
    while (count < Math.min(limit, lines.length) && room >= lengthAt(lines, count)) room -= lengthAt(lines, count++);
    const kept =
      count === 0 ? lines.slice(0, 1).map((line) => line.slice(0, WINDOW_CHARACTERS)) : lines.slice(0, count);
    return withoutNoise({ lines: kept, first: start.line, cut: count < Math.min(limit, lines.length) });
  }
}

const plain = (text: string): string => unixLines(stripAnsi(text));

interface Page {
  lines: string[];
  first: number;
  cut: boolean;
}

const lengthAt = (lines: readonly string[], index: number): number => (lines[index]?.length ?? 0) + 1;

/** Shell noise is not shown, but it is there: line numbers count what is on disk. */
function withoutNoise(page: Page): Page {
  if (page.first !== 1) return page;
  const noise = page.lines.findIndex((line) => !isShellNoise(line));
  const skip = noise < 0 ? page.lines.length : noise;
  return { ...page, lines: page.lines.slice(skip), first: 1 + skip };
}
