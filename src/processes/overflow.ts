// The pause in which matches of too many processes are held back, as the log knows it: announced once, also over a restart.
import * as z from "zod";
import type { EventLog } from "../log/event-log.ts";
import { untilDurable } from "./durable.ts";
import { type Announcement, type OpenPause, Pacer } from "./pacer.ts";
import type { Recorder } from "./record.ts";

export const OVERFLOW_VIEW = "overflow";
const Stored = z.object({ id: z.string(), process_id: z.string(), until: z.number() });

interface Options {
  log: EventLog;
  recorder: Recorder;
  leaving: AbortSignal;
  onWarning: (text: string) => void;
}

/** A pacer that goes on with the pause of an earlier host. */
export async function openPacer(o: Options): Promise<Pacer> {
  const open: OpenPause[] = [];
  for (const [session_id, value] of await o.log.views(OVERFLOW_VIEW)) {
    const stored = Stored.safeParse(value);
    if (stored.success) open.push({ session_id, ...stored.data });
  }
  // One after the other: that a pause is over must not be read before that it has begun.
  let announced: Promise<void> = Promise.resolve();
  const announce = (announcement: Announcement): void => {
    announced = announced
      .then(() => untilDurable(() => o.recorder.overflow(announcement), o.leaving))
      .catch((error: unknown) => {
        if (!o.leaving.aborted) o.onWarning(`A pause of notices could not be recorded: ${String(error)}`);
      });
  };
  return new Pacer({ announce, open });
}
