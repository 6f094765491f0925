// What a person has begun to write and not sent yet, by conversation, for this page's life. Not stored: it may be private.

const MOST_DRAFTS = 50;
/** Of a conversation that has not begun. */
const NEW = "new";
const drafts = new Map<string, string>();

/** Empty where there is none. */
export function draftOf(session: string | null): string {
  return drafts.get(session ?? NEW) ?? "";
}

/** An empty text forgets it. Of more than 50 the one that was kept first is forgotten. */
export function keepDraft(session: string | null, text: string): void {
  drafts.delete(session ?? NEW);
  if (text !== "") drafts.set(session ?? NEW, text);
  const oldest = drafts.keys().next().value;
  if (drafts.size > MOST_DRAFTS && oldest !== undefined) drafts.delete(oldest);
}

/** The conversation has begun: what was being written for it is its own. */
export function draftBegins(session: string): void {
  const text = draftOf(null);
  if (text === "") return;
  keepDraft(null, "");
  keepDraft(session, text);
}
