// The few insides of the emulator that its public face does not show, named once: an exact snapshot cannot do without them.
import type { Terminal } from "@xterm/headless";

/** Three words for each cell: content, foreground and its flags, background and its flags. */
export const CELL_WORDS = 3;
export const content = {
  codePoint: 0x1fffff,
  combined: 0x200000,
  any: 0x3fffff,
  widthShift: 22,
} as const;
export const colour = { mode: 0x3000000, p16: 0x1000000, p256: 0x2000000, rgb: 0x3000000, value: 0xffffff } as const;
export const fgFlag = {
  inverse: 0x4000000,
  bold: 0x8000000,
  underline: 0x10000000,
  blink: 0x20000000,
  invisible: 0x40000000,
  strikethrough: 0x80000000,
} as const;
export const bgFlag = {
  italic: 0x4000000,
  dim: 0x8000000,
  extended: 0x10000000,
  protected: 0x20000000,
  overline: 0x40000000,
} as const;
export const ALL_FG_FLAGS = 0xfc000000;
export const ALL_BG_FLAGS = 0x7c000000;

export interface ExtendedAttributes {
  _ext: number;
  _urlId: number;
}
export interface Attributes {
  fg: number;
  bg: number;
  extended: ExtendedAttributes;
}
export interface Line {
  isWrapped: boolean;
  length: number;
  _data: Uint32Array<ArrayBuffer>;
  _combined: Record<number, string | undefined>;
  _extendedAttrs: Record<number, ExtendedAttributes | undefined>;
  addCodepointToCell(index: number, codePoint: number, width: number): void;
}
export type Charset = Record<string, string> | undefined;
export interface ScreenBuffer {
  x: number;
  y: number;
  ybase: number;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: Charset;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  lines: { readonly length: number; get(index: number): Line | undefined };
}
export interface Parameters {
  readonly params: Int32Array;
  readonly length: number;
}
export interface ColourEvent {
  /** 0 asks, 1 sets, 2 restores. */
  type: number;
  index?: number;
  color?: readonly [number, number, number];
}
export interface LinkData {
  id?: string;
  uri: string;
}

export interface Core {
  readonly buffers: { readonly normal: ScreenBuffer; readonly alt: ScreenBuffer; readonly active: ScreenBuffer };
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly modes: { readonly insertMode: boolean };
    readonly decPrivateModes: {
      readonly applicationCursorKeys: boolean;
      readonly applicationKeypad: boolean;
      readonly bracketedPasteMode: boolean;
      readonly cursorBlink: boolean | undefined;
      readonly cursorStyle: "block" | "underline" | "bar" | undefined;
      readonly origin: boolean;
      readonly reverseWraparound: boolean;
      readonly sendFocus: boolean;
      readonly synchronizedOutput: boolean;
      readonly wraparound: boolean;
    };
  };
  readonly coreMouseService: { readonly activeProtocol: string; readonly activeEncoding: string };
  readonly _charsetService: { readonly charset: Charset; readonly glevel: number; readonly _charsets: Charset[] };
  readonly _oscLinkService: {
    registerLink(data: LinkData): number;
    addLineToLink(id: number, y: number): void;
    getLinkData(id: number): LinkData | undefined;
  };
  readonly _inputHandler: {
    readonly _curAttrData: Attributes;
    readonly _parser: { readonly currentState: number; readonly precedingJoinState: number };
    parse(data: Uint8Array | string): Promise<boolean> | undefined;
    _eraseInBufferLine(y: number, start: number, end: number, clearWrap: boolean, respectProtect: boolean): void;
    _resetBufferLine(y: number, respectProtect: boolean): void;
    registerCsiHandler(
      id: { prefix?: string; intermediates?: string; final: string },
      handler: (parameters: Parameters) => boolean,
    ): unknown;
    onColor(listener: (events: readonly ColourEvent[]) => void): unknown;
  };
}

/** The one place on the host where an emulator is taken for more than its types say. */
export function coreOf(terminal: Terminal): Core {
  return (terminal as unknown as { readonly _core: Core })._core;
}
