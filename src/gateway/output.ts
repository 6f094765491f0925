// The raw output of a process or terminal over HTTP: bytes from an offset, served so that no browser ever renders them.
import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import { Cursor, checked } from "./checked.ts";
import { covered } from "./masked-spool.ts";
import { Outflow } from "./outflow.ts";
import type { AttachmentView, Services, SpoolView } from "./services.ts";
import type { StreamContext } from "./streams.ts";

const PAGE_BYTES = 256 * 1024;
/** How long until bytes that the keeper has told of, and a full disk has not, are looked for again. */
const BEHIND_MS = 250;
const Query = z.object({
  from: Cursor.optional(),
  follow: z.enum(["0", "1"]).optional(),
  text: z.enum(["0", "1"]).optional(),
});

/** Throws process_not_found. */
export function attachmentOf({ terminals, processes }: Services, id: string): AttachmentView {
  if (terminals.has(id)) return terminals.attach(id);
  if (processes.has(id)) return processes.attach(id);
  throw new HostError("process_not_found", `There is no process or terminal "${id.slice(0, 100)}".`);
}

export function outputRoute(app: FastifyInstance, context: StreamContext): void {
  const { services, meter } = context;
  app.get<{ Params: { id: string } }>("/api/processes/:id/output", async (request, reply) => {
    const { from, follow, text } = checked(Query, request.query);
    const attachment = attachmentOf(services, request.params.id);
    const { spool } = text === "1" ? covered(attachment, services.redactor) : attachment;
    const start = from ?? spool.firstKept;
    if (start < spool.firstKept || start > spool.length) throw offsetGone(spool, start);
    const end = follow === "1" ? Number.POSITIVE_INFINITY : spool.length;

    reply.hijack();
    const response = reply.raw;
    const { socket } = request.raw;
    const gone = new AbortController();
    const leave = () => gone.abort();
    response.once("close", leave);
    response.on("error", leave);
    for (const end of context.endsOf(request)) {
      end.addEventListener("abort", leave, { signal: gone.signal });
      if (end.aborted) leave();
    }
    using outflow = new Outflow({
      socket,
      waiting: () => response.writableLength,
      pause: () => undefined,
      resume: () => undefined,
      onStuck: () => {
        meter.count("hearth_given_up_total", "output");
        response.destroy();
      },
    });
    const last = spool.length;
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-range": last > start ? `bytes ${start}-${last - 1}/${spool.ended ? last : "*"}` : `bytes */${last}`,
      "content-disposition": "attachment",
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      ...(follow === "1" ? {} : { "content-length": last - start }),
    });
    response.flushHeaders();

    try {
      for await (const bytes of piecesOf(spool, start, end, gone.signal)) {
        response.write(bytes);
        outflow.wrote();
        await outflow.room(gone.signal);
      }
      // Fewer bytes than were promised are no whole answer.
      if (gone.signal.aborted && follow !== "1") response.destroy();
      else response.end();
    } catch (error) {
      // The status is out already: a body that breaks off is the only way left to say that bytes are missing.
      response.destroy();
      request.log.warn({ id: request.params.id, err: error }, "an output broke off");
    }
  });
}

/**
 * The bytes from `start` to `end`, or to the end of output; waits for those that are still to come, until aborted.
 * Throws offset_gone, and an Error where the output is over and the disk has less of it than there was.
 */
async function* piecesOf(spool: SpoolView, start: number, end: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let offset = start; offset < end && !signal.aborted; ) {
    if (spool.length <= offset) {
      if (spool.ended) return;
      await spool.grown(offset, signal);
      continue;
    }
    const { bytes, offset: at } = await spool.read(offset, Math.min(PAGE_BYTES, end - offset));
    offset = at + bytes.length;
    if (bytes.length > 0) yield bytes;
    else if (spool.ended) throw new Error(`The output from byte ${offset} on is missing on the disk`);
    else await delay(BEHIND_MS, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
  }
}

function offsetGone(spool: SpoolView, asked: number): HostError {
  const [first_kept, length] = [spool.firstKept, spool.length];
  return new HostError("offset_gone", `There is no byte ${asked}: what is kept goes from ${first_kept} to ${length}.`, {
    data: { first_kept, length },
  });
}
