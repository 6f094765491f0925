// What one method is: words about it, its parameters and its result, and who may call it.
import type * as z from "zod";

/** Who may call: `any` authenticated client, or only one on the host's own Unix socket (`local`). */
type Door = "any" | "local";

export const method = <P extends z.ZodType, R extends z.ZodType>(
  about: string,
  params: P,
  result: R,
  door: Door = "any",
) => ({ about, params, result, door });
