// Where the page gets the output of processes from: as it comes, a page of it, all of it. The one place that decides.
import { authorizedFetch, openText } from "../../client/browser.ts";
import { type TerminalListener, TerminalStream } from "../../client/terminal.ts";

const pathOf = (id: string): string => `/api/processes/${encodeURIComponent(id)}/output`;

/** The last of it, then what comes; until `close`. A lost connection goes on at the byte. */
export function followOutput(id: string, listener: TerminalListener): TerminalStream {
  return new TerminalStream({ open: (from) => openText(id, from), listener });
}

export interface OutputPage {
  from: number;
  bytes: Uint8Array;
}

/** At most `most` bytes from an offset on, or from the first that is kept after it. Rejects with a sentence for the person. */
export async function readOutput(id: string, from: number, most: number): Promise<OutputPage> {
  const stop = new AbortController();
  const answer = await authorizedFetch(`${pathOf(id)}?text=1&from=${from}`, { signal: stop.signal });
  if (answer.status === 416) {
    const { first_kept } = (await answer.json()) as { first_kept?: number };
    if (first_kept !== undefined && first_kept > from) return readOutput(id, first_kept, most);
  }
  if (!answer.ok) throw new Error(await complaint(answer));
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const reader = answer.body?.getReader(); reader !== undefined && size < most; ) {
    const { value } = await reader.read();
    if (value === undefined) break;
    parts.push(value);
    size += value.length;
  }
  // The rest is not read: it can be gigabytes.
  stop.abort();
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()).subarray(0, most);
  return { from, bytes };
}

/** Hands all that is kept to the browser's downloads, as it is. Rejects with a sentence for the person. */
export async function downloadOutput(id: string, name: string): Promise<void> {
  const answer = await authorizedFetch(pathOf(id));
  if (!answer.ok) throw new Error(await complaint(answer));
  const place = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = place;
  link.download = name;
  link.click();
  // Only once the browser has taken it over.
  setTimeout(() => URL.revokeObjectURL(place), 60_000);
}

async function complaint(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  return problem.detail ?? `The host refused it (${answer.status}).`;
}
