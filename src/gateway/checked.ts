// Bodies and queries of HTTP routes become values of a schema, or an error that names the field.
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import { firstWrong } from "../protocol/first-wrong.ts";

/** Throws invalid_params. */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { field, sentence } = firstWrong(result.error, "body");
  throw new HostError("invalid_params", sentence, { data: { field } });
}

/** A number of an event or byte in a query. */
export const Cursor = z
  .string()
  .regex(/^\d{1,15}$/, { error: "a whole number, 0 or more" })
  .transform(Number);
