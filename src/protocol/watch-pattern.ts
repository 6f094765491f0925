// What a process's output can be watched for: a text as it is, or a regular expression.
import * as z from "zod";

/** A text, or a regular expression that whole lines are looked at with. */
export const WatchPattern = z.union([
  z.string().min(1).max(1000),
  z.strictObject({ regex: z.string().min(1).max(1000), ignore_case: z.boolean().optional() }),
]);
export type WatchPattern = z.infer<typeof WatchPattern>;

/** A pattern in words: the text itself, or the expression as `/…/` or `/…/i`. */
export function shownPattern(pattern: WatchPattern): string {
  if (typeof pattern === "string") return pattern;
  return `/${pattern.regex}/${pattern.ignore_case === true ? "i" : ""}`;
}
