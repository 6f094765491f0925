// The whole state of a terminal as bytes that bring a reset one of the same size to it: lines, cursors, modes, title.
// Why not the emulator's own add-on: it forgets margins, tabs, saved cursors, character sets, links, colours, underline
// styles and the cursor's look.
import headless from "@xterm/headless";
import { type LinkOf, Pen, PLAIN } from "./attributes.ts";
import type { Colours, Size } from "./emulator.ts";
import { type Charset, type Core, coreOf, type ScreenBuffer } from "./internals.ts";
import { RowWriter } from "./rows.ts";

interface About extends Size {
  title: string;
  colours: Colours;
  /** Line feeds begin a line; the cursor blinks: modes that the emulator keeps as options. */
  newline: boolean;
  blink: boolean;
  /** Characters of scrollback; the screen itself is always whole. */
  budget: number;
}

const TAB = 8;
const MOUSE: Record<string, string> = { X10: "9", VT200: "1000", DRAG: "1002", ANY: "1003" };
const MOUSE_ENCODING: Record<string, string> = { SGR: "1006", SGR_PIXELS: "1016" };
const CURSOR: Record<string, number> = { block: 1, underline: 3, bar: 5 };

/** Written one after the other. `history` may be cut before any of its lines: each is drawn from a plain beginning. */
export interface State {
  head: string;
  history: string;
  body: string;
  /** False: the budget left out older lines. */
  complete: boolean;
}

/** The screen as bytes that a reset emulator of the same size draws. */
export function serialize(core: Core, about: About): State {
  const linkOf: LinkOf = (id) => {
    const link = core._oscLinkService.getLinkData(id);
    // Pieces of one link stay one, also where its program gave it no name.
    return link === undefined ? "\x1b]8;;\x07" : `\x1b]8;id=${link.id ?? `hearth-${id}`};${link.uri}\x07`;
  };
  const writer = new RowWriter(about.cols, linkOf);
  const { normal, alt, active } = core.buffers;
  const title = about.title === "" ? "" : `\x1b]2;${about.title}\x07`;
  const { history, shown, complete } = lines(normal, about, writer);
  const parts = [shown];
  parts.push(tabs(normal, about.cols), margins(normal, about.rows));
  parts.push(savedCursor(normal, about, linkOf, writer));
  if (active === alt)
    parts.push(
      "\x1b[?47h\x1b[H",
      lines(alt, about, writer).shown,
      tabs(alt, about.cols),
      margins(alt, about.rows),
      savedCursor(alt, about, linkOf, writer),
    );
  parts.push(modes(core, about), cursor(core, about, linkOf, writer));
  return { head: title + colours(about.colours), history, body: parts.join(""), complete };
}

/** Scrollback and screen, the newest lines first into the budget; the cursor ends in the last row. */
function lines(
  buffer: ScreenBuffer,
  { rows, budget }: About,
  writer: RowWriter,
): Omit<State, "head" | "body"> & { shown: string } {
  const write = (at: number): string => {
    const line = buffer.lines.get(at);
    if (line === undefined) return "";
    // Behind its end the list begins again.
    const next = at + 1 < buffer.lines.length ? buffer.lines.get(at + 1) : undefined;
    const end = next === undefined || next.isWrapped ? "" : "\r\n";
    return writer.row(line, next, line.isWrapped && at > 0) + end;
  };
  const top = Math.max(0, buffer.lines.length - rows);
  let shown = "";
  for (let at = top; at < buffer.lines.length; at++) shown += write(at);
  const texts: string[] = [];
  let left = budget;
  let first = top;
  while (first > 0 && left > 0) {
    const text = write(--first);
    texts.push(text);
    left -= text.length;
  }
  return { history: texts.reverse().join(""), shown, complete: first === 0 };
}

function tabs(buffer: ScreenBuffer, cols: number): string {
  let same = true;
  let set = "\x1b[3g";
  for (let at = 0; at < cols; at++) {
    const stop = buffer.tabs[at] === true;
    if (stop !== (at % TAB === 0)) same = false;
    if (stop) set += `\x1b[${at + 1}G\x1bH`;
  }
  return same ? "" : set;
}

function margins({ scrollTop, scrollBottom }: ScreenBuffer, rows: number): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? "" : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

function savedCursor(buffer: ScreenBuffer, { rows, cols }: About, linkOf: LinkOf, writer: RowWriter): string {
  const { savedX, savedY, savedCurAttrData: look, savedCharset, ybase } = buffer;
  if (savedX === 0 && savedY === 0 && look.fg === 0 && look.bg === 0 && savedCharset === undefined) return "";
  const y = Math.min(Math.max(savedY - ybase, 0), rows - 1);
  const designator = designatorOf(savedCharset);
  const pen = new Pen(linkOf);
  const charset = designator === undefined ? ["", ""] : [`\x1b(${designator}`, "\x1b(B"];
  const line = savedX === cols ? buffer.lines.get(ybase + y) : undefined;
  // Saved behind the last column: where only a character leads.
  const last = line === undefined ? undefined : writer.ending(line, cols);
  const place = `\x1b[${y + 1};${(last?.at ?? Math.min(savedX, cols - 1)) + 1}H${last?.text ?? ""}`;
  return `${place}${pen.change(look.fg, look.bg, undefined)}${charset[0]}\x1b7${charset[1]}${pen.plain()}`;
}

let designators: Map<Charset, string> | undefined;

