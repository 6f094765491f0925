// A person's words as the journal takes them.
import { type NewEvent, newEvent } from "../protocol/events.ts";
import { newId } from "../protocol/ids.ts";
import type { Checked } from "../protocol/methods.ts";

const TITLE_LENGTH = 60;

/** What is durable once a prompt is accepted: itself, and a first title where the conversation has none. */
export function promptEvents(
  params: Checked<"prompt.submit">,
  o: { turn_id: string; workspace: string | undefined; untitled: boolean },
): NewEvent[] {
  const { text, mode = "queue", model, key, attachments, routing } = params;
  const { turn_id, workspace } = o;
  const prompt_id = newId("prompt");
  const accepted = newEvent("prompt.accepted", `${prompt_id}:accepted`, {
    ...{ turn_id, prompt_id, text, mode },
    ...(key === undefined ? {} : { key }),
    ...(workspace === undefined ? {} : { workspace }),
    ...(model === undefined ? {} : { model }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(routing === undefined ? {} : { routing }),
  });
  if (!o.untitled) return [accepted];
  return [accepted, newEvent("session.info", `${prompt_id}:title`, { title: titleFrom(text) })];
}

/** From the person's own words; they can change it. */
function titleFrom(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length <= TITLE_LENGTH ? line : `${line.slice(0, TITLE_LENGTH - 1).trimEnd()}…`;
}
