// A value and its last minutes, small enough for a row.
import { memo } from "react";
import { sparkline, topOf } from "../process/sparkline.ts";
import { KEPT } from "../process/usage.ts";

/** Fewer samples than this do not fill the width. */
const SHORTEST = 12;

export interface SparklineProps {
  /** What it is: "CPU". */
  label: string;
  values: readonly (number | null)[];
  /** How a value is said. */
  say: (value: number) => string;
  /** The upper edge is at least this. */
  least: number;
  width?: number;
  height?: number;
  testId?: string;
}

export const Sparkline = memo(function Sparkline(props: SparklineProps) {
  const { label, values, say, least, width = 56, height = 18, testId } = props;
  // A young process has a short past: it is drawn over the whole width as well, and becomes denser.
  const steps = Math.min(KEPT, Math.max(SHORTEST, values.length));
  const known = values.filter((value) => value !== null);
  const last = values.at(-1) ?? null;
  const { line, area } = sparkline(values, { width, height: height - 2, steps, top: topOf(values, least) });
  const text =
    last === null ? `${label}: not known yet` : `${label} ${say(last)}, at most ${say(Math.max(...known))} lately`;
  return (
    <svg
      data-testid={testId}
      role="img"
      aria-label={text}
      width={width}
      height={height}
      viewBox={`0 -1 ${width} ${height}`}
      className="flex-none overflow-visible text-glow"
    >
      <title>{text}</title>
      <path d={`M0 ${height - 2}H${width}`} stroke="var(--line)" fill="none" />
      <path d={area} fill="currentColor" opacity="0.16" />
      <path d={line} stroke="currentColor" strokeWidth="1.3" fill="none" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
});
