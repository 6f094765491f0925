// Text that the system itself is handed: it ends words, names and paths at a NUL, and would take what comes before for the whole.
import * as z from "zod";

const withoutNul = z.string().regex(/^[^\0]*$/, { error: "it cannot contain a NUL" });

/** A word, value, name or path of at most so many characters. */
export const systemText = (most = Number.MAX_SAFE_INTEGER) => withoutNul.max(most);

/** The name of a variable: what comes after a `=` would be its value. */
export const VariableName = withoutNul
  .min(1, { error: "a variable needs a name" })
  .regex(/^[^=]*$/, { error: "the name of a variable cannot contain a =" });
