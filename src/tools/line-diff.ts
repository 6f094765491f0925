// What a write changes, line by line, for a person who is to say yes to it: as unified diff, bounded in time and in length.
import { MARGIN } from "../secrets/redactor.ts";

/** Lines around a change that stay as they are. */
const AROUND = 3;
/** More edits than this in what lies between the common beginning and end: it is shown as replaced as a whole. */
const MOST_EDITS = 800;
/** What is shown of a diff; a note at its end says how much is not. */
const MOST_LINES = 600;
const MOST_CHARACTERS = 64 * 1024;
/** Of what lies between the first and the last difference; more than this nobody reads, and it would hold up the host. */
const MOST_COMPARED = 256 * 1024;

/** ` ` stays, `-` goes, `+` comes. */
interface Step {
  kind: " " | "-" | "+";
  text: string;
}

/** How each of two texts may be shown; line breaks have to stay. */
export interface Covers {
  old: (text: string) => string;
  now: (text: string) => string;
}
const bare: Covers = { old: (text) => text, now: (text) => text };

/**
 * The lines that go and come between two texts, as `diff -u` writes them, without its head: `@@ -1,3 +1,4 @@`, then lines
 * that begin with a blank, `-` or `+`; a line that begins with `\` is a note. Empty where nothing changes, and undefined
 * where too much does. `covers` is given a text with what stands around it, since what is secret in a line may be known by others.
 */
export function lineDiff(old: string, now: string, covers: Covers = bare): string | undefined {
  if (old === now) return "";
  // Lines are made only of what differs: of a long text with a small change most is never touched.
  const { from, tail, line } = between(old, now);
  const [gone, came] = [old.slice(from, old.length - tail), now.slice(from, now.length - tail)];
  if (gone.length > MOST_COMPARED || came.length > MOST_COMPARED) return undefined;
  const shown = {
    gone: linesShown(old, from, old.length - tail, covers.old),
    came: linesShown(now, from, now.length - tail, covers.now),
  };
  const steps = covered(stepsBetween(linesOf(gone), linesOf(came)), shown.gone, shown.came);
  return steps && bounded(written(steps, line));
}

/** The lines between two places as they may be shown. */
function linesShown(text: string, from: number, to: number, cover: (text: string) => string): string[] {
  const start = Math.max(0, from - MARGIN);
  const lines = linesOf(cover(text.slice(start, to + MARGIN)));
  const before = linesOf(text.slice(start, from)).length;
  return lines.slice(before, before + linesOf(text.slice(from, to)).length);
}

/** What differs is decided by the texts as they are, and shown as it may be; undefined where the lines of both do not match. */
function covered(steps: readonly Step[], gone: readonly string[], came: readonly string[]): Step[] | undefined {
  let [x, y] = [0, 0];
  const shown: Step[] = [];
  for (const { kind } of steps) {
    const text = kind === "+" ? came[y] : gone[x];
    if (text === undefined) return undefined;
    shown.push({ kind, text });
    if (kind !== "+") x += 1;
    if (kind !== "-") y += 1;
  }
  return x === gone.length && y === came.length ? shown : undefined;
}

/** With their ends: another end of a line, or none, is another line. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/**
 * Where what differs begins, with the lines around it; how many characters behind it are the same (`tail`), and how many
 * lines there are before it.
 */
function between(old: string, now: string): { from: number; tail: number; line: number } {
  const shorter = Math.min(old.length, now.length);
  let same = 0;
  while (same < shorter && old.charCodeAt(same) === now.charCodeAt(same)) same += 1;
  let from = same;
  for (let lines = 0; lines <= AROUND && from > 0; lines += 1) from = old.lastIndexOf("\n", from - 2) + 1;
  let tail = 0;
  const most = shorter - same;
  while (tail < most && old.charCodeAt(old.length - 1 - tail) === now.charCodeAt(now.length - 1 - tail)) tail += 1;
  // One line more than those around: where the difference ends a line may be cut.
  for (let lines = 0; lines <= AROUND && tail > 0; lines += 1) {
    const end = old.indexOf("\n", old.length - tail);
    tail = end === -1 ? 0 : old.length - end - 1;
  }
  let line = 0;
  for (let at = old.indexOf("\n"); at !== -1 && at < from; at = old.indexOf("\n", at + 1)) line += 1;
  return { from, tail, line };
}

function stepsBetween(a: readonly string[], b: readonly string[]): Step[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const gone = a.slice(head, a.length - tail);
  const came = b.slice(head, b.length - tail);
  const same = (lines: readonly string[]) => lines.map((text): Step => ({ kind: " ", text }));
  return [...same(a.slice(0, head)), ...middle(gone, came), ...same(a.slice(a.length - tail))];
}

function middle(gone: readonly string[], came: readonly string[]): Step[] {
  const trace = gone.length === 0 || came.length === 0 ? undefined : shortest(gone, came);
  if (trace !== undefined) return walked(gone, came, trace);
  return [...gone.map((text): Step => ({ kind: "-", text })), ...came.map((text): Step => ({ kind: "+", text }))];
}

