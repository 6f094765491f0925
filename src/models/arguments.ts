// Arguments of a tool call as a model wrote them: usually JSON, sometimes not, and then the model has to hear of it.

/** The only field of arguments that were no JSON object; its value is the text as it came, shortened. */
const INVALID = "_invalid";
const LONGEST_QUOTE = 2_000;

/** Never throws: what is no JSON object comes back as `{_invalid: text}`, for which every tool's schema has no place. */
export function parseArguments(raw: string): Record<string, unknown> {
  if (raw.trim() === "") return {}; // how several servers write "no arguments"
  try {
    const value: unknown = JSON.parse(raw);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below, in the one form that the loop knows
  }
  return { [INVALID]: raw.slice(0, LONGEST_QUOTE) };
}

/** A sentence for the model when its arguments were no JSON object; undefined when they were. */
export function invalidArguments(values: Readonly<Record<string, unknown>>): string | undefined {
  if (!(INVALID in values)) return undefined;
  return `The arguments were no valid JSON object (perhaps cut off by the output limit). Send them again, complete; received: ${String(values[INVALID])}`;
}
