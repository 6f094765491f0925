// Random secrets, and comparing them without telling anything by the time it takes.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 256 random bits, safe in headers, cookies and addresses. */
export const newSecret = (): string => randomBytes(32).toString("base64url");
export const digest = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Compares digests, so that neither content nor length shows in the time. */
export function same(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}
