// Files dropped on a terminal go into the session's workspace, one after the other, and over no other file unasked.
import { authorizedFetch } from "../../client/browser.ts";

export type Uploaded = { state: "done" } | { state: "exists" } | { state: "failed"; why: string };

/** Never rejects: what went wrong is for a person. */
export async function upload(session: string, file: File, overwrite: boolean): Promise<Uploaded> {
  const query = new URLSearchParams({ path: file.name, overwrite: overwrite ? "1" : "0" });
  try {
    const answer = await authorizedFetch(`/api/sessions/${encodeURIComponent(session)}/files?${query}`, {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: file,
    });
    if (answer.ok) return { state: "done" };
    const { reason, detail } = (await answer.json()) as { reason?: string; detail?: string };
    if (reason === "file_exists") return { state: "exists" };
    return { state: "failed", why: detail ?? `the host answered ${answer.status}` };
  } catch (error) {
    // A directory cannot be read as a file, and a host that is away does not answer.
    return { state: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}
