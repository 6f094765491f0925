// What is wrong with a value that does not fit its schema, in a sentence for whoever wrote it.
import type * as z from "zod";

type Issue = z.core.$ZodIssue;

/** A field may be named by whoever wrote it. */
const LONGEST_FIELD = 200;

/** The first field that is wrong, and why. `whole` is what the value itself is called. */
export function firstWrong(error: z.ZodError | undefined, whole: string): { field: string; sentence: string } {
  const issue = error?.issues[0];
  const field = issue?.path.map(String).join(".").slice(0, LONGEST_FIELD) || whole;
  return { field, sentence: `${field}: ${issue === undefined ? "wrong" : inWords(issue)}` };
}

/** Of a field that may be one of several things the schema's own words are only "Invalid input". */
function inWords(issue: Issue): string {
  const all = alternatives(issue);
  if (all.every(({ message }) => message.endsWith("received undefined"))) return "it is missing";
  if (all.length === 1) return all[0]?.message ?? issue.message;
  return `wrong: ${[...new Set(all.map(brief))].join(", or ")}`;
}

function alternatives(issue: Issue): Issue[] {
  if (issue.code === "invalid_key") return issue.issues.slice(0, 1);
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  return issue.errors.flatMap(([first]) => (first === undefined ? [] : alternatives(first)));
}

const brief = ({ path, message }: Issue): string => {
  const plain = message.replace(/^Invalid input: /, "");
  return path.length === 0 ? plain : `${path.map(String).join(".")} ${plain}`;
};
