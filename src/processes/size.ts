// Screen sizes as people and browsers send them: anything at all. What reaches a PTY is always usable.

export interface Size {
  rows: number;
  cols: number;
}

const MIN: Size = { rows: 8, cols: 20 };
const MAX: Size = { rows: 500, cols: 1000 };
const GARBAGE: Size = { rows: 24, cols: 80 };

function whole(value: unknown): number | null {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? Math.floor(number) : null;
}

/** Rows 8…500, columns 20…1,000. If either is no positive number, both are garbage and the size is 24 × 80 (T4). */
export function clampSize(rows: unknown, cols: unknown): Size {
  const wanted = { rows: whole(rows), cols: whole(cols) };
  if (wanted.rows === null || wanted.cols === null) return { ...GARBAGE };
  return {
    rows: Math.min(MAX.rows, Math.max(MIN.rows, wanted.rows)),
    cols: Math.min(MAX.cols, Math.max(MIN.cols, wanted.cols)),
  };
}
