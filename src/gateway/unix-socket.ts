// The host's own socket in its home: nobody else's place, nobody else's socket, and never one that still answers.

import { once } from "node:events";
import { chmod, lstat, open, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { HostError } from "../protocol/errors.ts";

/** The kernel takes no longer path for a socket. */
const LONGEST_PATH = 107;
const ANSWER_MS = 1_000;

const refused = (message: string): HostError => new HostError("config_refused", message);

/**
 * Listens on `path`, mode 0600, in a directory of ours that nobody else can enter. A socket left behind is replaced if it
 * is ours and nobody answers on it. Throws config_refused otherwise; resolves with what to dispose after closing.
 */
export async function listenOn(server: Server, path: string): Promise<AsyncDisposable> {
  const directory = dirname(path);
  await checkDirectory(directory);
  await clearPlace(path);
  const reach = await reachable(path);
  server.listen(reach.path);
  await once(server, "listening");
  await chmod(path, 0o600);
  return reach;
}

async function checkDirectory(directory: string): Promise<void> {
  const found = await lstat(directory);
  if (!found.isDirectory()) throw refused(`${directory} is not a directory: the host's socket needs one of its own.`);
  if (found.uid !== process.getuid?.())
    throw refused(`${directory} belongs to another user: choose another HEARTH_HOME.`);
  if ((found.mode & 0o077) !== 0)
    throw refused(`Others can look into ${directory}: run \`chmod 700 ${directory}\` and start again.`);
}

async function clearPlace(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket())
    throw refused(
      `${path} is ${found.isSymbolicLink() ? "a link" : "no socket"}: remove it, the host will not follow it.`,
    );
  if (found.uid !== process.getuid?.()) throw refused(`${path} belongs to another user: remove it.`);
  if (await answers(path)) throw refused(`Another host answers on ${path}: stop it first (\`hearth down\`).`);
  await unlink(path);
}

async function answers(path: string): Promise<boolean> {
  await using reach = await reachable(path);
  const socket = connect(reach.path);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // Whoever takes longer than this holds the place, even if it does not speak.
  const timer = setTimeout(() => resolve(true), ANSWER_MS);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const answer = await promise;
  clearTimeout(timer);
  socket.destroy();
  return answer;
}

/** A long path is reached through its open directory. */
async function reachable(path: string): Promise<AsyncDisposable & { path: string }> {
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { path, [Symbol.asyncDispose]: () => Promise.resolve() };
  if (process.platform !== "linux")
    throw refused(`The path ${path} is too long for a socket: choose a shorter HEARTH_HOME.`);
  const directory = await open(dirname(path));
  return {
    path: `/proc/self/fd/${directory.fd}/${basename(path)}`,
    [Symbol.asyncDispose]: () => directory.close(),
  };
}
