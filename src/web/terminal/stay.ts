// What was in view stays in view, and stays selected, while a screen is drawn anew with more lines above it.
import type { Terminal } from "@xterm/xterm";

/**
 * The line at which `lines` stand, looked for from `guess` upwards: what was printed meanwhile has moved them away from the
 * end. Undefined: they are nowhere (any more).
 */
export function findAgain(
  lines: readonly string[],
  guess: number,
  text: (line: number) => string | undefined,
): number | undefined {
  if (lines.length === 0) return undefined;
  for (let at = guess; at >= 0; at--) if (lines.every((line, index) => text(at + index) === line)) return at;
  return undefined;
}

/** Looks at what is in view; what it gives puts that back, once the screen is there again. */
export function stayIn(terminal: Terminal): () => void {
  const text = (line: number) => terminal.buffer.active.getLine(line)?.translateToString(true);
  const { baseY, viewportY } = terminal.buffer.active;
  const up = baseY - viewportY;
  const { rows, cols } = terminal;
  // Lines of the screen itself may be drawn over; those above it are as they are.
  const seen = up === 0 ? rows : Math.min(rows, up);
  const lines = Array.from({ length: seen }, (_, index) => text(viewportY + index) ?? "");
  const selected = terminal.getSelectionPosition();
  return () => {
    const end = terminal.buffer.active.baseY - up;
    const found = findAgain(lines, end, text);
    if (up > 0) terminal.scrollToLine(found ?? end);
    if (selected === undefined || found === undefined || terminal.cols !== cols) return;
    const { start } = selected;
    const length = (selected.end.y - start.y) * cols + selected.end.x - start.x;
    const row = start.y + found - viewportY;
    if (row >= 0) terminal.select(start.x, row, length);
  };
}
