// What a person adds to what counts as secret: a text, or the shape of a key as an expression between slashes.
import { HostError } from "../protocol/errors.ts";
import { checkSyntax, RegexRefused, sourceOf } from "./engine.ts";
import { beginningOf, inPortions, weightOf } from "./source.ts";

export interface SecretText {
  text: string;
}
export interface SecretShape {
  /** Every match begins with it; in lower case where `ignoreCase`. */
  beginning: string;
  ignoreCase: boolean;
  /** Nothing of a word may stand before it. */
  atWord: boolean;
  /** Matches at the beginning of what it is given, in time linear in that. */
  machine: RegExp;
}
export type Secret = SecretText | SecretShape;

export const isShape = (secret: Secret): secret is SecretShape => "machine" in secret;
/** As a person wrote it: what is no expression is a text. */
export const looksLikeShape = (entry: string): boolean => /^\/.*\/[a-z]*$/s.test(entry) && entry.length > 2;

const SHORTEST_TEXT = 8;
const LONGEST_TEXT = 16 * 1024;
/** What stands less often than that in other texts need not be looked at for long. */
const SHORTEST_BEGINNING = 3;
const MOST_WEIGHT = 1_000;

class EntryRefused extends HostError {
  constructor(message: string) {
    super("invalid_params", message);
  }
}

/** Throws HostError with what to do; its message does not hold a text, which is a secret. */
export function secretOf(entry: string): Secret {
  if (!looksLikeShape(entry)) return textOf(entry);
  const end = entry.lastIndexOf("/");
  const flags = entry.slice(end + 1);
  if (flags !== "" && flags !== "i") throw new EntryRefused(`after the last slash only an i may stand, not ${flags}`);
  return shapeOf(entry.slice(1, end), flags === "i");
}

function textOf(text: string): SecretText {
  const trimmed = text.trim();
  if (trimmed.length < SHORTEST_TEXT)
    throw new EntryRefused(
      `a text of ${trimmed.length} characters stands in too many others: give one of at least ${SHORTEST_TEXT}, or an expression between slashes`,
    );
  if (trimmed.length > LONGEST_TEXT) throw new EntryRefused(`a text may have ${LONGEST_TEXT} characters at most`);
  return { text: trimmed };
}

function shapeOf(written: string, ignoreCase: boolean): SecretShape {
  checkSyntax(written, "correct the expression"); // what follows reads only what is one
  const atWord = written.startsWith("\\b");
  const own = atWord ? written.slice(2) : written;
  const beginning = beginningOf(own);
  if (beginning.length < SHORTEST_BEGINNING || !/^[\x21-\x7e]*$/.test(beginning))
    throw new RegexRefused(
      `/${written}/ must begin with at least ${SHORTEST_BEGINNING} fixed characters, as acme_ in /acme_[a-z0-9]{32}/; of alternatives each is an entry of its own`,
    );
  const source = inPortions(own);
  if (weightOf(source) > MOST_WEIGHT) throw new RegexRefused(`/${written}/ is too large: use shorter repetitions`);
  try {
    const machine = new RegExp(`^(?:${sourceOf({ regex: source, ignore_case: ignoreCase })})`, "l");
    return { beginning: ignoreCase ? beginning.toLowerCase() : beginning, ignoreCase, atWord, machine };
  } catch (error) {
    throw new RegexRefused(
      `/${written}/ cannot be matched in linear time: do without back references, look-ahead, inline flags, and repetitions of groups of more than 16`,
      { cause: error },
    );
  }
}
