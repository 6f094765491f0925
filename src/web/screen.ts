// An emulator on the page, in the page's colours. It says what size would fit its place, and shows any size so that it fits.
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import { keepCharacters } from "./terminal/characters.ts";
import { USUAL } from "./terminal/font-size.ts";
import { boundMarks } from "./terminal/marks.ts";
import { dark, LEAST_CONTRAST, light } from "./terminal/palette.ts";
import { accelerate } from "./terminal/renderer.ts";
import { scrollByFinger } from "./terminal/touch.ts";

export interface ScreenOptions {
  label: string;
  /** Output of a pipe ends its lines with a newline alone. */
  newlinesOnly?: boolean;
  readOnly?: boolean;
  fontSize?: number;
  /**
   * The element whose height counts for what fits, if not `place` itself: what is said for a moment beside the screen must
   * not give its program another size.
   */
  around?: HTMLElement;
  /** Called with the size that fits at the full font size: at first and whenever it is another. */
  onFit?: (rows: number, cols: number) => void;
  /** Somebody has clicked a link. Where it leads is as its program says: judge it first. */
  onLink: (target: string) => void;
}

export interface Screen extends Disposable {
  readonly terminal: Terminal;
  readonly search: SearchAddon;
  /** Shows this many cells; where there is no room for them at the full font size, in a smaller one. */
  setSize(rows: number, cols: number): void;
  setFontSize(size: number): void;
  /** Whether a screen reader is told what is shown. */
  setReader(on: boolean): void;
  /** Not in view it costs nothing to draw. */
  show(visible: boolean): void;
}

/** Lines kept above the screen, as many as the host's screens keep. The whole output stays on the host. */
const SCROLLBACK = 10_000;
const SCROLLBAR = 14;
const SMALLEST_FONT = 4;
const HIGHLIGHTS = 1_000;

