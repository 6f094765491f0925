// One terminal's screen as its bytes have drawn it, and nothing that bytes could make expensive.
import graphemes from "@xterm/addon-unicode-graphemes";
import headless from "@xterm/headless";
import { Filter } from "./filter.ts";
import { CELL_WORDS, type Core, coreOf, type Line, type LinkData } from "./internals.ts";
import { type State, serialize } from "./serialize.ts";

/** Lines kept above the screen: as many as the page keeps. */
export const SCROLLBACK = 10_000;
/** Of one character with its combining marks no more than this is kept (UTF-16 units). */
const MAX_CHARACTER = 64;
const MAX_LINKS = 4_096;
const MAX_ADDRESS = 2_048;
/** Of a title (UTF-16 units): more is shown nowhere. */
const MAX_TITLE = 1_024;
const MAX_REPEAT = 10_000;
/** Given more at once, the emulator cuts it itself, and loses a character that it cuts after a byte 0x80. */
const MAX_PIECE = 64 * 1024;
/** Of a line, without its cells. */
const LINE_BYTES = 600;

export interface Size {
  rows: number;
  cols: number;
}
export type Colours = ReadonlyMap<number, readonly [number, number, number]>;

export class Emulator implements Disposable {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #core: Core;
  readonly #filter = new Filter();
  readonly #colours = new Map<number, readonly [number, number, number]>();
  #title = "";
  #rings = 0;

