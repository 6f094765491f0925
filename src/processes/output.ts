// A process's output as text, read from its spool on demand: the bytes themselves stay where they are.

import type { Spool } from "../keeper/keepers.ts";
import { OffsetGone } from "../keeper/keepers.ts";
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

/** Reads `max` bytes from `from`, fewer only at the end of what is there. */
async function readAll(spool: Spool, from: number, max: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = from;
  while (offset < from + max) {
    const { bytes } = await spool.read(offset, from + max - offset);
    if (bytes.length === 0) break;
    parts.push(bytes);
    offset += bytes.length;
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

export class Output {
  readonly spool: Spool;
  readonly #index: LineIndex;

  constructor(spool: Spool) {
    this.spool = spool;
    this.#index = new LineIndex(spool);
  }

  /** The last `characters` of the output, or of its first `end` bytes. */
  tail(characters: number, o: { stripAnsi?: boolean; end?: number } = {}): Promise<string> {
    return again(async () => {
      const end = Math.min(o.end ?? this.spool.length, this.spool.length);
      for (let want = Math.max(1024, characters * BYTES_PER_CHARACTER); ; want *= 4) {
        const start = Math.max(this.spool.firstKept, end - want);
        if (start >= end) return "";
        const raw = decodeFrom(await readAll(this.spool, start, end - start), start === 0);
        const headless = start === 0 ? withoutShellNoise(raw) : raw;
        const text = o.stripAnsi === true ? stripAnsi(unixLines(headless)) : headless;
        const enough = text.length >= characters || start <= this.spool.firstKept || want >= MAX_TAIL_BYTES;
        if (enough) return lastCharacters(text, characters);
      }
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
      const found = wanted > total ? null : await this.#index.find(wanted);
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

  /** The last `limit` lines that fit the window, the end of the last one at least. */
  async #newest(from: number, total: number, end: number, limit: number): Promise<Page> {
    const start = Math.max(from, end - WINDOW_BYTES);
    const lines = linesOf(await readAll(this.spool, start, end - start), start === from);
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

  /** `limit` lines from a known one on, as far as they fit the window. */
  async #from(start: { offset: number; line: number }, end: number, limit: number): Promise<Page> {
    const lines = linesOf(await readAll(this.spool, start.offset, Math.min(WINDOW_BYTES, end - start.offset)), true);
    let count = 0;
    let room = WINDOW_CHARACTERS;
    while (count < Math.min(limit, lines.length) && room >= lengthAt(lines, count)) room -= lengthAt(lines, count++);
    const kept =
      count === 0 ? lines.slice(0, 1).map((line) => line.slice(0, WINDOW_CHARACTERS)) : lines.slice(0, count);
    return withoutNoise({ lines: kept, first: start.line, cut: count < Math.min(limit, lines.length) });
  }
}

interface Page {
  lines: string[];
  first: number;
  cut: boolean;
}

const lengthAt = (lines: readonly string[], index: number): number => (lines[index]?.length ?? 0) + 1;

function linesOf(bytes: Buffer, atLineStart: boolean): string[] {
  const lines = stripAnsi(unixLines(decodeFrom(bytes, atLineStart))).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Shell noise is not shown, but it is there: line numbers count what is on disk. */
function withoutNoise(page: Page): Page {
  if (page.first !== 1) return page;
  const noise = page.lines.findIndex((line) => !isShellNoise(line));
  const skip = noise < 0 ? page.lines.length : noise;
  return { ...page, lines: page.lines.slice(skip), first: 1 + skip };
}