/** How far each diagonal gets with 0, 1, 2 … edits (Myers 1986); undefined where that takes too many. */
function shortest(a: readonly string[], b: readonly string[]): Int32Array[] | undefined {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  const trace: Int32Array[] = [];
  // Diagonal k is at k + most + 1: there is one more on either side, so that none is looked up beyond the ends.
  const reach = new Int32Array(2 * most + 3);
  for (let edits = 0; edits <= most; edits += 1) {
    for (let k = -edits; k <= edits; k += 2) {
      const at = k + most + 1;
      let x = comesDown(reach, at, k, edits) ? (reach[at + 1] ?? 0) : (reach[at - 1] ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach[at] = x;
      if (x >= a.length && x - k >= b.length) return [...trace, kept(reach, edits, most)];
    }
    trace.push(kept(reach, edits, most));
  }
  return undefined;
}

/** The diagonals −edits−1 … edits+1. */
const kept = (reach: Int32Array, edits: number, most: number): Int32Array =>
  reach.slice(most - edits, most + edits + 3);

/** Whether the farthest way to a diagonal ends with a line that comes, not with one that goes. */
const comesDown = (reach: Int32Array, at: number, k: number, edits: number): boolean =>
  k === -edits || (k !== edits && (reach[at - 1] ?? 0) < (reach[at + 1] ?? 0));

/** The way back through the trace, turned round. */
function walked(a: readonly string[], b: readonly string[], trace: readonly Int32Array[]): Step[] {
  const steps: Step[] = [];
  let [x, y] = [a.length, b.length];
  const same = (to: number) => {
    while (x > to && y > 0 && x > 0) {
      x -= 1;
      y -= 1;
      steps.push({ kind: " ", text: a[x] ?? "" });
    }
  };
  for (let edits = trace.length - 1; edits > 0; edits -= 1) {
    const reach = trace[edits - 1] ?? new Int32Array();
    const k = x - y;
    // In what was kept of the step before, diagonal 0 is at its number of edits + 1, which is `edits`.
    const at = k + edits;
    const down = comesDown(reach, at, k, edits);
    const before = down ? (reach[at + 1] ?? 0) : (reach[at - 1] ?? 0);
    same(down ? before : before + 1);
    if (down) {
      y -= 1;
      steps.push({ kind: "+", text: b[y] ?? "" });
    } else {
      x -= 1;
      steps.push({ kind: "-", text: a[x] ?? "" });
    }
  }
  same(0);
  return steps.reverse();
}

interface Hunk {
  from: number;
  to: number;
}

/** Changes with what is around them; what would touch is one. */
function hunks(steps: readonly Step[]): Hunk[] {
  const found: Hunk[] = [];
  steps.forEach(({ kind }, at) => {
    if (kind === " ") return;
    const last = found.at(-1);
    const from = Math.max(0, at - AROUND);
    const to = Math.min(steps.length, at + 1 + AROUND);
    if (last !== undefined && from <= last.to) last.to = to;
    else found.push({ from, to });
  });
  return found;
}

/** All hunks as text; `line`: how many lines there are before the steps. What lies between hunks is counted once. */
function written(steps: readonly Step[], line: number): string[] {
  const rows: string[] = [];
  const done = { at: 0, old: line, now: line };
  for (const { from, to } of hunks(steps)) {
    const between = counted(steps, done.at, from);
    const inside = counted(steps, from, to);
    const [old, now] = [done.old + between.old, done.now + between.now];
    rows.push(`@@ -${range(old, inside.old)} +${range(now, inside.now)} @@\n`);
    for (const { kind, text } of steps.slice(from, to))
      rows.push(text.endsWith("\n") ? `${kind}${text}` : `${kind}${text}\n\\ No newline at end of file\n`);
    Object.assign(done, { at: to, old: old + inside.old, now: now + inside.now });
  }
  return rows;
}

function counted(steps: readonly Step[], from: number, to: number): { old: number; now: number } {
  const count = { old: 0, now: 0 };
  for (let at = from; at < to; at += 1) {
    if (steps[at]?.kind !== "+") count.old += 1;
    if (steps[at]?.kind !== "-") count.now += 1;
  }
  return count;
}

/** Of no lines the one before them is named, as `diff` does it. */
function range(before: number, lines: number): string {
  const first = before + (lines === 0 ? 0 : 1);
  return lines === 1 ? String(first) : `${first},${lines}`;
}

function bounded(lines: readonly string[]): string {
  const shown: string[] = [];
  let characters = 0;
  for (const line of lines) {
    characters += line.length;
    if (shown.length >= MOST_LINES || characters > MOST_CHARACTERS) break;
    shown.push(line);
  }
  const left = lines.length - shown.length;
  return shown.join("") + (left === 0 ? "" : `\\ ${left.toLocaleString("en")} more lines of this diff are not shown\n`);
}
