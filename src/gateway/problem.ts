// What a refused or failed HTTP request is told: problem JSON (RFC 9457), one sentence, no secrets.
import { HostError, toWire } from "../protocol/errors.ts";

export interface Problem {
  status: number;
  /** A stable word. */
  reason: string;
  /** One sentence that says what to do. */
  detail: string;
  headers?: Readonly<Record<string, string>>;
  data?: Readonly<Record<string, unknown>>;
}

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** The document as JSON, of the type `PROBLEM_TYPE`. */
export function problemBody({ status, reason, detail, data }: Problem): string {
  return JSON.stringify({ type: "about:blank", title: reason.replaceAll("_", " "), status, reason, detail, ...data });
}

/** From anything thrown; what is not meant for clients says only that it failed. */
export function problemOf(thrown: unknown): Problem {
  const { message, data } = toWire(thrown);
  const { reason, status, ...rest } = data;
  return { status, reason, detail: message, data: rest };
}

/** True if a client may see it: everything else goes to the host's log in full. */
export const isExpected = (thrown: unknown): boolean => thrown instanceof HostError && thrown.reason !== "internal";
