// The course of a value as a line in a box, and as words for those who do not see it.

export interface Drawn {
  /** Of the line, and of the area below it: what `d` of an SVG path takes. */
  line: string;
  area: string;
}

/**
 * The newest value stands at the right end, as many steps from the left as there are; `top` is the value at the upper edge. A
 * null is a gap. Coordinates have one decimal.
 */
export function sparkline(
  values: readonly (number | null)[],
  box: { width: number; height: number; steps: number; top: number },
): Drawn {
  const { width, height, steps, top } = box;
  const step = width / Math.max(1, steps - 1);
  const shown = values.slice(-steps);
  const round = (value: number) => Math.round(value * 10) / 10;
  let line = "";
  let area = "";
  let begin: number | null = null;
  let x = 0;
  const close = () => {
    if (begin === null) return;
    area += `L${round(x)} ${height}L${begin} ${height}Z`;
    // A value between two gaps is a dot.
    if (begin === round(x)) line += "h0.1";
    begin = null;
  };
  for (const [at, value] of shown.entries()) {
    if (value === null || !Number.isFinite(value)) {
      close();
      continue;
    }
    x = width - (shown.length - 1 - at) * step;
    const y = round(height - Math.min(1, Math.max(0, value / top)) * height);
    const point = `${begin === null ? "M" : "L"}${round(x)} ${y}`;
    begin ??= round(x);
    line += point;
    area += point;
  }
  close();
  return { line, area };
}

/** A rounded value a little above the largest, so that a quiet line stays low and a busy one fits: never below `least`. */
export function topOf(values: readonly (number | null)[], least: number): number {
  return Math.max(least, ...values.map((value) => (Number.isFinite(value) ? (value ?? 0) * 1.1 : 0)));
}

/** `35 %`, `0.4 %`, `212 %`: of one processor. */
export function percent(cpu: number): string {
  const value = cpu * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} %`;
}

/** `612 kB`, `84 MB`, `1.3 GB`: short, for a narrow column. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 && unit > 1 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
