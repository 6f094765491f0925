// An event as bytes: serialised once, however many follow it.
import { eventParams, type Recorded } from "../protocol/events.ts";

interface Forms {
  frame?: Buffer;
  message?: string;
}
/** By record: all followers of a stream get the same objects, and the bytes go when the last of them has let go. */
const forms = new WeakMap<Recorded, Forms>();

function formsOf(event: Recorded): Forms {
  const known = forms.get(event);
  if (known) return known;
  const fresh: Forms = {};
  forms.set(event, fresh);
  return fresh;
}

/** A JSON-RPC notification. */
export function eventFrame(stream: string, event: Recorded): Buffer {
  const known = formsOf(event);
  known.frame ??= Buffer.from(
    `{"jsonrpc":"2.0","method":"event","params":${JSON.stringify(eventParams(stream, event))}}`,
  );
  return known.frame;
}

/** A server-sent event. */
export function eventMessage(stream: string, event: Recorded): string {
  const known = formsOf(event);
  known.message ??= sseMessage(event.seq, event.type, eventParams(stream, event));
  return known.message;
}

/** JSON has no raw line break, so one data line is enough. */
export function sseMessage(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
