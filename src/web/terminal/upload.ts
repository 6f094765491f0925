// Files dropped on a terminal go to where its shell is, one after the other, and over no other file unasked.
import { authorizedFetch } from "../../client/browser.ts";

/** `place`: the whole path on the host. `note`: why it is not where the shell is. */
export interface Arrived {
  name: string;
  place: string;
  note: string | null;
}
export type Uploaded = ({ state: "done" } & Arrived) | { state: "exists" } | { state: "failed"; why: string };

export interface Sending {
  session: string;
  terminal: string | null;
  file: File;
  overwrite: boolean;
}

/** Never rejects: what went wrong is for a person. */
export async function upload({ session, terminal, file, overwrite }: Sending): Promise<Uploaded> {
  const query = new URLSearchParams({ path: file.name, overwrite: overwrite ? "1" : "0" });
  if (terminal !== null) query.set("terminal", terminal);
  try {
    const answer = await authorizedFetch(`/api/sessions/${encodeURIComponent(session)}/files?${query}`, {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: file,
    });
    if (answer.ok) {
      const { place, note } = (await answer.json()) as { place: string; note: string | null };
      return { state: "done", name: file.name, place, note };
    }
    const { reason, detail } = (await answer.json()) as { reason?: string; detail?: string };
    if (reason === "file_exists") return { state: "exists" };
    return { state: "failed", why: detail ?? `the host answered ${answer.status}` };
  } catch (error) {
    // A directory cannot be read as a file, and a host that is away does not answer.
    return { state: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

/** What is said of files that have arrived together. */
export function whereTo(files: readonly Arrived[]): string {
  const [first] = files;
  if (first === undefined) return "";
  const folder = first.place.slice(0, Math.max(1, first.place.lastIndexOf("/")));
  const names = files.map((one) => one.name).join(", ");
  return [first.note, `In ${folder} now: ${names}`].filter((part) => part !== null).join(" ");
}

/** Paths as words of a shell's line, with a space behind them, as a terminal on one's own machine types what is dropped. */
export function asWords(paths: readonly string[]): string {
  return paths
    .map((path) => `${/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`} `)
    .join("");
}
