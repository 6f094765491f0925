// Files by hand: one is sent into a session's workspace, or fetched from it, and served so that no browser ever renders it.
import { dirname, posix, relative } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { HostError } from "../protocol/errors.ts";
import { Id } from "../protocol/ids.ts";
import { checked } from "./checked.ts";
import type { Entrance } from "./entrance.ts";
import { Outflow } from "./outflow.ts";
import type { TerminalService } from "./services.ts";
import type { StreamContext } from "./streams.ts";
import { namesOf, type OpenFile, PathEscape, WorkspaceFiles } from "./workspace-files.ts";

/** The largest file that is taken. */
export const MAX_UPLOAD_BYTES = 256 * 1024 * 1024;
const PAGE_BYTES = 256 * 1024;
/** A sender that sends nothing for so long has gone. */
const SILENT_MS = 30_000;

const Path = z.string().min(1).max(4096);
const Fetch = z.object({ path: Path });
/** `terminal`: beside its shell, wherever that is in the workspace. */
const Send = z.object({ path: Path, overwrite: z.enum(["0", "1"]).optional(), terminal: Id.optional() });

interface FileRoutes {
  context: StreamContext;
  entrance: Entrance;
  /** The host's own socket; nothing in its directory is ever served. */
  socketPath: string;
  maxUploadBytes: number;
}
type Asked = FastifyRequest<{ Params: { id: string } }>;

export function fileRoutes(app: FastifyInstance, { context, entrance, socketPath, maxUploadBytes }: FileRoutes): void {
  /** One line for each path that tried to leave, as for every other refusal. */
  const audited = async <T>(
    request: Asked,
    work: (files: WorkspaceFiles, workspace: string) => Promise<T>,
  ): Promise<T> => {
    const { workspace } = context.services.turns.row(request.params.id);
    try {
      if (!isUtf8(request.url)) throw new PathEscape();
      return await work(new WorkspaceFiles(workspace, dirname(socketPath)), workspace);
    } catch (error) {
      if (error instanceof PathEscape)
        entrance.audit.refused({ status: error.status, reason: "path_escape", session: request.params.id });
      throw error;
    }
  };

  app.get("/api/sessions/:id/files", async (request: Asked, reply) => {
    const { path } = checked(Fetch, request.query);
    const file = await audited(request, (files) => files.open(path));
    // Every way on from here closes it.
    return serve(file, request, reply, context);
  });

  void app.register((scope, _, done) => {
    scope.removeAllContentTypeParsers();
    // The stream itself is the body: nothing gathers it.
    scope.addContentTypeParser("application/octet-stream", (_, payload, parsed) => parsed(null, payload));
    scope.put("/api/sessions/:id/files", { bodyLimit: maxUploadBytes }, async (request: Asked, reply) => {
      const { path, overwrite, terminal } = checked(Send, request.query);
      const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
      if (type !== "application/octet-stream")
        throw new HostError("invalid_params", "Send the file's bytes, with content-type: application/octet-stream.");
      const options = { overwrite: overwrite === "1", maxBytes: maxUploadBytes };
      const sent = await audited(request, async (files, workspace) => {
        const { folder, note } =
          terminal === undefined ? WORKSPACE_ITSELF : await folderOf(context.services.terminals, terminal, workspace);
        const place = posix.join(folder, path);
        // What goes up from the shell's directory is refused like what goes up from the workspace.
        namesOf(path);
        const { bytes, replaced } = await files.write(place, bodyOf(request), options);
        return { path: place, place: posix.join(workspace, place), bytes, replaced, note };
      });
      return reply.code(sent.replaced ? 200 : 201).send(sent);
    });
    done();
  });
}

const WORKSPACE_ITSELF = { folder: "", note: null };

