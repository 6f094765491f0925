// A character with combining marks without end would stop the page that shapes and draws it: what is kept of one is bounded,
// to the same length as on the host, so that a screen that is drawn live and one that is restored are the same.
import type { Terminal } from "@xterm/xterm";

/** UTF-16 units of one character with its marks; as `MAX_CHARACTER` of the host's screens. */
const MOST = 64;

interface Line {
  _combined: Record<number, string | undefined>;
  addCodepointToCell(index: number, codePoint: number, width: number): void;
}
interface Inside {
  _core?: { buffers?: { active?: { lines?: { get(index: number): Line | undefined } } } };
}

const bounded = new WeakSet<object>();

/** All lines of all emulators share one prototype: what bounds one bounds them all. */
export function boundMarks(terminal: Terminal): void {
  const line = (terminal as unknown as Inside)._core?.buffers?.active?.lines?.get(0);
  const lines: Line | null = line === undefined ? null : Object.getPrototypeOf(line);
  if (lines === null || bounded.has(lines)) return;
  bounded.add(lines);
  const add = lines.addCodepointToCell;
  lines.addCodepointToCell = function bound(index, codePoint, width) {
    if ((this._combined[index]?.length ?? 0) < MOST) add.call(this, index, codePoint, width);
  };
}
