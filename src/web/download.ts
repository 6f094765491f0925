// The address that a link of `hearth get --link` opens, and fetching what it names with the login that a link cannot carry.
import { authorizedFetch } from "../client/browser.ts";

export interface Wanted {
  session: string;
  path: string;
}

/** The file of `#get=SESSION:PATH`; null where the address is another one. */
export function wantedFile(hash: string): Wanted | null {
  const match = /^#get=([\w.%-]{1,200}):(\S{1,12000})$/.exec(hash);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  try {
    return { session: decodeURIComponent(match[1]), path: decodeURIComponent(match[2]) };
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** Its last part, as the name to save it under. */
export const nameOf = (path: string): string => path.split("/").findLast((part) => part !== "") ?? "file";

/** Hands the file to the browser's downloads. Rejects with a sentence for the person. */
export async function download({ session, path }: Wanted): Promise<void> {
  const address = `/api/sessions/${encodeURIComponent(session)}/files?path=${encodeURIComponent(path)}`;
  const answer = await authorizedFetch(address);
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new Error(problem.detail ?? `The host refused it (${answer.status}).`);
  }
  const place = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = place;
  link.download = nameOf(path);
  link.click();
  // Only once the browser has taken it over.
  setTimeout(() => URL.revokeObjectURL(place), 60_000);
}