/** Where in the workspace a terminal's shell is; and why a file goes elsewhere, if it does. */
async function folderOf(
  terminals: TerminalService,
  id: string,
  workspace: string,
): Promise<{ folder: string; note: string | null }> {
  const elsewhere = (why: string) => ({ folder: "", note: `${why}, so it went into the workspace.` });
  if (!terminals.has(id)) return elsewhere("That terminal is closed");
  const directory = await terminals.directory(id);
  if (directory === undefined) return elsewhere("Where the shell is cannot be told");
  if (directory === workspace) return WORKSPACE_ITSELF;
  const folder = relative(workspace, directory);
  return isPath(folder) ? { folder, note: null } : elsewhere("The shell is outside of the workspace");
}

function isPath(path: string): boolean {
  try {
    return namesOf(path).length > 0;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}

/** The body as it comes. Throws cancelled when the sender leaves or falls silent. */
async function* bodyOf(request: FastifyRequest): AsyncGenerator<Buffer> {
  const { raw } = request;
  if (request.body === undefined || request.body === null) return;
  const silent = setTimeout(() => raw.destroy(new Error("silent")), SILENT_MS);
  try {
    // Left in one piece when it is too large: the answer that says so goes the same way.
    for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      silent.refresh();
      yield piece;
    }
  } catch (error) {
    throw new HostError("cancelled", "The file did not arrive whole: nothing was kept of it.", { cause: error });
  } finally {
    clearTimeout(silent);
  }
}

async function serve(
  file: OpenFile,
  request: FastifyRequest,
  reply: FastifyReply,
  context: StreamContext,
): Promise<void> {
  await using opened = file;
  const { size } = opened.stats;
  const mark = `"${opened.stats.ino}-${size}-${opened.stats.mtimeMs}"`;
  const range = rangeOf(request, size, mark);
  const { start, end } = range ?? { start: 0, end: size };

  reply.hijack();
  const response = reply.raw;
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once("close", leave);
  response.on("error", leave);
  for (const over of context.endsOf(request)) {
    over.addEventListener("abort", leave, { signal: gone.signal });
    if (over.aborted) leave();
  }
  using outflow = new Outflow({
    socket: request.raw.socket,
    waiting: () => response.writableLength,
    pause: () => undefined,
    resume: () => undefined,
    onStuck: () => {
      context.meter.count("hearth_given_up_total", "file");
      response.destroy();
    },
  });
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": end - start,
    "content-disposition": `attachment; filename*=UTF-8''${encoded(opened.name)}`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "accept-ranges": "bytes",
    etag: mark,
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${size}` }),
  });
  try {
    for (let at = start; at < end && !gone.signal.aborted; ) {
      const { bytesRead, buffer } = await opened.handle.read(
        Buffer.allocUnsafe(Math.min(PAGE_BYTES, end - at)),
        0,
        undefined,
        at,
      );
      // It was cut while it was read: fewer bytes than were promised are no whole answer.
      if (bytesRead === 0) break;
      at += bytesRead;
      response.write(buffer.subarray(0, bytesRead));
      outflow.wrote();
      await outflow.room(gone.signal);
      if (at === end) response.end();
    }
    if (start === end) response.end();
    if (!response.writableEnded) response.destroy();
  } catch (error) {
    response.destroy();
    request.log.warn({ err: error }, "a file broke off");
  }
}

/** The one range that was asked for, end exclusive; undefined where the whole is wanted. Throws offset_gone (416). */
function rangeOf({ headers }: FastifyRequest, size: number, mark: string): { start: number; end: number } | undefined {
  const asked = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.range ?? "");
  const condition = headers["if-range"];
  if (asked === null || (condition !== undefined && condition !== mark)) return undefined;
  const [, first = "", last = ""] = asked;
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start < end) return { start, end };
  throw new HostError("offset_gone", `There are no such bytes: the file has ${size}.`, { data: { length: size } });
}

/** Overlong and broken forms are left as they are by who reads the query, and would be names then. */
function isUtf8(target: string): boolean {
  try {
    decodeURIComponent(target);
    return true;
  } catch {
    return false;
  }
}

/** For a header (RFC 8187), whatever the name is. */
const encoded = (name: string): string =>
  encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
