// What a person adds to what counts as secret. Entries are checked one by one, so that a wrong one takes no right one with it; no
// message holds a text, which is a secret.
import { looksLikeShape, type Secret, secretOf } from "../regex/shape.ts";
import type { Warn } from "./table.ts";

const MOST = 64;

/** `from` says where they were written. Names each one that is wrong, by its number. */
export function readSecrets(entries: readonly unknown[], from: string, warn: Warn): Secret[] {
  if (entries.length > MOST)
    warn(`redaction_extra (${from}) has ${entries.length} entries: it takes ${MOST}. The others are not in force.`);
  return entries.slice(0, MOST).flatMap((entry, index) => {
    const refuse = (why: string): Secret[] => {
      warn(`redaction_extra (${from}), entry ${index + 1}: ${why}. It is not in force.`);
      return [];
    };
    if (typeof entry !== "string") return refuse("it is no text");
    try {
      return [secretOf(entry)];
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  });
}

/** Entries as they may be shown. */
export const shownSecrets = (entries: readonly unknown[]): string[] =>
  entries.map((entry) => (typeof entry === "string" && looksLikeShape(entry) ? entry : "a text"));
