// The way from a command to the host of its home: over the Unix socket, with the token of the file beside it.
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { HearthClient } from "../client/client.ts";
import { openGateway } from "../client/node.ts";
import { CliError } from "./failure.ts";
import { answers } from "./host-file.ts";
import { noHostOn } from "./no-host.ts";
import { socketIn } from "./socket-path.ts";

// An import of this module evaluates all it exports, a client of 4 MB among them, and the host runs this too (N10).
const { request } = process.getBuiltinModule("node:http");

/** The token of this home. Throws CliError if there is none yet. */
export async function readToken(home: string): Promise<string> {
  try {
    return (await readFile(join(home, "token"), "utf8")).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw noHost(home);
    throw new CliError(`The token in ${home} cannot be read (${code}): run this as the user who started the host.`);
  }
}

const noHost = (home: string): CliError => new CliError(noHostOn(home));

export interface Connected extends Disposable {
  readonly client: HearthClient;
}

/**
 * A client of the host that runs on `home`. Throws CliError if none answers.
 * With `reconnect` it waits for the next host when this one goes; `onState` tells.
 */
export async function connect(
  home: string,
  options: { reconnect?: boolean; onState?: ConstructorParameters<typeof HearthClient>[0]["onState"] } = {},
): Promise<Connected> {
  const token = await readToken(home);
  if (!(await answers(home, 5_000))) throw noHost(home);
  const socket = socketIn(home);
  const client = new HearthClient({
    open: () => openGateway({ socketPath: socket.path, token }),
    reconnect: options.reconnect ?? false,
    ...(options.onState === undefined ? {} : { onState: options.onState }),
  });
  return {
    client,
    [Symbol.dispose]: () => {
      client.close();
      socket[Symbol.dispose]();
    },
  };
}

/** A host that says nothing for so long is stopped, or hangs. */
const ANSWER_MS = 15_000;

/** A plain GET. Resolves with the answer's head; the caller reads the body. Throws CliError where no host is, or none answers. */
export async function get(home: string, path: string, answerMs = ANSWER_MS): Promise<IncomingMessage> {
  const token = await readToken(home);
  const socket = socketIn(home);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { host: "localhost", authorization: `Bearer ${token}` };
  const asking = request({ socketPath: socket.path, path, headers }, resolve)
    .on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" || error.code === "ECONNREFUSED" ? noHost(home) : error);
    })
    .on("close", () => socket[Symbol.dispose]());
  asking.end();
  const silent = `The host on ${home} has said nothing for ${answerMs / 1000} s: look with \`hearth doctor\`.`;
  const late = setTimeout(() => asking.destroy(new CliError(silent)), answerMs);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
  }
}
