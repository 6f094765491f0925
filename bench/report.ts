// What a benchmark has to say: each figure beside its aim and beside a baseline measured in the same run.

export interface Figure {
  /** Row of the table of aims, such as `N7`. */
  id: string;
  what: string;
  /** With its unit, as people read it. */
  measured: string;
  /** What was measured beside it in the same run, and what it was. */
  baseline: string;
  aim: string;
  /** Undefined: the row has no aim that a yes or no would fit. */
  met?: boolean;
  /** Spread, size of the sample, what is known about a miss. */
  note?: string;
}

/** Figures of one run. A benchmark gets one and adds to it; `onFigure` hears of each at once. */
export class Report {
  readonly figures: Figure[] = [];
  readonly #onFigure: (figure: Figure) => void;
  /** Lines for whoever watches; not part of the table. */
  readonly progress: (text: string) => void;

  constructor(onFigure: (figure: Figure) => void = () => undefined, progress: (text: string) => void = () => undefined) {
    this.#onFigure = onFigure;
    this.progress = progress;
  }

  add(figure: Figure): void {
    this.figures.push(figure);
    this.#onFigure(figure);
  }
}

/** What a benchmark file exports as its default. */
export type Benchmark = (report: Report) => Promise<void>;

/** The figures as a Markdown table, in the order of their ids. */
export function table(figures: readonly Figure[]): string {
  const order = (id: string): number => Number(id.replace(/\D/g, ""));
  const sorted = figures.toSorted((a, b) => order(a.id) - order(b.id));
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const rows = sorted.map(({ id, what, measured, baseline, aim, met, note }) => {
    const stands = met === undefined ? "" : met ? "met" : "missed";
    return `| ${[id, what, measured, baseline, aim, stands, note ?? ""].map(cell).join(" | ")} |`;
  });
  const head = "| row | what | measured | baseline of the same run | aim | stands | notes |";
  return [head, "| --- | --- | --- | --- | --- | --- | --- |", ...rows].join("\n");
}

/** The value below which the part `p` (0…1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}
export const median = (samples: readonly number[]): number => percentile(samples, 0.5);
