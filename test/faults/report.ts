// How the results of fault tests are shown: one line for each, in the order of their rows; on a terminal and as a page.

export interface Line {
  /** Such as `F04, P33`; empty for what belongs to no row. */
  rows: string;
  what: string;
  rounds: string;
  figures: string;
  ms: number;
  /** Why it did not hold. */
  violation: string | undefined;
}

const HEAD = ["row", "fault", "rounds", "violations", "figure", "s"];
const LONGEST = 110;

/** By the first fault that a line names, else attack, else row; what has none comes last. */
export function inOrder(lines: readonly Line[]): Line[] {
  const key = ({ rows }: Line): [number, number] => {
    for (const [at, letter] of ["F", "A", "P", "T", "S"].entries()) {
      const number = new RegExp(`\\b${letter}(\\d+)`).exec(rows)?.[1];
      if (number !== undefined) return [at, Number(number)];
    }
    return [9, 0];
  };
  return lines.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left[0] - right[0] || left[1] - right[1];
  });
}

const cells = (line: Line, what: string): string[] => [
  line.rows,
  what,
  line.rounds,
  line.violation === undefined ? "0" : "VIOLATED",
  line.figures,
  (line.ms / 1000).toFixed(1),
];

/** For a terminal: aligned, long names cut. */
export function printed(lines: readonly Line[]): string {
  const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
  const rows = lines.map((line) => cells(line, cut(line.what)));
  const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const drawn = [HEAD, widths.map((width) => "-".repeat(width)), ...rows];
  return drawn.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`).join("\n");
}

/** As a page of the documentation, without what belongs to no row. `when`: when and where it was measured. */
export function page(all: readonly Line[], when: string): string {
  const lines = all.filter(({ rows }) => rows !== "");
  const violated = lines.filter(({ violation }) => violation !== undefined);
  const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;");
  const rows = lines.map((line) => `| ${cells(line, line.what).map(escaped).join(" | ")} |`);
  const broken = violated.map(
    ({ rows, what, violation }) => `- ${rows}: ${escaped(what)}. ${escaped(violation ?? "")}`,
  );
  return `# Faults

What is done to a host, its processes, its disk and its machine, and what came of it. Made by \`npm run faults -- --write\`: \`--rounds\` and \`--minutes\` say how often and how long. A round is one injection, or one set of them; a violation is an expectation of the test that did not hold. Rows with one round are a set of cases by themselves.

${when} ${lines.length} faults, ${violated.length} violated.
${broken.length === 0 ? "" : `\n${broken.join("\n")}\n`}
| ${HEAD.join(" | ")} |
|${HEAD.map(() => " --- ").join("|")}|
${rows.join("\n")}
`;
}
