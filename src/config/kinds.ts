// What a setting can be: how it is checked, how it is read from a variable's text, and how to say what is allowed.
import * as z from "zod";

export interface Kind<T> {
  /** Completes "it takes …". */
  readonly allowed: string;
  readonly schema: z.ZodType<T>;
  /** From an environment variable's text; what cannot be read is given on as it is and fails the schema. */
  readonly fromText: (text: string) => unknown;
}

const asIs = (text: string): unknown => text;
const asNumber = (text: string): unknown => (/^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text);
const asList = (text: string): unknown =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

export const text = (allowed = "text"): Kind<string> => ({ allowed, schema: z.string().min(1), fromText: asIs });

export const matching = (pattern: RegExp, allowed: string): Kind<string> => ({
  allowed,
  schema: z.string().regex(pattern),
  fromText: asIs,
});

export const integer = (min: number, max: number): Kind<number> => ({
  allowed: `a whole number from ${min} to ${max}`,
  schema: z.number().int().min(min).max(max),
  fromText: asNumber,
});

/** A number, fractions allowed. */
export const number = (min: number, max: number): Kind<number> => ({
  allowed: `a number from ${min} to ${max}`,
  schema: z.number().min(min).max(max),
  fromText: asNumber,
});

/** Seconds, fractions allowed; `min` itself only if `inclusive`. */
export const seconds = (min: number, max: number, inclusive = true): Kind<number> => ({
  allowed: `a number of seconds ${inclusive ? `from ${min}` : `above ${min}`} to ${max}`,
  schema: (inclusive ? z.number().min(min) : z.number().gt(min)).max(max),
  fromText: asNumber,
});

export const flag = (): Kind<boolean> => ({
  allowed: "true or false",
  schema: z.boolean(),
  fromText: (value) =>
    ({ true: true, "1": true, yes: true, false: false, "0": false, no: false })[value.toLowerCase()] ?? value,
});

export const choice = <const T extends string>(...options: readonly [T, ...T[]]): Kind<T> => ({
  allowed: `one of ${options.join(", ")}`,
  schema: z.enum(options),
  fromText: asIs,
});

export const list = (item: RegExp, allowed: string): Kind<string[]> => ({
  allowed,
  schema: z.array(z.string().regex(item)),
  fromText: asList,
});

/** Texts of any kind. Of a variable they are a list of JSON, one expression between slashes, or parted by commas. */
export const texts = (allowed: string): Kind<unknown[]> => ({
  allowed,
  // What is wrong with one of them is for whoever knows what they mean, so that it is not shown here.
  schema: z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(z.unknown())),
  fromText: (value) => {
    if (/^\/.*\/i?$/.test(value)) return [value];
    return value.trimStart().startsWith("[") ? parseJson(value) : asList(value);
  },
});

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    // Not the text itself: it may be a secret.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, as a number or as text with a unit such as "64 MiB". */
export const bytes = (min: number, max: number): Kind<number> => ({
  allowed: `a number of bytes from ${min} to ${max}, or text such as "64 MiB"`,
  schema: z.preprocess(
    (value) => (typeof value === "string" ? parseBytes(value) : value),
    z.number().int().min(min).max(max),
  ),
  fromText: asIs,
});

function parseBytes(value: string): unknown {
  // As Docker reads them: 64m, 64mb and 64 MiB are the same.
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(value);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ""];
  return match === null || unit === undefined ? value : Math.round(Number(match[1]) * unit);
}