/** Puts a screen into `place`; dispose it before `place` goes. */
export function openScreen(place: HTMLElement, options: ScreenOptions): Screen {
  const terminal = new Terminal({
    theme: colours(),
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono") || "monospace",
    fontSize: options.fontSize ?? USUAL,
    lineHeight: 1.2,
    minimumContrastRatio: LEAST_CONTRAST,
    scrollback: SCROLLBACK,
    convertEol: options.newlinesOnly ?? false,
    disableStdin: options.readOnly ?? false,
    cursorBlink: false,
    cursorStyle: options.readOnly ? "bar" : "block",
    cursorInactiveStyle: options.readOnly ? "none" : "outline",
    macOptionIsMeta: true,
    // For marking what a search has found, and for the widths below.
    allowProposedApi: true,
    linkHandler: {
      activate: (event, target) => {
        event.preventDefault();
        options.onLink(target);
      },
      // The person is told why such a link is not opened: `onLink` judges every one.
      allowNonHttpProtocols: true,
    },
  });
  boundMarks(terminal);
  keepCharacters(terminal);
  const search = new SearchAddon({ highlightLimit: HIGHLIGHTS });
  terminal.loadAddon(search);
  // The host's screens count widths like this; another count would put later cells elsewhere.
  terminal.loadAddon(new UnicodeGraphemesAddon());
  terminal.loadAddon(
    new WebLinksAddon((event, target) => {
      event.preventDefault();
      options.onLink(target);
    }),
  );
  terminal.open(place);
  terminal.textarea?.setAttribute("aria-label", options.label);
  const fitting = new Fitting(terminal, place, options);
  const renderer = accelerate(terminal, place, () => fitting.remeasure());
  const finger = scrollByFinger(terminal, place);

  const watcher = new ResizeObserver(() => fitting.fit());
  watcher.observe(place);
  if (options.around !== undefined) watcher.observe(options.around);
  const repaint = () => {
    terminal.options.theme = colours();
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", repaint);
  window.addEventListener("hearth-theme", repaint);
  return {
    terminal,
    search,
    setSize: (rows, cols) => fitting.setSize(rows, cols),
    setFontSize: (size) => fitting.setFontSize(size),
    setReader(on) {
      terminal.options.screenReaderMode = on;
    },
    show(visible) {
      renderer.show(visible);
      if (visible) fitting.fit();
    },
    [Symbol.dispose]() {
      watcher.disconnect();
      system.removeEventListener("change", repaint);
      window.removeEventListener("hearth-theme", repaint);
      finger[Symbol.dispose]();
      renderer[Symbol.dispose]();
      terminal.dispose();
    },
  };
}

/** Which size fits, and which font makes a given size fit. */
class Fitting {
  readonly #terminal: Terminal;
  readonly #place: HTMLElement;
  readonly #around: HTMLElement;
  readonly #onFit: ((rows: number, cols: number) => void) | undefined;
  #fontSize: number;
  /**
   * Of one cell, in CSS pixels, by font size. Measured once: the emulator rounds its screen to whole pixels, so that a
   * measurement depends a little on how many cells there are, and the size that fits must not.
   */
  readonly #cells = new Map<number, { width: number; height: number }>();
  #said = "";
  /** The font for which the emulator knows how far it can scroll. */
  #aligned: number | undefined;

  constructor(terminal: Terminal, place: HTMLElement, { fontSize = USUAL, around = place, onFit }: ScreenOptions) {
    this.#terminal = terminal;
    this.#place = place;
    this.#around = around;
    this.#fontSize = fontSize;
    this.#onFit = onFit;
  }

  setSize(rows: number, cols: number): void {
    if (rows !== this.#terminal.rows || cols !== this.#terminal.cols) this.#terminal.resize(cols, rows);
    this.#scale();
  }

  setFontSize(size: number): void {
    this.#fontSize = size;
    this.fit();
  }

  /** Cells are drawn in another way now. */
  remeasure(): void {
    this.#cells.clear();
    this.#aligned = undefined;
    this.fit();
  }

  fit(): void {
    const room = this.#room(this.#around);
    if (room === undefined || this.#onFit === undefined) return;
    const cell = this.#measured();
    // While the place is being opened or hidden the proposal can be a sliver; the host would clamp it anyway.
    const rows = Math.max(4, Math.floor(room.height / cell.height));
    const cols = Math.max(20, Math.floor(room.width / cell.width));
    if (Number.isFinite(rows) && Number.isFinite(cols) && this.#said !== `${rows}x${cols}`) {
      this.#said = `${rows}x${cols}`;
      this.#onFit(rows, cols);
    }
    this.#scale();
  }

  #scale(): void {
    const room = this.#room(this.#place);
    if (room === undefined || this.#onFit === undefined) return;
    const cell = this.#measured();
    const { rows, cols } = this.#terminal;
    const factor = Math.min(1, room.width / (cols * cell.width), room.height / (rows * cell.height));
    let size = factor === 1 ? this.#fontSize : Math.max(SMALLEST_FONT, Math.floor(this.#fontSize * factor * 4) / 4);
    this.#setFont(size);
    // Cells are rounded to the pixels of the screen, so the first guess can be a little too large.
    while (factor < 1 && size > SMALLEST_FONT && !this.#fits(room)) {
      size -= 0.25;
      this.#setFont(size);
    }
    this.#place.dataset.scaled = String(factor < 1);
    if (this.#aligned !== size) alignScroll(this.#terminal);
    this.#aligned = size;
  }

  #fits(room: { width: number; height: number }): boolean {
    const is = this.#screen();
    return is === undefined || (is.offsetWidth <= room.width && is.offsetHeight <= room.height);
  }

  #setFont(size: number): void {
    if (this.#terminal.options.fontSize !== size) this.#terminal.options.fontSize = size;
  }

  #measured(): { width: number; height: number } {
    const known = this.#cells.get(this.#fontSize);
    if (known !== undefined) return known;
    this.#setFont(this.#fontSize);
    const { rows, cols } = this.#terminal;
    const is = this.#screen();
    const cell = { width: (is?.offsetWidth ?? 0) / cols, height: (is?.offsetHeight ?? 0) / rows };
    if (cell.width > 0 && cell.height > 0) this.#cells.set(this.#fontSize, cell);
    return cell;
  }

  /** The room for cells; undefined while it is not in view. */
  #room(within: HTMLElement): { width: number; height: number } | undefined {
    const { element } = this.#terminal;
    if (element === undefined || this.#place.clientHeight === 0 || this.#place.clientWidth === 0) return undefined;
    const style = getComputedStyle(element);
    const [top = 0, right = 0, bottom = 0, left = 0] = [
      ...[style.paddingTop, style.paddingRight, style.paddingBottom, style.paddingLeft],
    ].map(Number.parseFloat);
    return {
      width: this.#place.clientWidth - left - right - SCROLLBAR,
      height: within.clientHeight - top - bottom,
    };
  }

  #screen(): HTMLElement | undefined {
    return this.#terminal.element?.querySelector<HTMLElement>(".xterm-screen") ?? undefined;
  }
}

interface Inside {
  _core?: { _viewport?: { _sync?: () => void; scrollToLine?: (line: number, atOnce: boolean) => void } };
}

/**
 * Scrolling counts in pixels, and the emulator works out how many there are only when lines are added: after the font has
 * changed a wheel would turn without anything moving until something is printed. It has no public way to be told.
 */
function alignScroll(terminal: Terminal): void {
  const viewport = (terminal as unknown as Inside)._core?._viewport;
  viewport?._sync?.();
  viewport?.scrollToLine?.(terminal.buffer.active.viewportY, true);
}

function colours(): ITheme {
  const chosen = document.documentElement.dataset.theme;
  const isDark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  return isDark ? dark : light;
}
