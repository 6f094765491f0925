// The sixteen colours of a terminal in the page's two lights. palette.test.ts holds them readable.
import type { ITheme } from "@xterm/xterm";

/** Text that a program draws in other colours is brought to this ratio against what is behind it (WCAG, level AA). */
export const LEAST_CONTRAST = 4.5;

export const dark = {
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
  brightBlack: "#8f8276",
  brightRed: "#ffa294",
  brightGreen: "#a9dfb2",
  brightYellow: "#f6d184",
  brightBlue: "#a8c8f2",
  brightMagenta: "#e5b6e9",
  brightCyan: "#9fdedb",
  brightWhite: "#fff8ee",
} satisfies ITheme;

export const light = {
  background: "#f4eee4",
  foreground: "#332a24",
  cursor: "#c94f1b",
  cursorAccent: "#f4eee4",
  selectionBackground: "#e2622a40",
  black: "#332a24",
  red: "#ac2a20",
  green: "#2f6a39",
  yellow: "#7a5306",
  blue: "#2c5b93",
  magenta: "#84408c",
  cyan: "#1e6a6b",
  white: "#6b5e51",
  brightBlack: "#75685c",
  brightRed: "#b83328",
  brightGreen: "#2f7039",
  brightYellow: "#835b07",
  brightBlue: "#2f649f",
  brightMagenta: "#934a9c",
  brightCyan: "#1f7071",
  brightWhite: "#4a3f37",
} satisfies ITheme;

/** Relative luminance contrast of two `#rrggbb` colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
