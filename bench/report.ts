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

export interface ReportOptions {
  /** Rows wanted; none: all. */
  filter?: readonly string[];
  /** Hears of each figure at once. */
  onFigure?: (figure: Figure) => void;
  /** Lines for whoever watches; not part of the table. */
  progress?: (text: string) => void;
}

/** The figures of one run. A benchmark gets one, asks which rows are wanted, and adds to it. */
export class Report {
  readonly figures: Figure[] = [];
  readonly #options: ReportOptions;

  constructor(options: ReportOptions = {}) {
    this.#options = options;
  }

  /** Ask before the work: a row that is not wanted costs nothing then. */
  wants(id: string): boolean {
    const { filter = [] } = this.#options;
    return filter.length === 0 || filter.includes(id);
  }

  add(figure: Figure): void {
    this.figures.push(figure);
    this.#options.onFigure?.(figure);
  }

  progress(text: string): void {
    this.#options.progress?.(text);
  }
}

/** What a `*.bench.ts` file exports. */
export interface Benchmark {
  /** Rows it can fill: it is not run where none of them is wanted. Without it, it always runs. */
  rows?: readonly string[];
  default(report: Report): Promise<void>;
}

/** Every figure, with all that is known about it, as a Markdown table in the order of their ids. */
export function table(figures: readonly Figure[]): string {
  const rows = inOrder(figures).map((figure) => {
    const { id, what, measured, baseline, aim, note } = figure;
    return [id, what, measured, baseline, aim, stands(figure), note ?? ""];
  });
  return markdown(["row", "what", "measured", "baseline of the same run", "aim", "stands", "notes"], rows);
}

/** Those that have an aim, for who wants to know in a minute. */
export function shortTable(figures: readonly Figure[]): string {
  const aimed = inOrder(figures).filter(({ met }) => met !== undefined);
  const rows = aimed.map((one) => [`${one.id} ${one.what}`, one.measured, one.baseline, one.aim, stands(one)]);
  return markdown(["", "measured", "baseline of the same run", "aim", ""], rows);
}

function inOrder(figures: readonly Figure[]): Figure[] {
  const order = (id: string): number => Number(id.replace(/\D/g, ""));
  return figures.toSorted((a, b) => order(a.id) - order(b.id));
}

function stands({ met }: Figure): string {
  return met === undefined ? "" : met ? "met" : "**missed**";
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n");
}

/** The value below which the part `p` (0…1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}
export const median = (samples: readonly number[]): number => percentile(samples, 0.5);
