// Two terminals side by side: every difference that a person could ever see, now or after the next byte.
import { CELL_WORDS, type Core, type Line, type ScreenBuffer } from "../internals.ts";

const MOST = 10;

/** Without what an earlier colour has left in bits that a later one does not use. */
function look(value: number): string {
  const mode = value & 0x3000000;
  const used = mode === 0x3000000 ? 0xffffff : mode === 0 ? 0 : 0xff;
  return ((value & (0xff000000 | used)) >>> 0).toString(16);
}

function cell(line: Line, at: number): string {
  const word = at * CELL_WORDS;
  const content = line._data[word] ?? 0;
  const bg = line._data[word + 2] ?? 0;
  const extended = bg & 0x10000000 ? line._extendedAttrs[at] : undefined;
  // A link's number differs from terminal to terminal, and so does the address of what it points to.
  const extra = extended === undefined ? "" : `${extended._ext}${extended._urlId ? "L" : ""}`;
  const text =
    content & 0x200000 ? line._combined[at] : content & 0x1fffff ? String.fromCodePoint(content & 0x1fffff) : "";
  return JSON.stringify([text, content >>> 22, look(line._data[word + 1] ?? 0), look(bg), extra]);
}

function buffers(name: string, one: ScreenBuffer, two: ScreenBuffer, cols: number, say: (text: string) => void): void {
  if (one.lines.length !== two.lines.length) say(`${name}: ${one.lines.length} lines and ${two.lines.length}`);
  for (let y = 0; y < Math.min(one.lines.length, two.lines.length); y++) {
    const [a, b] = [one.lines.get(y), two.lines.get(y)];
    if (a === undefined || b === undefined) continue;
    // The first line kept may continue one that is gone.
    if (y > 0 && a.isWrapped !== b.isWrapped) say(`${name} ${y}: wrapped ${a.isWrapped} and ${b.isWrapped}`);
    for (let x = 0; x < cols; x++) {
      const [left, right] = [cell(a, x), cell(b, x)];
      // An empty cell in the very last place keeps its background only.
      const corner = x === cols - 1 && y === one.lines.length - 1 && left.startsWith('["",1,');
      if (left !== right && !corner) say(`${name} ${y},${x}: ${left} and ${right}`);
    }
  }
  for (const key of ["x", "y", "ybase", "scrollTop", "scrollBottom"] as const)
    if (one[key] !== two[key]) say(`${name} ${key}: ${one[key]} and ${two[key]}`);
  const saved = (buffer: ScreenBuffer) =>
    JSON.stringify([
      Math.min(buffer.savedX, cols - 1),
      Math.max(buffer.savedY - buffer.ybase, 0),
      look(buffer.savedCurAttrData.fg),
      look(buffer.savedCurAttrData.bg & 0x6fffffff),
      buffer.savedCharset ?? null,
    ]);
  if (saved(one) !== saved(two)) say(`${name} saved cursor: ${saved(one)} and ${saved(two)}`);
  const tabs = (buffer: ScreenBuffer) =>
    Array.from({ length: cols }, (_, at) => (buffer.tabs[at] ? "T" : ".")).join("");
  if (tabs(one) !== tabs(two)) say(`${name} tabs: ${tabs(one)} and ${tabs(two)}`);
}

/** Empty if they are the same. */
export function differences(one: Core, two: Core, cols: number): string[] {
  const found: string[] = [];
  const say = (text: string) => {
    if (found.length < MOST) found.push(text);
  };
  const alternate = one.buffers.active === one.buffers.alt;
  if (alternate !== (two.buffers.active === two.buffers.alt)) say("another buffer is shown");
  // What an idle buffer's cursor was does not matter: it is overwritten when that buffer is shown again.
  if (alternate) {
    const { x, y } = one.buffers.normal;
    Object.assign(two.buffers.normal, { x, y });
    buffers("alternate", one.buffers.alt, two.buffers.alt, cols, say);
  }
  buffers("normal", one.buffers.normal, two.buffers.normal, cols, say);
  const state = (core: Core) => ({
    ...core.coreService.decPrivateModes,
    ...core.coreService.modes,
    hidden: core.coreService.isCursorHidden,
    mouse: core.coreMouseService.activeProtocol,
    encoding: core.coreMouseService.activeEncoding,
    level: core._charsetService.glevel,
    charsets: core._charsetService._charsets.map((set) => set?.q ?? null).join(),
    fg: look(core._inputHandler._curAttrData.fg),
    bg: look(core._inputHandler._curAttrData.bg),
    ext: core._inputHandler._curAttrData.bg & 0x10000000 ? core._inputHandler._curAttrData.extended._ext : 0,
    parser: core._inputHandler._parser.currentState,
  });
  const [left, right] = [state(one), state(two)] as const;
  for (const key of Object.keys(left) as (keyof typeof left)[])
    if (left[key] !== right[key]) say(`${key}: ${String(left[key])} and ${String(right[key])}`);
  return found;
}
