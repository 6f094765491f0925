// How a cell looks, as the escape sequences that make the next cell look so.
import { type Attributes, bgFlag, colour, type ExtendedAttributes, fgFlag } from "./internals.ts";

export const PLAIN = "\x1b[m";

function colourCodes(value: number, base: 30 | 40): string {
  switch (value & colour.mode) {
    case colour.p16: {
      const index = value & 0xff;
      return `;${index & 8 ? base + 60 + (index & 7) : base + index}`;
    }
    case colour.p256:
      return `;${base + 8};5;${value & 0xff}`;
    case colour.rgb:
      return `;${base + 8};2;${(value >>> 16) & 255};${(value >>> 8) & 255};${value & 255}`;
    default:
      return "";
  }
}

function underlineCodes(fg: number, bg: number, extended: ExtendedAttributes | undefined): string {
  const ext = bg & bgFlag.extended ? (extended?._ext ?? 0) : 0;
  let codes = "";
  if (fg & fgFlag.underline) {
    const style = (ext >>> 26) & 7;
    codes += style <= 1 ? ";4" : `;4:${style}`;
  }
  if ((ext & colour.mode) === colour.rgb) codes += `;58:2::${(ext >>> 16) & 255}:${(ext >>> 8) & 255}:${ext & 255}`;
  else if (ext & colour.mode) codes += `;58:5:${ext & 255}`;
  return codes;
}

/** The complete rendition, whatever was in force before. Links are not part of it. */
export function rendition(fg: number, bg: number, extended?: ExtendedAttributes): string {
  let codes = "";
  if (fg & fgFlag.bold) codes += ";1";
  if (bg & bgFlag.dim) codes += ";2";
  if (bg & bgFlag.italic) codes += ";3";
  codes += underlineCodes(fg, bg, extended);
  if (fg & fgFlag.blink) codes += ";5";
  if (fg & fgFlag.inverse) codes += ";7";
  if (fg & fgFlag.invisible) codes += ";8";
  if (fg & fgFlag.strikethrough) codes += ";9";
  if (bg & bgFlag.overline) codes += ";53";
  codes += colourCodes(fg, 30) + colourCodes(bg, 40);
  // An empty parameter is 0: everything is reset first, protection included.
  return (codes === "" ? PLAIN : `\x1b[${codes}m`) + (bg & bgFlag.protected ? '\x1b[1"q' : "");
}

export type LinkOf = (id: number) => string;

/** Writes renditions, and only where something changes. */
export class Pen {
  #fg = 0;
  #bg = 0;
  #ext = 0;
  #link = 0;
  readonly #linkOf: LinkOf;

  constructor(linkOf: LinkOf) {
    this.#linkOf = linkOf;
  }

  /** What has to be written before a cell that looks like this. */
  change(fg: number, bg: number, extended: ExtendedAttributes | undefined): string {
    const ext = bg & bgFlag.extended ? (extended?._ext ?? 0) : 0;
    const link = bg & bgFlag.extended ? (extended?._urlId ?? 0) : 0;
    if (fg === this.#fg && bg === this.#bg && ext === this.#ext && link === this.#link) return "";
    let text = "";
    if (link !== this.#link) text += link === 0 ? "\x1b]8;;\x07" : this.#linkOf(link);
    this.#fg = fg;
    this.#bg = bg;
    this.#ext = ext;
    this.#link = link;
    return text + rendition(fg, bg, extended);
  }

  like({ fg, bg, extended }: Attributes): string {
    // A colour for underlines may have been chosen before there are any.
    return this.change(fg, extended._ext & colour.mode ? bg | bgFlag.extended : bg, extended);
  }

  /** The rendition in force once more: it changes nothing, but what comes next does not join what came before. */
  again(extended: ExtendedAttributes | undefined): string {
    return rendition(this.#fg, this.#bg, extended);
  }

  plain(): string {
    return this.change(0, 0, undefined);
  }
}
