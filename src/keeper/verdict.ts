// Decides what became of a child, from its records and its keeper; asked at adoption and when a connection breaks.
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Growth } from "./frames.ts";
import { Link, NoKeeper } from "./link.ts";
import { currentBootId, endOrphans } from "./orphans.ts";
import { type Failure, type Intent, readRecord, toClosed, toEnd } from "./records.ts";
import type { Closed, End, Live } from "./types.ts";

export type Verdict =
  | { kind: "attached"; link: Link; growth: Growth }
  | { kind: "ended"; end: End; closed: Closed | undefined }
  | Failure
  /** The keeper lives and does not answer (stopped, or crowded): ask again later. */
  | { kind: "silent" };

const helloMs = 5_000;
/** Pauses before asking again. A keeper whose child was quick is gone within the first. */
const pausesMs = [1, 5, 20];

/**
 * Idempotent: whatever it ends is gone when it is asked again. `onWarning` hears of what should not be; `gone`: it is known
 * already that there is no keeper any more.
 */
export async function decide(
  dir: string,
  { mark, secret }: Intent,
  live: Live | undefined,
  onWarning: (text: string) => void,
  gone = false,
): Promise<Verdict> {
  const connected = gone ? "gone" : await connectTo(dir, secret);
  if (connected !== "gone") return connected;
  // Read after the keeper was gone: it writes nothing any more.
  const [exit, closed] = await Promise.all([readRecord(dir, "exit", secret), readRecord(dir, "closed", secret)]);
  if (exit.state === "signed") {
    const end = toEnd(exit.fields);
    if (end.kind === "failed_start") return end;
    if (closed.state === "torn" || closed.state === "forged") onWarning(`${dir}/closed is ${closed.state}: ignored`);
    if (live !== undefined) await endLeftBehind(dir, live, mark, onWarning);
    return { kind: "ended", end, closed: closed.state === "signed" ? toClosed(closed.fields) : undefined };
  }
  if (exit.state !== "absent") onWarning(`${dir}/exit is ${exit.state}: ignored`);
  return { kind: "ended", end: await lost(live, mark, exit.state === "forged", onWarning), closed: undefined };
}

/** One that says nothing is asked again by whoever wants to know, so that one stopped keeper does not hold up a start. */
async function connectTo(dir: string, secret: string): Promise<Verdict | "gone"> {
  for (let attempt = 0; ; attempt++) {
    try {
      return { kind: "attached", ...(await Link.open(dir, secret, helloMs)) };
    } catch (error) {
      if (!(error instanceof NoKeeper)) throw error;
      if (error.gone) return "gone";
      const pause = error.silent ? undefined : pausesMs[attempt];
      if (pause === undefined) return { kind: "silent" };
      await delay(pause); // it was just leaving, or too many stood at its door
    }
  }
}

/**
 * A keeper takes its socket with it when it leaves. One that is still there belonged to a keeper that was killed: nobody
 * answers any more for what an ended child has left running.
 */
async function endLeftBehind(dir: string, live: Live, mark: string, onWarning: (text: string) => void): Promise<void> {
  const socket = join(dir, "sock");
  if ((await lstat(socket).catch(() => undefined)) === undefined) return;
  await endOrphans(live, mark, onWarning);
  await rm(socket, { force: true });
}

async function lost(
  live: Live | undefined,
  mark: string,
  forged: boolean,
  onWarning: (text: string) => void,
): Promise<End> {
  const boot = await currentBootId();
  if (live !== undefined && boot !== undefined && boot !== live.bootId) return { kind: "lost", reason: "reboot" };
  if (live !== undefined) await endOrphans(live, mark, onWarning);
  return { kind: "lost", reason: forged ? "status_untrusted" : "keeper_gone" };
}
