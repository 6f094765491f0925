// The composer's memory: arrow-up walks back through what this person has said, arrow-down forward to the draft.

/** Where one is in the past, and what was being written when one went there. */
export interface Recall {
  /** 0: the draft; 1: the latest prompt; … */
  back: number;
  draft: string;
}

export const atDraft: Recall = { back: 0, draft: "" };

/**
 * One step (`older` or `newer`) from `now`, given the prompts, oldest first, and the text in the composer.
 * Null: there is nothing further, the key means what it always means.
 */
export function step(
  now: Recall,
  direction: "older" | "newer",
  prompts: readonly string[],
  text: string,
): { recall: Recall; text: string } | null {
  const back = now.back + (direction === "older" ? 1 : -1);
  if (back < 0 || back > prompts.length) return null;
  const draft = now.back === 0 ? text : now.draft;
  return { recall: { back, draft }, text: back === 0 ? draft : (prompts[prompts.length - back] ?? "") };
}
