// The change that an approval shows, as those who draw it need it: rows, and what can be said of them in a few words.

export interface DiffRow {
  /** ` ` stays, `-` goes, `+` comes, `@` says where, `\` is a note. */
  mark: string;
  text: string;
}

/** Of a unified diff without its head, as `approval.request` carries it. */
export function diffRows(diff: string): DiffRow[] {
  const rows = diff.replace(/\n$/, "").split("\n");
  return rows.map((row) => ({ mark: row.slice(0, 1), text: row.slice(1) }));
}

/** Whether some of the change is left out: then the diff alone does not tell what would be done. */
export const isCut = (diff: string): boolean => /\n\\ [\d,]+ more lines [^\n]*\n?$/.test(diff);

/** `3 lines added, 1 removed`; of a diff that was cut there is no count that would be true. */
export function diffNote(diff: string): string {
  if (isCut(diff)) return "a long change";
  const count = (mark: string) => diffRows(diff).filter((row) => row.mark === mark).length;
  const [added, removed] = [count("+"), count("-")];
  const lines = (n: number) => `${n.toLocaleString("en")} ${n === 1 ? "line" : "lines"}`;
  if (removed === 0) return `${lines(added)} added`;
  return added === 0 ? `${lines(removed)} removed` : `${lines(added)} added, ${removed.toLocaleString("en")} removed`;
}
