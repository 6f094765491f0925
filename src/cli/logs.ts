// `hearth logs`: the bytes of a process or terminal from an offset on, exact in a pipe, harmless on a terminal.
import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";
import { connect, get } from "./connect.ts";
import { CliError, EXIT } from "./failure.ts";
import { tailOffset } from "./log-tail.ts";
import { safeOutput } from "./safe-text.ts";
import type { Screen } from "./screen.ts";

export interface LogsOptions {
  follow?: boolean;
  /** Byte offset to begin at; without it the first byte that is kept. */
  since?: number;
  /** Only the last so many lines. */
  tail?: number;
  /** The bytes as they are, also on a terminal. */
  raw?: boolean;
}

const AGAIN_MS = 300;

/** Writes output until its end; with `follow` until no more can come, over restarts of the host. */
export async function logs(home: string, id: string, options: LogsOptions, screen: Screen): Promise<number> {
  const sink = screen.terminal && !options.raw ? visibleSink(screen) : rawSink();
  const follow = options.follow ? "&follow=1" : "";
  let offset = options.since ?? (options.tail === undefined ? undefined : await tailOffset(home, id, options.tail));
  for (;;) {
    const answer = await read(home, id, offset ?? 0, follow, offset === undefined);
    if (answer === "host gone") {
      await delay(AGAIN_MS);
      continue;
    }
    offset = answer.from;
    let cut = false;
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        offset += chunk.length;
        await sink.write(chunk);
      }
    } catch (error) {
      // Cut off in the middle: the host died. What we have is counted, so nothing comes twice.
      if (!options.follow || (error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
      cut = true;
    }
    if (!options.follow || (!cut && (await isOver(home, id)))) break;
    await delay(AGAIN_MS);
  }
  sink.end();
  return EXIT.done;
}

interface Body {
  from: number;
  body: NodeJS.ReadableStream;
}

async function read(
  home: string,
  id: string,
  from: number,
  follow: string,
  first: boolean,
): Promise<Body | "host gone"> {
  const path = `/api/processes/${encodeURIComponent(id)}/output?from=`;
  let answer: Awaited<ReturnType<typeof get>>;
  try {
    answer = await get(home, `${path}${from}${follow}`);
  } catch (error) {
    if (follow === "" || first) throw error;
    return "host gone";
  }
  const { statusCode = 0, headers } = answer;
  if (statusCode === 200 || statusCode === 206) return { from, body: answer };
  const problem = await problemOf(answer);
  const kept = typeof problem.first_kept === "number" ? problem.first_kept : firstKept(headers["content-range"]);
  // Nobody asked for a certain byte: then the first one there is.
  if (statusCode === 416 && first && kept !== undefined && kept > from) return read(home, id, kept, follow, false);
  if (statusCode === 503 && follow !== "" && !first) return "host gone";
  throw new CliError(problem.detail ?? `The host answered ${statusCode} for the output of ${id}.`);
}

interface Problem {
  detail?: string;
  first_kept?: number;
}

async function problemOf(answer: NodeJS.ReadableStream): Promise<Problem> {
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  try {
    const read = JSON.parse(text) as { detail?: unknown; data?: { first_kept?: unknown }; first_kept?: unknown };
    const kept = read.first_kept ?? read.data?.first_kept;
    return {
      ...(typeof read.detail === "string" ? { detail: read.detail } : {}),
      ...(typeof kept === "number" ? { first_kept: kept } : {}),
    };
  } catch {
    return {}; // Not JSON: the status alone has to do.
  }
}

/** From `bytes 1000-1999/2000`. */
function firstKept(range: string | undefined): number | undefined {
  const match = /^bytes (\d+)-/.exec(range ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** True once no further byte can come. */
async function isOver(home: string, id: string): Promise<boolean> {
  try {
    using connected = await connect(home);
    if (!id.startsWith("term_")) return (await connected.client.call("process.poll", { process_id: id })).closed;
    const { terminals } = await connected.client.call("terminal.list", {});
    return !terminals.some((row) => row.terminal_id === id && row.status === "running");
  } catch {
    return false; // The host is on its way out: ask the next one.
  }
}

interface Sink {
  write(chunk: Buffer): Promise<void>;
  end(): void;
}

function rawSink(): Sink {
  return {
    // A pipe that is read slowly slows us down, and nobody else.
    write: (chunk) => {
      if (process.stdout.write(chunk)) return Promise.resolve();
      return new Promise((resolve) => process.stdout.once("drain", resolve));
    },
    end: () => undefined,
  };
}

const LONGEST_LINE = 16_384;

function visibleSink(screen: Screen): Sink {
  const { write, end } = visibleText((text) => screen.out(text));
  return { write: (chunk) => Promise.resolve(write(chunk)), end };
}

/** Bytes of a process as text that cannot command the terminal (A46), in whole lines. */
export function visibleText(show: (text: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    write: (chunk) => {
      rest += decoder.write(chunk);
      // By whole lines, because a sequence may be cut in two; a line without end is not waited for.
      const at = rest.length > LONGEST_LINE ? rest.length : rest.lastIndexOf("\n") + 1;
      show(safeOutput(rest.slice(0, at)));
      rest = rest.slice(at);
    },
    end: () => show(safeOutput(rest + decoder.end())),
  };
}
