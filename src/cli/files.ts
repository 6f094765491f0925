// `hearth get` and `hearth put`: files out of and into the workspace of a session, as a person sends them by hand.
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, open, rename, stat, unlink } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { basename, join, posix, relative, resolve, sep } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { SessionRow } from "../protocol/rows.ts";
import { connect, get, readToken } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { readHostFile } from "./host-file.ts";
import { safeJson, safeLine } from "./safe-text.ts";
import type { Screen } from "./screen.ts";
import { socketIn } from "./socket-path.ts";

export interface GetOptions {
  session?: string;
  /** Where to write it; `-` is standard output. Without it: here, under its own name. */
  output?: string;
  force?: boolean;
  /** Fetch nothing: print a link that downloads it in the browser. */
  link?: boolean;
  json?: boolean;
}
export interface PutOptions {
  session?: string;
  /** A directory of the workspace. */
  to?: string;
  force?: boolean;
  json?: boolean;
}

/** Fetches one file, whole or not at all. An older file is replaced only with `force`. */
export async function getFile(
  home: string,
  file: string,
  options: GetOptions,
  cwd: string,
  screen: Screen,
): Promise<number> {
  if (options.output === "-" && !options.link && screen.terminal)
    throw new CliError(
      "A file's bytes could command this terminal, so they are not printed here: `hearth get FILE -o - | less` shows it, `-o NAME` keeps it.",
      EXIT.usage,
    );
  const session = await sessionFor(home, options.session, cwd);
  const path = pathIn(session, file, cwd);
  const answer = await get(home, addressOf(session, path));
  if (answer.statusCode !== 200) throw await refused(answer, file);
  if (options.link) {
    answer.destroy();
    const host = await readHostFile(home);
    const url = `${host?.address ?? ""}/#get=${encodeURIComponent(session.session_id)}:${encodeURIComponent(path)}`;
    screen.line(options.json ? safeJson({ url }) : url);
    return EXIT.done;
  }
  if (options.output === "-") {
    await pipeline(answer, process.stdout, { end: false });
    return EXIT.done;
  }
  const place = resolve(cwd, options.output ?? basename(file));
  const folder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const target = folder ? join(place, basename(file)) : place;
  const draft = `${target}.${randomBytes(4).toString("hex")}.part`;
  try {
    const handle = await open(draft, "wx");
    await pipeline(answer, handle.createWriteStream());
    if (options.force) await rename(draft, target);
    else await link(draft, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new CliError(`${target} is there already: \`--force\` replaces it.`);
    throw new CliError(`${target} could not be written (${code ?? (error as Error).message}).`);
  } finally {
    answer.destroy();
    if (!options.force) await unlink(draft).catch(() => undefined);
  }
  screen.line(options.json ? safeJson({ file: target }) : safeLine(target));
  return EXIT.done;
}

/** Sends files, one after the other; stops at the first that is refused. */
export async function putFiles(
  home: string,
  files: readonly string[],
  options: PutOptions,
  cwd: string,
  screen: Screen,
): Promise<number> {
  const session = await sessionFor(home, options.session, cwd);
  const sent: string[] = [];
  for (const file of files) {
    const source = resolve(cwd, file);
    const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
      throw new CliError(`${safeLine(file)} cannot be read (${error.code}).`);
    });
    if (!found.isFile()) throw new CliError(`${safeLine(file)} is no regular file: only those can be sent.`);
    const path = posix.join(options.to ?? "", basename(source));
    const answer = await send(home, addressOf(session, path, options.force), source, found.size);
    if (answer.statusCode !== 200 && answer.statusCode !== 201) throw await refused(answer, file);
    answer.resume();
    const place = posix.join(session.workspace, path);
    if (options.json) sent.push(place);
    else screen.line(safeLine(place));
  }
  if (options.json) screen.line(safeJson({ files: sent }));
  return EXIT.done;
}

const addressOf = (session: SessionRow, path: string, force = false): string =>
  `/api/sessions/${encodeURIComponent(session.session_id)}/files?path=${encodeURIComponent(path)}${force ? "&overwrite=1" : ""}`;

/** The one that was named; else the one whose workspace we are in, the innermost; else the one used last. */
async function sessionFor(home: string, id: string | undefined, cwd: string): Promise<SessionRow> {
  using connected = await connect(home);
  const { sessions } = await connected.client.call("session.list", {});
  if (id !== undefined) {
    const named = sessions.find((one) => one.session_id === id);
    if (named === undefined)
      throw new CliError(`There is no session ${safeLine(id, 60)}: \`hearth sessions\` lists them.`);
    return named;
  }
  const [innermost] = sessions
    .filter((one) => isInside(one.workspace, cwd))
    .sort((a, b) => b.workspace.length - a.workspace.length);
  const chosen = innermost ?? sessions[0];
  if (chosen === undefined)
    throw new CliError("There is no session, so there is no workspace: `hearth chat` begins one.");
  return chosen;
}

/** As seen from here where here is in the workspace, else from the workspace. */
function pathIn({ workspace }: SessionRow, file: string, cwd: string): string {
  const absolute = resolve(isInside(workspace, cwd) ? cwd : workspace, file);
  return relative(workspace, absolute);
}

const isInside = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

async function refused(answer: IncomingMessage, file: string): Promise<CliError> {
  const body = await text(answer).catch(() => "");
  let detail = `The host answered ${answer.statusCode}.`;
  try {
    const problem = JSON.parse(body) as { detail?: unknown };
    if (typeof problem.detail === "string") detail = problem.detail;
  } catch {
    // No problem document: the status alone has to do.
  }
  return new CliError(`${safeLine(file)}: ${safeLine(detail)}`);
}

async function send(home: string, path: string, source: string, size: number): Promise<IncomingMessage> {
  const token = await readToken(home);
  using socket = socketIn(home);
  const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = {
    host: "localhost",
    authorization: `Bearer ${token}`,
    "content-type": "application/octet-stream",
    "content-length": size,
  };
  const sending = request({ socketPath: socket.path, path, method: "PUT", headers }, answered).on("error", reject);
  // A refusal may come before all of it was sent: then it is the answer that counts, not the broken pipe.
  pipeline(createReadStream(source, { end: Math.max(0, size - 1) }), sending).catch(reject);
  return promise;
}