/** By which letter a program asked for a character set: the emulator keeps only the set. */
function designatorOf(charset: Charset): string | undefined {
  if (charset === undefined) return undefined;
  if (designators === undefined) {
    designators = new Map();
    const terminal = new headless.Terminal({ rows: 2, cols: 2, allowProposedApi: true, logLevel: "off" });
    const core = coreOf(terminal);
    for (const letter of "0A4C5RQKYE6ZH7=") {
      void core._inputHandler.parse(`\x1b(${letter}`);
      const set = core._charsetService._charsets[0];
      if (set !== undefined && !designators.has(set)) designators.set(set, letter);
    }
    terminal.dispose();
  }
  return designators.get(charset);
}

/**
 * A cursor that is put back brings the character set along that was saved with it, also where that is none: until a program
 * asks for one again, another is in force than those it has asked for say. Only the same leads there.
 */
function isPutBack({ _charsetService: { charset, _charsets, glevel }, buffers: { active } }: Core): boolean {
  return charset === undefined && _charsets[glevel] !== undefined && active.savedCharset === undefined;
}

function charsets({ _charsetService: { _charsets, glevel } }: Core): string {
  let text = "";
  for (let g = 0; g < 4; g++) {
    const designator = designatorOf(_charsets[g]);
    if (designator !== undefined) text += `\x1b${"()*+"[g]}${designator}`;
  }
  return text + (["", "\x0e", "\x1bn", "\x1bo"][glevel] ?? "");
}

function modes(core: Core, { blink }: About): string {
  const { decPrivateModes: dec, isCursorHidden } = core.coreService;
  const mouse = MOUSE[core.coreMouseService.activeProtocol];
  const encoding = MOUSE_ENCODING[core.coreMouseService.activeEncoding];
  let text = "";
  if (dec.applicationCursorKeys) text += "\x1b[?1h";
  if (dec.applicationKeypad) text += "\x1b=";
  if (dec.bracketedPasteMode) text += "\x1b[?2004h";
  if (dec.reverseWraparound) text += "\x1b[?45h";
  if (dec.sendFocus) text += "\x1b[?1004h";
  // The encoding first: a mouse report in another one would be so many letters typed.
  if (encoding !== undefined) text += `\x1b[?${encoding}h`;
  if (mouse !== undefined) text += `\x1b[?${mouse}h`;
  if (dec.cursorStyle !== undefined)
    text += `\x1b[${(CURSOR[dec.cursorStyle] ?? 1) + (dec.cursorBlink === true ? 0 : 1)} q`;
  if (blink) text += "\x1b[?12h";
  if (isCursorHidden) text += "\x1b[?25l";
  if (dec.synchronizedOutput) text += "\x1b[?2026h";
  return text;
}

/** Where the cursor is, how the next character will look, and the modes that would have disturbed all before. */
function cursor(core: Core, about: About, linkOf: LinkOf, writer: RowWriter): string {
  const { rows, cols } = about;
  const { active } = core.buffers;
  const { decPrivateModes: dec, modes: ansi } = core.coreService;
  const look = core._inputHandler._curAttrData;
  const joins = core._inputHandler._parser.precedingJoinState !== 0;
  const line = active.lines.get(active.ybase + active.y);
  const before = line !== undefined && active.x > 0 ? writer.ending(line, active.x) : undefined;
  const late = `${dec.wraparound ? "" : "\x1b[?7l"}${ansi.insertMode ? "\x1b[4h" : ""}`;
  const putBack = isPutBack(core);
  let text = putBack ? `${charsets(core)}\x1b8${PLAIN}` : "";
  let top = 0;
  if (dec.origin) {
    text += "\x1b[?6h";
    top = active.scrollTop;
  }
  // Always with both coordinates: with margins that count, the emulator takes a column alone for another line too.
  const place = (x: number) =>
    `\x1b[${Math.max(1, Math.min(active.y, rows - 1) - top + 1)};${Math.min(x, cols - 1) + 1}H`;
  text += place(active.x);
  const pen = new Pen(linkOf);
  const settled = `${putBack ? "" : charsets(core)}${about.newline ? "\x1b[20h" : ""}${late}`;
  // One that the next character may still join (a combining mark, the second half of a flag) has to be the last thing
  // written. It looks like what comes next: a change of look would have ended the joining.
  if (before !== undefined && joins) {
    // Where characters are inserted its own place has to be taken away first.
    const again = `${place(before.at)}${ansi.insertMode ? `\x1b[${active.x - before.at}P` : ""}${before.characters}`;
    return text + pen.like(look) + settled + again;
  }
  // Behind the last column a cursor only comes by a character.
  if (before !== undefined && active.x === cols) text += place(before.at) + before.text;
  // Where that was erased since, it can be again if there is nothing else in the line.
  else if (active.x === cols && line !== undefined && writer.row(line) === "") text += `${place(cols - 1)}x\x1b[1K`;
  return text + pen.like(look) + settled;
}

function colours(set: Colours): string {
  const hex = (part: number): string => part.toString(16).padStart(2, "0");
  let text = "";
  for (const [index, [red, green, blue]] of set) {
    const spec = `rgb:${hex(red)}/${hex(green)}/${hex(blue)}`;
    // Behind the 256 of the palette: foreground, background, cursor.
    text += index < 256 ? `\x1b]4;${index};${spec}\x07` : `\x1b]${index - 256 + 10};${spec}\x07`;
  }
  return text;
}
