// An emulator on the page, in the page's colours, that fits itself to its place.
import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";

export interface ScreenOptions {
  /** Output of a pipe ends its lines with a newline alone. */
  newlinesOnly?: boolean;
  readOnly?: boolean;
  /** Called whenever the size that fits has changed, and once at first. Without it the size is not fitted. */
  onFit?: (rows: number, cols: number) => void;
  label: string;
}

export interface Screen extends Disposable {
  readonly terminal: Terminal;
  fit(): void;
}

/** Lines kept above the screen. The whole output stays on the host; this bounds the memory of the page. */
const SCROLLBACK = 5000;

/** Puts a screen into `place`; dispose it before `place` goes. */
export function openScreen(place: HTMLElement, options: ScreenOptions): Screen {
  const terminal = new Terminal({
    theme: colours(),
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono") || "monospace",
    fontSize: 12.5,
    lineHeight: 1.25,
    scrollback: SCROLLBACK,
    convertEol: options.newlinesOnly ?? false,
    disableStdin: options.readOnly ?? false,
    cursorBlink: false,
    cursorStyle: "bar",
    cursorInactiveStyle: options.readOnly ? "none" : "outline",
    macOptionIsMeta: true,
    allowProposedApi: false,
  });
  const fitter = new FitAddon();
  terminal.loadAddon(fitter);
  terminal.loadAddon(
    new WebLinksAddon((event, address) => {
      event.preventDefault();
      window.open(address, "_blank", "noopener,noreferrer");
    }),
  );
  terminal.open(place);
  terminal.textarea?.setAttribute("aria-label", options.label);

  let last = "";
  const fit = () => {
    const size = fitter.proposeDimensions();
    if (options.onFit === undefined || size === undefined || place.clientHeight === 0) return;
    // While the place is being opened or hidden the proposal can be a sliver; the host would clamp it anyway.
    const rows = Math.max(4, size.rows);
    const cols = Math.max(20, size.cols);
    if (last === `${rows}x${cols}`) return;
    last = `${rows}x${cols}`;
    terminal.resize(cols, rows);
    options.onFit(rows, cols);
  };
  const watcher = new ResizeObserver(() => fit());
  watcher.observe(place);
  const repaint = () => {
    terminal.options.theme = colours();
  };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  window.addEventListener("hearth-theme", repaint);
  fit();
  return {
    terminal,
    fit,
    [Symbol.dispose]() {
      watcher.disconnect();
      dark.removeEventListener("change", repaint);
      window.removeEventListener("hearth-theme", repaint);
      terminal.dispose();
    },
  };
}

const darkColours: ITheme = {
  background: "#120f0d",
  foreground: "#e8dfd3",
  cursor: "#f07f3e",
  cursorAccent: "#120f0d",
  selectionBackground: "#f07f3e55",
  black: "#3b322c",
  red: "#ef8576",
  green: "#8ac795",
  yellow: "#e3b65c",
  blue: "#85aee0",
  magenta: "#cf9ad4",
  cyan: "#7cc3c0",
  white: "#d8cdbf",
  brightBlack: "#8a7d71",
  brightRed: "#ffa294",
  brightGreen: "#a9dfb2",
  brightYellow: "#f6d184",
  brightBlue: "#a8c8f2",
  brightMagenta: "#e5b6e9",
  brightCyan: "#9fdedb",
  brightWhite: "#fff8ee",
};
const lightColours: ITheme = {
  background: "#f4eee4",
  foreground: "#332a24",
  cursor: "#c94f1b",
  cursorAccent: "#f4eee4",
  selectionBackground: "#e2622a40",
  black: "#332a24",
  red: "#ac2a20",
  green: "#2f6a39",
  yellow: "#805706",
  blue: "#2c5b93",
  magenta: "#84408c",
  cyan: "#1e6a6b",
  white: "#746658",
  brightBlack: "#85776a",
  brightRed: "#c43a2e",
  brightGreen: "#3b7f47",
  brightYellow: "#966809",
  brightBlue: "#376dad",
  brightMagenta: "#9a4fa3",
  brightCyan: "#277f80",
  brightWhite: "#4a3f37",
};

function colours(): ITheme {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  return dark ? darkColours : lightColours;
}