  constructor({ rows, cols }: Size) {
    this.#terminal = new headless.Terminal({
      rows,
      cols,
      scrollback: SCROLLBACK,
      allowProposedApi: true,
      logLevel: "off",
    });
    this.#terminal.loadAddon(new graphemes.UnicodeGraphemesAddon());
    this.#terminal.onTitleChange((title) => {
      this.#title = tidyTitle(title);
    });
    this.#terminal.onBell(() => {
      this.#rings++;
    });
    this.#core = coreOf(this.#terminal);
    limitParameters(this.#core);
    limitCharacters(this.#core);
    eraseSafely(this.#core);
    keepLinks(this.#core);
    this.#core._inputHandler.onColor((events) => {
      for (const { type, index, color } of events) {
        if (type === 1 && index !== undefined && color !== undefined) this.#colours.set(index, color);
        else if (type === 2 && index !== undefined) this.#colours.delete(index);
        else if (type === 2)
          for (const known of [...this.#colours.keys()]) if (known < 256) this.#colours.delete(known);
      }
    });
  }

  get title(): string {
    return this.#title;
  }
  /** How often it has rung since it was made. */
  get rings(): number {
    return this.#rings;
  }
  get size(): Size {
    return { rows: this.#terminal.rows, cols: this.#terminal.cols };
  }
  /** Bytes at the end of what was fed that are not drawn yet: a viewer's live stream begins before them. */
  get held(): number {
    return this.#filter.held;
  }
  /** About what it takes in memory: nearly all of it are the lines. */
  get bytes(): number {
    const { normal, alt } = this.#core.buffers;
    return (normal.lines.length + alt.lines.length) * (this.#terminal.cols * CELL_WORDS * 4 + LINE_BYTES);
  }
  /** For tests: the emulator itself. */
  get core(): Core {
    return this.#core;
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_PIECE)
      for (const piece of this.#filter.push(bytes.subarray(at, at + MAX_PIECE)))
        void this.#core._inputHandler.parse(piece);
  }

  /** Draws what `serialize` has told; for a new emulator of the same size. */
  restore({ head, history, body }: State): void {
    for (const text of [head, history, body]) this.feed(Buffer.from(text));
  }

  /** True where line after line of text does nothing but scroll: what has scrolled away then leaves no other trace. */
  get scrollsPlainly(): boolean {
    const { buffers, coreService, _charsetService } = this.#core;
    const { scrollTop, scrollBottom } = buffers.active;
    const whole = scrollTop === 0 && scrollBottom === this.#terminal.rows - 1;
    const ordinary = coreService.decPrivateModes.wraparound && !coreService.modes.insertMode;
    const plain = this.#filter.held === 0 && this.#filter.opener === "" && _charsetService.charset === undefined;
    return buffers.active === buffers.normal && whole && ordinary && plain;
  }

  /** Bytes were lost: what had begun with them is not waited for. */
  gap(): void {
    this.#filter.reset();
    void this.#core._inputHandler.parse("\x18");
  }

  resize({ rows, cols }: Size): void {
    if (rows !== this.#terminal.rows || cols !== this.#terminal.cols) this.#terminal.resize(cols, rows);
  }

  /** What brings a reset emulator of the same size to this state. At most about `budget` characters of scrollback. */
  serialize(budget: number): State {
    const { convertEol, cursorBlink } = this.#terminal.options;
    const about = { ...this.size, title: this.#title, colours: this.#colours, budget };
    const state = serialize(this.#core, { ...about, newline: convertEol === true, blink: cursorBlink === true });
    return { ...state, body: state.body + this.#filter.opener };
  }

  /** Nothing may be asked of it afterwards. */
  [Symbol.dispose](): void {
    this.#terminal.dispose();
    // Given back at once: a screen is 24 MB, and the collector would let several of them gather first.
    for (const { lines } of [this.#core.buffers.normal, this.#core.buffers.alt])
      for (let at = 0; at < lines.length; at++) lines.get(at)?._data.buffer.transfer(0);
  }
}

/** Not longer than can be shown, cut at a character; the parser lets no control character but DEL into it. */
function tidyTitle(title: string): string {
  const tidy = title.replaceAll("\x7f", "");
  return tidy.length <= MAX_TITLE ? tidy : tidy.slice(0, MAX_TITLE).replace(/[\ud800-\udbff]$/, "");
}

/** The counts with which a few bytes would ask for minutes of work: limited to what can make a difference. */
function limitParameters(core: Core): void {
  const handler = core._inputHandler;
  const most = (final: string, limit: () => number, intermediates?: string) =>
    handler.registerCsiHandler({ final, ...(intermediates === undefined ? {} : { intermediates }) }, ({ params }) => {
      const asked = params[0];
      if (asked !== undefined && asked > limit()) params[0] = limit();
      return false;
    });
  const rows = () => core.buffers.active.scrollBottom - core.buffers.active.scrollTop + 1;
  const cols = () => core.buffers.active.lines.get(0)?.length ?? 1;
  for (const final of ["L", "M", "S", "T"]) most(final, rows);
  for (const final of ["@", "P", "X", "I", "Z"]) most(final, cols);
  for (const final of ["@", "A"]) most(final, cols, " ");
  for (const final of ["}", "~"]) most(final, cols, "'");
  most("b", () => MAX_REPEAT);
}

/** Erasing up to the very last cell of a buffer without scrollback makes the emulator look at the line after it, and throw. */
function eraseSafely(core: Core): void {
  const handler = core._inputHandler;
  for (const prefix of [undefined, "?"]) {
    handler.registerCsiHandler({ final: "J", ...(prefix === undefined ? {} : { prefix }) }, ({ params }) => {
      const { lines, x, y } = core.buffers.active;
      const cols = lines.get(0)?.length ?? 0;
      if (params[0] !== 1 || x + 1 < cols || lines.get(y + 1) !== undefined) return false;
      handler._eraseInBufferLine(y, 0, cols, true, prefix !== undefined);
      for (let above = 0; above < y; above++) handler._resetBufferLine(above, prefix !== undefined);
      return true;
    });
  }
}

/** Marks without end on one character would grow it without end. All lines share one prototype. */
function limitCharacters(core: Core): void {
  const line = core.buffers.normal.lines.get(0);
  if (line === undefined) return;
  const shared = Object.getPrototypeOf(line) as Line & { limited?: true };
  if (shared.limited) return;
  const add = shared.addCodepointToCell;
  shared.addCodepointToCell = function limitedAdd(this: Line, index, codePoint, width) {
    if ((this._combined[index]?.length ?? 0) < MAX_CHARACTER) add.call(this, index, codePoint, width);
  };
  shared.limited = true;
}

/** Links by number. The emulator's own table puts a marker on each line of each link, which makes every scroll slower. */
function keepLinks(core: Core): void {
  const links = new Map<number, LinkData>();
  const numbers = new Map<string, number>();
  let last = 0;
  core._oscLinkService.registerLink = ({ id, uri }) => {
    if (uri.length > MAX_ADDRESS) return 0;
    const key = id === undefined ? undefined : `${id};${uri}`;
    const known = key === undefined ? undefined : numbers.get(key);
    if (known !== undefined) return known;
    last++;
    links.set(last, id === undefined ? { uri } : { id, uri });
    if (key !== undefined) numbers.set(key, last);
    const oldest = last - MAX_LINKS;
    const gone = links.get(oldest);
    links.delete(oldest);
    if (gone?.id !== undefined) numbers.delete(`${gone.id};${gone.uri}`);
    return last;
  };
  core._oscLinkService.addLineToLink = () => undefined;
  core._oscLinkService.getLinkData = (id) => links.get(id);
}
