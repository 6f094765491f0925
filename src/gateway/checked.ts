// Bodies and queries of HTTP routes become values of a schema, or an error that names the field.
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";

/** Throws invalid_params. */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join(".") || "body";
  throw new HostError("invalid_params", `${field}: ${issue?.message ?? "wrong"}`, { data: { field } });
}

/** A number of an event or byte in a query. */
export const Cursor = z
  .string()
  .regex(/^\d{1,15}$/, { error: "a whole number, 0 or more" })
  .transform(Number);
