// The tool `read_file`: a range of lines of a text file, whatever the size of the file.
import * as z from "zod";
import { type Keepout, openRegular, shown, toAbsolute } from "./paths.ts";
import { defineTool, ok, type Tool } from "./tool.ts";

const MAX_LINES = 2000;
const MAX_BYTES = 256 * 1024;
const CHUNK = 256 * 1024;
/** Lines are found by counting from the start; past this many bytes that costs more than it is worth. */
const MAX_SCAN = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

const parameters = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe("The file; a relative path starts at the workspace, ~ is the home directory"),
  offset: z.number().int().min(1).optional().describe("Number of the first line wanted, counted from 1; default 1"),
  limit: z.number().int().min(1).max(MAX_LINES).optional().describe(`How many lines; default and most ${MAX_LINES}`),
});

export function readFileTool(keepout: Keepout): Tool {
  return defineTool({
    name: "read_file",
    description:
      `Reads a text file. Answers with the text of at most ${MAX_LINES} lines or 256 KiB, exactly as it is in the file, ` +
      "then an empty line and one line in square brackets that says which lines these are and how to read on. " +
      "Refuses directories, devices and binary files.",
    parameters,
    afterCrash: "again",
    plan: async (args, ctx) => ({ preview: `Read ${shown(ctx.workspace, toAbsolute(ctx.workspace, args.path))}` }),
    run: async (args, ctx) => {
      const path = toAbsolute(ctx.workspace, args.path);
      await using file = await openRegular(path, keepout);
      const range = await readLines(file.handle, args.offset ?? 1, args.limit ?? MAX_LINES, ctx.signal);
      return ok(answer(range, args.offset ?? 1, file.stats.size));
    },
  });
}

/** What was found of the lines asked for. Lines count as editors do: text after the last newline is a line. */
export interface LineRange {
  bytes: Buffer;
  /** Lines in `bytes`; a cut one counts. */
  lines: number;
  /** True if the last line of `bytes` goes on. */
  cut: boolean;
  /** Lines in the file, or undefined if it was too long to count them. */
  total: number | undefined;
}

interface Readable {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

/** Reads `limit` lines from line `first` (1-based) in bounded memory. Throws for binary content; stops on abort. */
export async function readLines(file: Readable, first: number, limit: number, signal: AbortSignal): Promise<LineRange> {
  const chunk = Buffer.allocUnsafe(CHUNK);
  const parts: Buffer[] = [];
  let kept = 0;
  let line = 1; // the line that the next byte belongs to
  let position = 0;
  let cut = false;
  let lastByte = NEWLINE;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, CHUNK, position);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    if (position === 0 && bytes.subarray(0, 8192).includes(0)) {
      throw new Error("This is a binary file: read_file shows text only");
    }
    position += bytesRead;
    lastByte = bytes[bytesRead - 1] ?? NEWLINE;
    let at = 0;
    while (at < bytesRead) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline === -1 ? bytesRead : newline + 1;
      if (line >= first && line < first + limit && !cut) {
        const room = MAX_BYTES - kept;
        const part = bytes.subarray(at, Math.min(end, at + room));
        parts.push(Buffer.from(part));
        kept += part.length;
        cut = part.length < end - at;
      }
      if (newline !== -1) line += 1;
      at = end;
    }
    if (position >= MAX_SCAN) {
      cut ||= line >= first && line < first + limit && lastByte !== NEWLINE;
      break;
    }
  }
  const counted = position < MAX_SCAN ? line - (lastByte === NEWLINE ? 1 : 0) : undefined;
  return wholeLines(Buffer.concat(parts), cut, counted);
}

/** Where the limit of bytes cut a line, that line is left for the next read, unless it is the only one. */
function wholeLines(bytes: Buffer, cut: boolean, total: number | undefined): LineRange {
  const newlines = countNewlines(bytes);
  if (!cut) return { bytes, lines: newlines + (bytes.length > 0 && bytes.at(-1) !== NEWLINE ? 1 : 0), cut, total };
  if (newlines === 0) return { bytes: bytes.subarray(0, wholeCharacters(bytes)), lines: 1, cut, total };
  return { bytes: bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1), lines: newlines, cut: false, total };
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** The length without a UTF-8 character that the cut has broken. */
function wholeCharacters(bytes: Buffer): number {
  let start = bytes.length;
  while (start > 0 && start > bytes.length - 4 && ((bytes[start - 1] ?? 0) & 0xc0) === 0x80) start -= 1;
  const lead = bytes[start - 1] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start - 1 + length > bytes.length ? start - 1 : bytes.length;
}

function answer(range: LineRange, first: number, size: number): string {
  const { lines, total, cut } = range;
  if (total === 0) return "[The file is empty.]";
  if (lines === 0) {
    return total === undefined
      ? `[Line ${first} is past the first 64 MiB of ${size} bytes: read it with the terminal.]`
      : `[There is no line ${first}: the file has ${total} lines.]`;
  }
  const text = range.bytes.toString("utf8");
  const last = first + lines - 1;
  const of = total === undefined ? `; the file has ${size} bytes` : ` of ${total}`;
  const more = cut
    ? ` Line ${last} is longer than 256 KiB and cut here: read the rest with the terminal.`
    : total === undefined || last < total
      ? ` Read on with offset ${last + 1}.`
      : "";
  return `${text}${text.endsWith("\n") ? "" : "\n"}\n[Lines ${first}-${last}${of}.${more}]`;
}
