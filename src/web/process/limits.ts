// What the board says of limits where this machine cannot enforce them.
import type { Result } from "../../protocol/methods.ts";

/** One sentence, or null where every limit can be enforced. */
export function limitsNote({ kind, why }: Result<"host.status">["limits"]): string | null {
  if (why === undefined) return null;
  const what = kind === "none" ? "Limits of memory, processors and processes are" : "Some limits are";
  return `${what} not enforced here: ${why}. hearth doctor says what to do.`;
}
