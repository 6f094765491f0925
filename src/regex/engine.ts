// The one engine that regular expressions of others may run on: V8's own machine that takes time linear in the text. What it
// cannot do (back references, look-ahead, large repetitions) is refused rather than run on the one that can be made to hang.
import { setFlagsFromString } from "node:v8";
import { HostError } from "../protocol/errors.ts";
import type { WatchPattern } from "../protocol/watch-pattern.ts";
import { eitherCase, weightOf } from "./source.ts";

setFlagsFromString("--enable-experimental-regexp-engine");

export type Regex = Exclude<WatchPattern, string>;

/** Of all expressions of one process together. A part of the worst line then takes a few seconds of one thread's time. */
const MAX_WEIGHT = 2_000;

export class RegexRefused extends HostError {
  constructor(message: string, options?: ErrorOptions) {
    super("regex_refused", message, options);
  }
}

/** The source as the engine gets it. */
export function sourceOf(pattern: Regex): string {
  return pattern.ignore_case === true ? eitherCase(pattern.regex) : pattern.regex;
}

/** Never a backtracking one. It is global: where to look from is `lastIndex`. Throws SyntaxError for what the linear engine does not take. */
export function compile(pattern: Regex): RegExp {
  return new RegExp(sourceOf(pattern), "lg");
}

/** Throws RegexRefused, with what to do, unless all of them can be run in linear time and within bounds. */
export function checkRegexes(patterns: readonly Regex[]): void {
  for (const pattern of patterns) checkOne(pattern);
  const weight = patterns.reduce((sum, pattern) => sum + weightOf(sourceOf(pattern)), 0);
  if (weight > MAX_WEIGHT)
    throw new RegexRefused(
      `The regular expressions are too large together (${weight} states; ${MAX_WEIGHT} are allowed): use fewer, shorter ones, or literal texts`,
    );
}

/**
 * Throws RegexRefused unless it is an expression at all, with `instead` as what to do: the linear engine gives one message
 * for all that it does not take.
 */
export function checkSyntax(source: string, instead: string): void {
  try {
    RegExp(source);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error);
    throw new RegexRefused(`${why}: ${instead}`, { cause: error });
  }
}

function checkOne(pattern: Regex): void {
  const shown = `/${pattern.regex.slice(0, 100)}/`;
  checkSyntax(pattern.regex, "correct the expression, or give a literal text");
  try {
    compile(pattern);
  } catch (error) {
    throw new RegexRefused(
      `${shown} cannot be matched in linear time: do without back references, look-ahead, inline flags and repetitions of more than 16, or give a literal text`,
      { cause: error },
    );
  }
}
