// How a stretch of output looks: what SGR sequences ask for, and the colours that come of it, readable in both lights.
import { contrast, dark, LEAST_CONTRAST, light } from "../terminal/palette.ts";

/** A number is one of the 256 colours of a terminal, text is `#rrggbb`. */
export type Colour = number | string;
export interface Style {
  readonly foreground: Colour | null;
  readonly background: Colour | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly hidden: boolean;
  readonly strike: boolean;
}

export const plain: Style = {
  ...{ foreground: null, background: null, bold: false, dim: false, italic: false },
  ...{ underline: false, inverse: false, hidden: false, strike: false },
};
const MOST_PARAMETERS = 32;

/** The style after `CSI parameters m`. What is not known changes nothing. */
export function sgr(style: Style, parameters: string): Style {
  const numbers = parameters.split(/[;:]/, MOST_PARAMETERS).map(Number);
  let now = style;
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      const { colour, used } = extended(numbers, at + 1);
      at += used;
      if (colour !== null) now = code === 38 ? { ...now, foreground: colour } : { ...now, background: colour };
    } else now = simple(now, code);
  }
  return now;
}

const switches: Readonly<Record<number, Partial<Style>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  8: { hidden: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { hidden: false },
  29: { strike: false },
  39: { foreground: null },
  49: { background: null },
};

function simple(style: Style, code: number): Style {
  if (code === 0) return plain;
  const change = switches[code];
  if (change !== undefined) return { ...style, ...change };
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

/** What follows a 38 or 48: `5;N` or `2;R;G;B` (with colons there may be an empty colour space before R). */
function extended(numbers: readonly number[], at: number): { colour: Colour | null; used: number } {
  if (numbers[at] === 5) {
    const index = numbers[at + 1];
    return { colour: index !== undefined && isByte(index) ? index : null, used: 2 };
  }
  if (numbers[at] !== 2) return { colour: null, used: 0 };
  const [r = -1, g = -1, b = -1] = numbers.slice(at + 1, at + 4);
  return { colour: [r, g, b].every(isByte) ? hex(r, g, b) : null, used: 4 };
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
const hex = (...parts: number[]): string => `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

type Theme = typeof dark | typeof light;
const names = [
  ...["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"],
  ...[
    "brightBlack",
    "brightRed",
    "brightGreen",
    "brightYellow",
    "brightBlue",
    "brightMagenta",
    "brightCyan",
    "brightWhite",
  ],
] as readonly Exclude<keyof Theme, "selectionBackground">[];

function rgb(colour: Colour, theme: Theme): string {
  if (typeof colour === "string") return colour;
  const name = names[colour];
  if (name !== undefined) return theme[name];
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10;
    return hex(grey, grey, grey);
  }
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  const cube = colour - 16;
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** The foreground moved away from the background until it can be read. */
function readable(foreground: string, background: string): string {
  if (contrast(foreground, background) >= LEAST_CONTRAST) return foreground;
  const end = contrast("#ffffff", background) > contrast("#000000", background) ? 255 : 0;
  const parts = [1, 3, 5].map((at) => Number.parseInt(foreground.slice(at, at + 2), 16));
  for (let share = 0.1; share < 1; share += 0.1) {
    const moved = hex(...parts.map((part) => Math.round(part + (end - part) * share)));
    if (contrast(moved, background) >= LEAST_CONTRAST) return moved;
  }
  return hex(end, end, end);
}

export interface Look {
  color?: string;
  backgroundColor?: string;
  fontWeight?: number;
  fontStyle?: "italic";
  textDecoration?: string;
  opacity?: number;
  visibility?: "hidden";
}

const looks = new Map<string, Look>();
/** Programs that use all of 24-bit colour are many; a look is cheap to make again. */
const MOST_LOOKS = 4_096;

/** As inline styles; the same object for the same style while it is remembered. */
export function lookOf(style: Style): Look {
  const key = JSON.stringify(style);
  const known = looks.get(key);
  if (known !== undefined) return known;
  const look = makeLook(style);
  if (looks.size >= MOST_LOOKS) looks.clear();
  looks.set(key, look);
  return look;
}

function makeLook(style: Style): Look {
  const look: Look = {};
  const { inverse } = style;
  // Old terminals draw bold colours bright, and programs count on it.
  const bright = style.bold && typeof style.foreground === "number" && style.foreground < 8;
  const foreground = bright ? Number(style.foreground) + 8 : style.foreground;
  if (foreground !== null || style.background !== null || inverse) {
    const inTheme = (theme: Theme) => {
      const pair = [
        foreground === null ? theme.foreground : rgb(foreground, theme),
        style.background === null ? theme.background : rgb(style.background, theme),
      ] as const;
      const [front, back] = inverse ? [pair[1], pair[0]] : pair;
      return { front: readable(front, back), back };
    };
    const [day, night] = [inTheme(light), inTheme(dark)];
    look.color = `light-dark(${day.front}, ${night.front})`;
    if (style.background !== null || inverse) look.backgroundColor = `light-dark(${day.back}, ${night.back})`;
  }
  if (style.bold) look.fontWeight = 600;
  if (style.dim) look.opacity = 0.75;
  if (style.italic) look.fontStyle = "italic";
  const lines = [style.underline ? "underline" : "", style.strike ? "line-through" : ""].filter((one) => one !== "");
  if (lines.length > 0) look.textDecoration = lines.join(" ");
  if (style.hidden) look.visibility = "hidden";
  return look;
}
